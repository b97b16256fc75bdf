"""DICOM images, by pydicom alone: read, write, derive, and tell whose they are."""
