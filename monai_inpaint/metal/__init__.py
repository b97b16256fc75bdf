"""Metal in CT and MR: find it, reduce its artifacts, keep it. Research use only.

    from monai_inpaint import read_image
    from monai_inpaint.metal import reduce_metal

    reduced = reduce_metal(read_image("ct_series"))
    reduced.image, reduced.metal, reduced.report

Names are loaded when first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monai_inpaint._lazy import loaded_when_used

if TYPE_CHECKING:
    from monai_inpaint.metal.detect_ct import find_metal
    from monai_inpaint.metal.reduce import reduce_metal
    from monai_inpaint.synthesis.metal.simulate import simulate_metal

__all__ = ["find_metal", "reduce_metal", "simulate_metal"]

_HOME = {
    "find_metal": "monai_inpaint.metal.detect_ct",
    "reduce_metal": "monai_inpaint.metal.reduce",
    "simulate_metal": "monai_inpaint.synthesis.metal.simulate",
}

__getattr__ = loaded_when_used(__name__, _HOME)
