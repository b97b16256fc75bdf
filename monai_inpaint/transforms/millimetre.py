"""Resample volumes to 1 mm in every direction, and cut slices from them."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.transforms.pyramid import make_pyramid
from monai_inpaint.transforms.read_volume import stack

_LEVELS = 4


def at_one_millimetre(volume: Image) -> Image:
    """The volume, its voxels units in float32, resampled to 1x1x1 mm: linear, smoothed first along axes that shrink.

    It covers the same space: the faces of the volume stay where they are, within half a voxel.

    Raises:
        InputError: the spacing of the volume is not known.
    """
    from scipy.ndimage import gaussian_filter, zoom

    if volume.affine is None or volume.spacing is None:
        raise InputError(f"{volume.path or 'A volume'} states no spacing, so it cannot be resampled to 1 mm.")
    shape = [max(round(n * length), 1) for n, length in zip(volume.voxels.shape, volume.spacing, strict=True)]
    factors = np.array(shape) / volume.voxels.shape
    # A voxel of the new grid averages 1 / factor old ones; this is the Gaussian of the same variance as such a box.
    voxels = gaussian_filter(volume.voxels, np.sqrt((factors.clip(max=1.0) ** -2 - 1) / 12), mode="nearest")
    resampled: Any = zoom(voxels, factors, order=1, mode="nearest", grid_mode=True)
    affine = volume.affine.copy()
    affine[:3, :3] /= factors
    # Faces, not centres of voxels, stay in place.
    affine[:3, 3] += volume.affine[:3, :3] @ ((1 / factors - 1) / 2)
    return Image(resampled, affine, volume.modality)


class Resample1mmd(MapTransform):
    """Resample a volume to 1x1x1 mm (see `at_one_millimetre`), as Armanious et al. 2019 prepare their data."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        return {**data, **{key: at_one_millimetre(data[key]) for key in self.keys}}


class RandSlicesd(RandomizableTransform, MapTransform):
    """Image (volume) -> pyramids of random slices as displayed: a list of so many entries, for `list_data_collate`.

    Slices are axial if the file states its orientation (else along k), and only those are used that contain at least
    half as much body as the fullest one. `CentreWindowd(side=256)` then makes them 256x256.

    Args:
        keys: key of the volume.
        num_samples: slices a volume.
        level: the value above which a voxel is body; None: a tenth of the volume's range, as for MR.
    """

    def __init__(self, keys: KeysCollection = "image", num_samples: int = 8, level: float | None = None) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.num_samples, self.level = num_samples, level

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        key = self.keys[0]
        slices = stack(data[key], _across(data[key]))[0]
        low, high = np.percentile(slices[:, ::4, ::4], (1, 99))
        level = low + 0.1 * (high - low) if self.level is None else self.level
        body = (slices[:, ::4, ::4] > level).sum((1, 2))
        full = np.flatnonzero(body >= body.max() / 2)
        chosen = self.R.choice(full, self.num_samples, replace=len(full) < self.num_samples)
        return [{**data, key: make_pyramid(np.ascontiguousarray(slices[k]), _LEVELS), "slice": int(k)} for k in chosen]


def _across(volume: Image) -> int:
    """The axis of the array that runs from foot to head."""
    return 2 if volume.affine is None else int(np.abs(volume.affine[2, :3]).argmax())
