"""Where a hole comes from: files, DICOM segmentations and structure sets, found artifacts, burned-in text, rectangles."""
