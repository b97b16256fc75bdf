"""Where a hole comes from: files, DICOM segmentations and structure sets, artifacts, burned-in text, rectangles.

`sources.py` has a class for each. Random holes for training and tests are in `monai_inpaint.synthesis.holes`.
"""
