"""What goes back to a DICOM archive beside the derived series: hole, difference, spread, record, overview.

Writes with highdicom, which comes with the extra `dicom`; reading series and writing derived ones is in
`monai_inpaint.io` and needs pydicom only.
"""
