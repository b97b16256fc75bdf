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
from monai_inpaint.geometry import align_hole, check_hole
from monai_inpaint.io import read_image
from monai_inpaint.transforms.save import SaveDerived


class ReadCased(Transform):
    """{"image": path, "hole": path} -> {"image": MetaTensor (2, *spatial), "source": path, "hole": path}.

    The first channel is the image in its units with the hole zeroed, the second the hole on the image's grid.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source, hole = read_image(data["image"]), read_image(data["hole"])
        inside, _ = align_hole(hole, source)
        check_hole(inside, str(data["hole"]))
        sign = -1.0 if source.inverted else 1.0
        units = np.where(inside, 0.0, sign * source.units()).astype(np.float32)
        affine = None if source.affine is None else torch.from_numpy(source.affine)
        channels = torch.from_numpy(np.stack((units, inside.astype(np.float32))))
        image = channels if affine is None else MetaTensor(channels, affine=affine)
        return {"image": image, "source": str(data["image"]), "hole": str(data["hole"])}


class SaveFilled(SaveDerived):
    """Write `pred` (1, *spatial), composited with the source file, to `output_dir` under the source's name."""

    description = "hole filled"

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source, hole = read_image(data["source"]), read_image(data["hole"])
        inside, _ = align_hole(hole, source)
        sign = -1.0 if source.inverted else 1.0
        patch = Patch((slice(None),) * inside.ndim, inside, sign * torch.as_tensor(data["pred"])[0].cpu().numpy())
        self.write(compose(source, [patch]), Path(data["source"]).name)
        return dict(data)
