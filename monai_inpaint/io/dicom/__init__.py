"""Read and write DICOM images and series with pydicom, mark them as derived, and check whose they are."""
