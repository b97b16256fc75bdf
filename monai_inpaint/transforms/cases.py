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
from monai_inpaint.io import read_image, write_image
from monai_inpaint.version import __version__


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


class SaveFilled(Transform):
    """Write `pred` (1, *spatial), composited with the source file, to `output_dir` under the source's name.

    Args:
        output_dir: made if it does not exist.
        model: said in the written file, beside this package's version.
    """

    def __init__(self, output_dir: str | Path, model: str) -> None:
        self.output_dir, self.model = Path(output_dir), model

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source, hole = read_image(data["source"]), read_image(data["hole"])
        inside, _ = align_hole(hole, source)
        sign = -1.0 if source.inverted else 1.0
        patch = Patch((slice(None),) * inside.ndim, inside, sign * torch.as_tensor(data["pred"])[0].cpu().numpy())
        self.output_dir.mkdir(parents=True, exist_ok=True)
        derived = {"description": "hole filled", "model": self.model, "version": __version__}
        write_image(compose(source, [patch]), self.output_dir / Path(data["source"]).name, derived=derived)
        return dict(data)
