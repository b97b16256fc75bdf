"""A small application in the browser, on Slicer's engine: `monai-inpaint-web`, with the extra `web`."""
