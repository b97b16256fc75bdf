"""Input and output of a method of metal artifact reduction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.fill.compose import Patch
from monai_inpaint.imaging.axial import Axial
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import Found
from monai_inpaint.metal.network_prior import Run
from monai_inpaint.progress import Steps
from monai_inpaint.registry import BundleInfo


@dataclass(frozen=True)
class Task:
    """Input of a method.

    Attributes:
        image: the source.
        axial: its axial slices.
        found: its metal.
        allowed: bool, of the image's shape: what may change.
        bundle: of the network that the method runs; None where it runs none.
        engine: that runs it.
        progress: called with the work done and the work in all.
        run: the network of the method `network`, in place of a bundle's.
    """

    image: Image
    axial: Axial
    found: Found
    allowed: np.ndarray
    bundle: BundleInfo | None
    engine: str
    progress: Steps | None
    run: Run | None = None


@dataclass(frozen=True)
class Correction:
    """The output of a method.

    Attributes:
        patches: new values, the metal filled with tissue where it is among them.
        facts: for the report.
    """

    patches: list[Patch]
    facts: dict[str, Any]
