"""Read a volume, and return it as a stack of slices along any of its axes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.transforms.pyramid import stretched


class ReadVolumed(MapTransform):
    """Path -> Image whose voxels are units, float32; NaN where the mask `data["lesion"]` marks, if there is one.

    Args:
        keys: keys of the paths.
        percentile: stretch to 0..255 between this percentile and its complement, for MR whose units mean nothing;
            None keeps the units.

    Raises:
        InputError: the file contains no volume.
    """

    def __init__(self, keys: KeysCollection, percentile: float | None = None) -> None:
        super().__init__(keys)
        self.percentile = percentile

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        for key in self.keys:
            image = read_image(Path(out[key]))
            if image.voxels.ndim != 3:
                raise InputError(f"{out[key]}: slabs are cut out of volumes, and this is a single picture.")
            values = image.units()
            if self.percentile is not None:
                values = stretched(values, self.percentile).astype(np.float32)
            if "lesion" in out:
                values = np.where(read_image(Path(out["lesion"])).units() > 0, np.float32("nan"), values)
            out[key] = Image(values, image.affine)
        return out


def stack(volume: Image, axis: int) -> tuple[np.ndarray, float, float]:
    """Return the volume's voxels as (slices, rows, columns) as displayed, a view, with slices along `axis`.

    Returns:
        The stack, millimetres between slices, and millimetres between the voxels of a slice (where rows and columns
        differ, their geometric mean); 1 where the volume has no geometry.
    """
    order = [other for other in range(3) if other != axis] + [axis]
    spacing = volume.spacing or (1.0, 1.0, 1.0)
    affine = None if volume.affine is None else volume.affine[:, [*order, 3]]
    shown = np.moveaxis(displayed(volume.voxels.transpose(order), affine), 2, 0)
    return shown, spacing[axis], float(np.sqrt(spacing[order[0]] * spacing[order[1]]))
