"""What the module Inpaint of 3D Slicer and the application in the browser share: works on any MRML scene, without Qt.

The extension has a copy of these files, called InpaintLib (in a checkout a symbolic link to this folder). In Slicer's
Python the package need not be installed, so they import one another and nothing else of it. They compute no fill: the
command `monai-inpaint` does, in a process of its own.
"""
