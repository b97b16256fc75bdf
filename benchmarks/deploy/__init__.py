"""How the DICOM service and the MONAI Deploy app hold up."""
