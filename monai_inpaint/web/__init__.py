"""A small application in the browser, on Slicer's engine: `monai-inpaint-web`, with the extra `web`.

It shares `InpaintLib` with the extension for 3D Slicer: in a wheel it lies in this package, in a checkout in the
extension.
"""

from pathlib import Path

_EXTENSION = Path(__file__).parents[2] / "slicer_extension" / "Inpaint"
if _EXTENSION.is_dir():
    __path__.append(str(_EXTENSION))
