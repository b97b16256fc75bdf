"""A filler whose OpenVINO engine computes in a given precision; the package itself leaves no choice."""

from __future__ import annotations

from monai_inpaint import Filler
from monai_inpaint.engines.openvino_engine import OpenVinoEngine


def filler_in(bundle: str, precision: str) -> tuple[Filler, str]:
    """The filler, and the precision that OpenVINO says it uses on this machine.

    Args:
        bundle: name or folder.
        precision: "f32" or "bf16"; a processor without bfloat16 falls back to f32.
    """
    filler = Filler(bundle, engine="openvino")
    engine = OpenVinoEngine(filler.bundle, precision)
    filler._engine = engine  # no public switch: the precision is a decision, not an option
    return filler, engine.describe()["arithmetic"]
