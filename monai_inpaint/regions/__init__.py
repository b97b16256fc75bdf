"""Sources of holes: files, DICOM segmentations and structure sets, artifacts, burned-in text, rectangles."""
