"""Read an image for a bundle run by MONAI that finds or corrects something in it, and save the result."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.transforms.save import SaveDerived


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
    """Write `pred` (1, *spatial), in units, to `output_dir` by the source's name; what is equal stays as stored."""

    description = "metal artifacts reduced"

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = read_image(data["source"])
        units = torch.as_tensor(data["pred"])[0].cpu().numpy()
        voxels = np.where(units == source.units(), source.voxels, source.stored(units))
        self.write(source.with_voxels(voxels), Path(data["source"]).name)
        return dict(data)
