"""Fill a marked region of a chest X-ray, CT or MR image, and change nothing else. Research use only.

    from monai_inpaint import Filler, read_image, write_image

    image, hole = read_image("scan.nii.gz"), read_image("hole.nii.gz")
    fill = Filler("ct")(image, hole)
    write_image(fill.image, "filled.nii.gz")

Names are loaded when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monai_inpaint._lazy import loaded_when_used
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.errors import InputError
    from monai_inpaint.fill.filler import Fill, Filler
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.io import read_image, write_image
    from monai_inpaint.registry import bundles

__all__ = ["Fill", "Filler", "Image", "InputError", "__version__", "bundles", "read_image", "write_image"]

_HOME = {
    "Fill": "monai_inpaint.fill.filler",
    "Filler": "monai_inpaint.fill.filler",
    "Image": "monai_inpaint.imaging.image",
    "InputError": "monai_inpaint.errors",
    "bundles": "monai_inpaint.registry",
    "read_image": "monai_inpaint.io",
    "write_image": "monai_inpaint.io",
}

__getattr__ = loaded_when_used(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
