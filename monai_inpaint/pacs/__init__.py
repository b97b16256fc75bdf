"""The service in a DICOM network: receive studies, fill what rules say, send the results."""
