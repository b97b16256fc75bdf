"""Run a bundle's network in OpenVINO, onnxruntime, torch or TensorRT, and choose among them.

Names are loaded when first used, so that asking which engines there are costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monai_inpaint._lazy import loaded_when_used

if TYPE_CHECKING:
    from monai_inpaint.engines.base import Engine
    from monai_inpaint.engines.load import available, load_engine
    from monai_inpaint.engines.names import ENGINES

__all__ = ["ENGINES", "Engine", "available", "load_engine"]

_HOME = {
    "ENGINES": "monai_inpaint.engines.names",
    "Engine": "monai_inpaint.engines.base",
    "available": "monai_inpaint.engines.load",
    "load_engine": "monai_inpaint.engines.load",
}

__getattr__ = loaded_when_used(__name__, _HOME)
