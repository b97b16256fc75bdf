"""Browser application on the libraries of 3D Slicer: `monai-inpaint-web`, with the extra `web`."""
