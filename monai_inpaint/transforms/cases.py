"""Read the cases of a bundle run by MONAI, and save its output, marked as derived."""

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
from monai_inpaint.io import read_image, write_image
from monai_inpaint.regions.hole_file import read_hole
from monai_inpaint.version import __version__


class SaveDerived(Transform):
    """Write images to a folder, marked as derived; the `description` of each subclass states what was done.

    Args:
        output_dir: made if it does not exist.
        model: stated in the written file, beside this package's version.
    """

    description: str

    def __init__(self, output_dir: str | Path, model: str) -> None:
        self.output_dir, self.model = Path(output_dir), model

    def write(self, image: Image, name: str) -> None:
        """Write the image into the folder under that name."""
        self.output_dir.mkdir(parents=True, exist_ok=True)
        derived = {"description": self.description, "model": self.model, "version": __version__}
        write_image(image, self.output_dir / name, derived=derived)


class ReadImaged(Transform):
    """{"image": path} -> {"image": MetaTensor (1, *spatial) in units, dense is bright, "source": path}."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = read_image(data["image"])
        units = torch.from_numpy((-1.0 if source.inverted else 1.0) * source.units())[None]
        image = units if source.affine is None else MetaTensor(units, affine=torch.from_numpy(source.affine))
        return {"image": image, "source": str(data["image"])}


class SaveFound(SaveDerived):
    """Write `pred` (1, *spatial), 1 in the hole, to `output_dir`: as NAME_hole.png of a picture, else .nii.gz."""

    description = "hole proposed"

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = read_image(data["source"])
        found = torch.as_tensor(data["pred"])[0].cpu().numpy() > 0.5
        picture = source.affine is None
        hole = Image(np.where(found, 255 if picture else 1, 0).astype(np.uint8), source.affine)
        self.write(hole, Path(data["source"]).name.partition(".")[0] + ("_hole.png" if picture else "_hole.nii.gz"))
        return dict(data)


class SaveCorrected(SaveDerived):
    """Write `pred` (1, *spatial), in units, to `output_dir` by the source's name; equal values stay as stored."""

    description = "metal artifacts reduced"

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = read_image(data["source"])
        units = torch.as_tensor(data["pred"])[0].cpu().numpy()
        voxels = np.where(units == source.units(), source.voxels, source.stored(units))
        self.write(source.with_voxels(voxels), Path(data["source"]).name)
        return dict(data)


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
