"""Checks that all readers share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image

_SAME = 0.01  # of a voxel
_SINGLE = 1e-6  # relative, of the single precision that NIfTI has


@contextmanager
def parsing(path: Path, kind: str, faults: type[Exception] | tuple[type[Exception], ...] = Exception) -> Iterator[None]:
    """Turn whatever a format's library raises on a file into an `InputError` of that file.

    Libraries raise nearly any exception on damaged files (struct.error, KeyError, zlib.error, RuntimeError, ...), so
    all count unless `faults` lists them.
    """
    try:
        with np.errstate(all="ignore"):  # numbers that cannot be meant are refused by what they lead to
            yield
    except (InputError, FileNotFoundError, PermissionError):
        raise
    except faults as error:
        lines = str(error).strip().splitlines()
        # a reason that names the file says no more than the sentence around it
        why = f" ({lines[-1].strip()[:200]})" if lines and str(path) not in lines[-1] else ""
        raise InputError(
            f"{path} cannot be read as {kind}: it is damaged, cut short, or of another kind{why}."
        ) from error


def check_voxels(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Real numbers on a 2D or 3D grid, at least one voxel along each axis."""
    if dtype.kind == "c":
        raise InputError(f"{path} contains complex numbers; give its magnitude or another real image.")
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise InputError(f"{path} contains voxels of type {dtype}; give whole or floating-point numbers.")
    if len(shape) not in (2, 3):
        raise InputError(f"{path} has {len(shape)} dimensions {shape}; give one 2D or 3D image.")
    if min(shape) < 1:
        raise InputError(f"{path} contains no voxels: its shape is {shape}.")


def check_affine(path: Path, affine: np.ndarray) -> np.ndarray:
    """Check that an affine is finite and loses no axis, and return it."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or lengths.min() == 0 or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
        raise InputError(f"{path} has no valid geometry: its affine is {affine[:3].tolist()}; repair its header.")
    return affine


def apart(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Return whether two affines put some voxel of a grid at different places, by more than what rounding makes."""
    off = np.abs(first - second)[:3] @ [*(n - 1 for n in (*shape, 1)[:3]), 1]
    size = np.linalg.norm(first[:3, :3], axis=0).min()
    return not off.max() <= max(_SAME * size, _SINGLE * np.abs(first).max())


def native(voxels: np.ndarray) -> np.ndarray:
    """Swap numbers to this machine's byte order, in place: `voxels` is the caller's own."""
    if voxels.dtype.isnative:
        return voxels
    return voxels.byteswap(inplace=True).view(voxels.dtype.newbyteorder("="))


def plain_dtype(voxels: np.ndarray) -> np.ndarray:
    """Truth values and half floats, which few formats know, as the next larger type; others as they are."""
    larger = {"b": np.uint8, "f": np.float32}.get(voxels.dtype.kind)
    return voxels.astype(larger) if larger and voxels.dtype.itemsize < np.dtype(np.float32).itemsize else voxels


def in_units(image: Image) -> np.ndarray:
    """Convert the voxels to physical units, for formats without slope and intercept.

    Whole numbers stay whole where slope and intercept are whole; otherwise float32.
    """
    voxels, slope, intercept = plain_dtype(image.voxels), np.asarray(image.slope), np.asarray(image.intercept)
    if (slope == 1).all() and (intercept == 0).all():
        return voxels
    if voxels.dtype.kind == "f" or (slope != np.rint(slope)).any() or (intercept != np.rint(intercept)).any():
        return image.units()
    ends = np.array([float(voxels.min()), float(voxels.max())])
    reach = [slope.min() * ends, slope.max() * ends]
    low, high = np.min(reach) + intercept.min(), np.max(reach) + intercept.max()
    for dtype in (np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return voxels.astype(dtype) * slope.astype(dtype) + intercept.astype(dtype)
    return image.units()
