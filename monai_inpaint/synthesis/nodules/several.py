"""Put several nodules into one image, without overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import untouched_hash
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.synthesis.nodules.synthesize import Place, Synthesis, synthesize_nodule


@dataclass(frozen=True, eq=False, kw_only=True)
class NoduleRequest:
    """A requested nodule; see `synthesize_nodule`."""

    place: Place = "lungs"
    diameter: float = 12.0
    shape: str | np.ndarray = "random"
    density: str | float = "solid"
    seed: int = 0


def synthesize_nodules(image: Image, requests: Sequence[NoduleRequest], **networks: Any) -> Synthesis:
    """Put nodules into an image, in turn; none touches another.

    Args:
        image: see `synthesize_nodule`.
        requests: one or more.
        networks: bundle, shape_bundle and engine of `synthesize_nodule`.

    Returns:
        All of them: the mask and the box contain all nodules, the report has a list "nodules" instead of "nodule".

    Raises:
        InputError: see `synthesize_nodule`; or there is no room for all of them.
    """
    if not requests:
        raise InputError("No nodule is asked for; give one request or more.")
    made, mask, nodules, seconds = None, np.zeros(image.voxels.shape, bool), [], 0.0
    for request in requests:
        wanted = {"shape": request.shape, "density": request.density, "seed": request.seed, "taken": mask}
        before = image if made is None else made.image
        made = synthesize_nodule(before, request.place, request.diameter, **wanted, **networks)
        nodules.append(made.report["nodule"])
        seconds += made.report["seconds"]["synthesize"]
        mask = mask | made.mask
    assert made is not None
    report = {key: value for key, value in made.report.items() if key != "nodule"}
    digest = untouched_hash(image.voxels, mask)
    if digest != untouched_hash(made.image.voxels, mask):
        raise RuntimeError("Voxels outside the nodules differ: the program has a fault.")
    report["untouched"] = {**report["untouched"], "before": digest, "after": digest}
    report["hole"] = {**report["hole"], **_sizes(report["hole"], int(np.count_nonzero(mask)))}
    box = extent(mask)
    assert box is not None
    spans = tuple((side.start, side.stop - side.start) for side in box)
    return replace(
        made, mask=mask, box=spans, report={**report, "seconds": {"synthesize": seconds}, "nodules": nodules}
    )


def _sizes(hole: dict[str, Any], voxels: int) -> dict[str, Any]:
    """Voxels, mm3 and mm2 of all nodules, by those of one."""
    scale = voxels / hole["voxels"]
    return {"voxels": voxels, **{key: hole[key] and hole[key] * scale for key in ("mm3", "mm2")}}
