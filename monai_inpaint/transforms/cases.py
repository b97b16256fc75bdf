"""Read a case for a bundle run by MONAI, and save what it filled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_inpaint.fill.compose import Patch, compose
from monai_inpaint.imaging.grid import align_hole, check_hole
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.regions.hole_file import read_hole
from monai_inpaint.transforms.save import SaveDerived


class ReadFillPaird(Transform):
    """{"image": path, "hole": path} -> {"image": MetaTensor (2, *spatial), "source": path, "hole": path}.

    The first channel is the image in its units with the hole zeroed, the second the hole on the image's grid.
    `segment`, if given, selects segments, ROIs or labels of the hole.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = read_image(data["image"])
        inside = _hole_of(data, source)
        check_hole(inside, str(data["hole"]))
        sign = -1.0 if source.inverted else 1.0
        units = np.where(inside, 0.0, sign * source.units()).astype(np.float32)
        affine = None if source.affine is None else torch.from_numpy(source.affine)
        channels = torch.from_numpy(np.stack((units, inside.astype(np.float32))))
        image = channels if affine is None else MetaTensor(channels, affine=affine)
        read = {"image": image, "source": str(data["image"]), "hole": str(data["hole"])}
        return read | ({"segment": data["segment"]} if data.get("segment") else {})


class SaveFilled(SaveDerived):
    """Write `pred` (1, *spatial), composited with the source file, to `output_dir` under the source's name."""

    description = "hole filled"

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = read_image(data["source"])
        inside = _hole_of(data, source)
        sign = -1.0 if source.inverted else 1.0
        patch = Patch((slice(None),) * inside.ndim, inside, sign * torch.as_tensor(data["pred"])[0].cpu().numpy())
        self.write(compose(source, [patch]), Path(data["source"]).name)
        return dict(data)


class SaveNodules(SaveFilled):
    """As `SaveFilled`, where the holes are masks of nodules."""

    description = "synthetic nodules"


class SavePainted(SaveFilled):
    """Like `SaveFilled`, for films in which the hole is generated."""

    description = "synthetic film"


def _hole_of(data: Mapping[Hashable, Any], source: Image) -> np.ndarray:
    """The hole of a case on the grid of its source."""
    return align_hole(read_hole(Path(data["hole"]), source, data.get("segment")), source).voxels
