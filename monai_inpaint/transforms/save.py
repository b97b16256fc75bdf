"""Read an image for a bundle run by MONAI, and save its output, marked as derived."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image
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
