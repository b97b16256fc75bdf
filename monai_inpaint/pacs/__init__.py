"""The DICOM service: receive studies, fill them by rules, send the results."""
