"""Regions, jobs and results on an MRML scene, without Qt: shared by the 3D Slicer module and the browser application.

The extension has a copy of these files, called InpaintLib (in a checkout a symbolic link to this folder). In Slicer's
Python the package need not be installed, so they import only one another. They compute no fill: the command
`monai-inpaint` does, in a separate process.
"""
