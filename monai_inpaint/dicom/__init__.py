"""Write the DICOM objects that accompany a derived series: SEG, parametric maps, structured report, overview.

They need highdicom, which comes with the extra `dicom`. Images and series themselves are read and written in
`monai_inpaint.io.dicom`, which needs only pydicom.
"""
