"""Read a written file back and compare it with the image, before it gets its final name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.checks import apart, plain_dtype

_PICTURES = (".png", ".tif", ".tiff")  # hold stored values, whatever they stand for


def check_saved(image: Image, place: Path, path: Path, read: Callable[[Path], Image]) -> None:
    """Compare every voxel and the geometry of the file at `place` with the image that was written there.

    Slices of a series are read one by one, so that no second volume is held.

    Args:
        image: the written image.
        place: its temporary location: a file, or a folder with one file, or with one for each slice in order.
        path: the name that it is to get.
        read: reads images as anyone would read this one.

    Raises:
        InputError: the file cannot be read, or has another content.
    """
    files = sorted(place.iterdir(), key=lambda file: (len(file.name), file.name)) if place.is_dir() else [place]
    apiece = len(files) > 1
    if apiece and len(files) != image.voxels.shape[-1]:
        raise InputError(f"{path} was not saved: it contains {len(files)} files; choose another format.")
    for k, file in enumerate(files):
        try:
            saved = read(file)
        except InputError as error:
            why = str(error).replace(str(file), file.name)
            raise InputError(f"{path} was not saved: what was written cannot be read back ({why}).") from error
        what = _difference(_slice(image, k) if apiece else image, saved, path)
        if what:
            raise InputError(
                f"{path} was not saved: read back, it differs from the result in {what}; choose another format."
            )


def _slice(image: Image, k: int) -> Image:
    """Slice k of a volume in the orientation of a file of a series: (rows, columns)."""
    forward = np.eye(4)
    forward[2, 3] = k
    affine = None if image.affine is None else (image.affine @ forward)[:, [1, 0, 2, 3]]
    slope, intercept = (
        float(np.broadcast_to(scale, image.voxels.shape)[0, 0, k]) for scale in (image.slope, image.intercept)
    )
    return Image(image.voxels[:, :, k].T, affine, None, slope, intercept, image.stored_range, image.inverted)


def _difference(image: Image, saved: Image, path: Path) -> str:
    """Differences in words; "" if there are none."""
    voxels, affine = saved.voxels, saved.affine
    if image.voxels.ndim == 2 and voxels.ndim == 3 and voxels.shape[2] == 1:  # one slice in space
        voxels, affine = voxels[..., 0].T, None if affine is None else affine[:, [1, 0, 2, 3]]
    if voxels.shape != image.voxels.shape:
        return "its shape"
    if image.affine is not None and affine is not None and apart(image.affine, affine, voxels.shape):
        return "its place"
    if path.suffix.lower() in _PICTURES:
        expected = _complement(image) if image.inverted != saved.inverted else image.voxels
    elif _close(saved.slope, image.slope) and _close(saved.intercept, image.intercept):
        expected = image.voxels
    else:
        return "" if _same(image.units(), _units_of(voxels, saved)) else "its voxels"
    kept = expected if voxels.dtype == expected.dtype else plain_dtype(expected)
    return "" if _same(kept, voxels) else "its voxels"


def _units_of(voxels: np.ndarray, saved: Image) -> np.ndarray:
    """Formats that store units store them unscaled, or with one scale for all voxels."""
    return (voxels.astype(np.float64) * saved.slope + saved.intercept).astype(np.float32)


def _complement(image: Image) -> np.ndarray:
    low, high = image.stored_range or (0, np.iinfo(image.voxels.dtype).max)
    return (int(low) + int(high) - image.voxels.astype(np.int64)).astype(image.voxels.dtype)


def _close(first: float | np.ndarray, second: float | np.ndarray) -> bool:
    """Equal but for the single precision of NIfTI."""
    return np.shape(first) == np.shape(second) and bool(np.allclose(first, second, rtol=1e-6, atol=0))


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    """Bit for bit, so that voxels that are not numbers count too."""
    if first.dtype != second.dtype:
        return False
    bits = np.dtype(f"u{first.dtype.itemsize}")
    # a volume slice by slice, so that no second one of truth values is needed
    slices = [(first, second)] if first.ndim == 2 else ((first[..., k], second[..., k]) for k in range(first.shape[2]))
    return all(np.array_equal(a.view(bits), b.view(bits)) for a, b in slices)
