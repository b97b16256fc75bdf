"""Provenance of the figures: data, protocol, hardware, versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from monai_inpaint.evaluation.fill_methods import Method
from monai_inpaint.evaluation.protocols import Protocol
from monai_inpaint.machine import processor, versions

PACKAGES = (
    "monai-inpaint",
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "pillow",
    "openvino",
    "onnxruntime",
    "torch",
)


def facts_of(
    protocol: Protocol,
    methods: Sequence[Method],
    *,
    seed: int,
    data: str,
    selection: dict[str, str | None],
    counts: str,
    engine: str,
    features: str | None,
) -> dict[str, str]:
    """Name and value of each fact, in the order to be shown."""
    chosen = ", ".join(f"{name} {value}" for name, value in selection.items() if value is not None)
    bundles = ", ".join(f"{c.name} = {c.version}" for c in methods if not c.classical)
    facts = {
        "protocol": protocol.name,
        "seed": str(seed),
        "images and hole": protocol.hole,
        "data": f"{data}: {chosen or 'every row'}",
        "cases": counts,
        "region": "all figures are taken inside the hole; SSIM and UQI on the full image, averaged over hole pixels "
        "(SSIM Gaussian 11 wide, sigma 1.5; UQI 8 wide); sharpness is gradient energy, filled over true; in volumes "
        "all of them in 3D, in voxels whatever the spacing",
        "data range": "0-255, values clipped to the window mapped to it: 8-bit films 0 to 255; CT "
        "-1000 to 1000 HU (8-bit pictures of CT hold none and are left out); MR, and films of more bits, the 0.5-99.5 "
        "percentiles of the known pixels; each case's window is in cases.csv",
        "averaging": "each image, then mean ± standard deviation over images",
        "LPIPS": f"SqueezeNet 1.1 ({features}), version 0.1, on the composite (of a volume the "
        f"slice along k through the hole's middle), {protocol.window} pixels around the hole"
        if features
        else "not measured: no features given",
    }
    if features:
        facts["told apart"] = (
            "share of the fills that a classifier tells from the truth, 50 % where it cannot: paired logistic "
            "regression on SqueezeNet features of the hole, cross-validated by patient"
        )
    if bundles:
        facts |= {"bundles": bundles, "engine": engine}
    if not any(c.classical for c in methods):
        facts["beware"] = "no classical method stands in this table to compare with"
    return facts | {
        "hardware": f"{platform.machine()}, {processor()}, {os.cpu_count()} logical cores, {platform.system()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": ", ".join(versions(PACKAGES)),
    }
