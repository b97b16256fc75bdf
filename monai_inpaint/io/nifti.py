"""NIfTI-1 and NIfTI-2 in one file (.nii, .nii.gz): the header is kept to the byte, with its extensions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.checks import check_affine, check_voxels, native, parsing, plain_dtype
from monai_inpaint.io.limits import DEFLATED, check_claim
from monai_inpaint.io.nifti_header import Header, new_header, parse_header
from monai_inpaint.io.stored import fill, packed, parts_of, read_on, room, unpacked

_LONGEST_EXTENSION = 1 << 26


@dataclass(frozen=True)
class NiftiHeader:
    """The header and what follows it up to the voxels (extensions), as they lay in the file."""

    header: Header
    extensions: bytes

    def place(self) -> NiftiHeader:
        """Keep only the geometry: for maps on the same grid."""
        return NiftiHeader(self.header.place(), bytes(4))


def read(path: Path) -> Image:
    """Stored voxels (unscaled), affine to RAS mm; scale factors as slope and intercept."""
    with parsing(path, "NIfTI"), _open(path) as file:
        header = parse_header(file, path)
        dtype, shape = header.dtype(path), header.shape
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        check_voxels(path, dtype, shape)
        affine, other = header.affine, header.other_affine
        check_affine(path, affine)
        extensions = _read_extensions(file, path, header)
        voxels = _read_voxels(file, path, dtype, shape)
    slope, intercept = header.scale
    if voxels.ndim == 2:  # (column, row) in the file, as every viewer shows it; (rows, columns) here
        voxels, affine, other = voxels.T, _swapped(affine), None if other is None else _swapped(other)
    kept = NiftiHeader(header, extensions)
    return Image(
        native(voxels), affine, None, slope, intercept, path=path, header=kept, placed=header.placed, other_affine=other
    )


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Write to `path`; suffix .nii.gz compresses."""
    if np.ndim(image.slope) or np.ndim(image.intercept):
        voxels, slope, intercept = image.units(), 1.0, 0.0
    else:
        voxels, slope, intercept = plain_dtype(image.voxels), float(image.slope), float(image.intercept)
    known = image.header if isinstance(image.header, NiftiHeader) else None
    affine = image.affine
    if voxels.ndim == 2:
        voxels, affine = voxels.T, None if affine is None else _swapped(affine)
    if known is None and voxels.ndim == 2 and affine is not None:
        voxels = voxels[..., None]  # many readers drop the place of a 2D NIfTI in space
    header = new_header(voxels.shape) if known is None else known.header.copy()
    if known is None or math.prod(header.shape) != voxels.size or header.native_dtype != voxels.dtype:
        header.set_voxels(voxels.dtype, voxels.shape)
    if (slope, intercept) != header.scale:
        header.set_scale(slope, intercept)
    if affine is not None and (known is None or not np.array_equal(affine, header.affine)):
        header.set_affine(affine)
    if derived:
        header.set_description(f"{derived['description']}; {derived['model']}, monai-inpaint {derived['version']}")
    extensions = known.extensions if known else bytes(4)
    header.set_offset(len(extensions))
    parts = itertools.chain([header.tobytes(), extensions], parts_of(voxels, header.dtype(path)))
    with path.open("wb") as file:
        file.writelines([packed(parts, "gzip")] if _packed(path) else parts)


def _read_extensions(file: Any, path: Path, header: Header) -> bytes:
    length = header.offset - header.size
    if length > _LONGEST_EXTENSION:
        raise InputError(f"{path} says that its voxels begin at byte {header.offset}; repair its vox_offset.")
    extensions = file.read(length)
    if len(extensions) < length:
        raise InputError(f"{path} is cut short: it ends before its voxels begin; copy it again.")
    return extensions


def _read_voxels(file: Any, path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    check_claim(path, shape, dtype.itemsize, packed=DEFLATED if _packed(path) else 1)
    voxels = room(path, math.prod(shape), dtype)
    fill(voxels, file, path)
    if _packed(path):
        read_on(file, path)
    return voxels.reshape(shape, order="F")


def _swapped(affine: np.ndarray) -> np.ndarray:
    """The affine of a 2D array whose axes are exchanged."""
    return affine[:, [1, 0, 2, 3]]


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield unpacked(file) if _packed(path) else file
