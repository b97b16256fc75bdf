"""Where a hole comes from: files, DICOM segmentations and structure sets, artifacts, burned-in text, rectangles."""
