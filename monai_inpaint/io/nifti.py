"""NIfTI-1 and NIfTI-2 in one file (.nii, .nii.gz): the header is kept to the byte, with its extensions."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.checks import check_affine, check_voxels, native, parsing, plain_dtype
from monai_inpaint.io.nifti_header import Header, new_header, parse_header

_CHUNK = 1 << 24
_LONGEST_EXTENSION = 1 << 26
_TRAILING = 1 << 24  # bytes after the voxels that are read and left out
_RATIO = 1100  # deflate packs at most about 1030 times


@dataclass(frozen=True)
class NiftiHeader:
    """The header and what follows it up to the voxels (extensions), as they lay in the file."""

    header: Header
    extensions: bytes

    def place(self) -> NiftiHeader:
        """Only what tells where the voxels lie: for maps on the same grid."""
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
        voxels = _read_voxels(file, path, dtype, math.prod(shape))
        voxels = voxels.reshape(shape, order="F")
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
    stored = header.dtype(path)
    with _create(path) as file:
        file.write(header.tobytes())
        file.write(extensions)
        for k in range(voxels.shape[-1]):
            file.write(voxels[..., k].astype(stored, copy=False).tobytes(order="F"))


def _read_extensions(file: Any, path: Path, header: Header) -> bytes:
    length = header.offset - header.size
    if length > _LONGEST_EXTENSION:
        raise InputError(f"{path} says that its voxels begin at byte {header.offset}; repair its vox_offset.")
    extensions = file.read(length)
    if len(extensions) < length:
        raise InputError(f"{path} is cut short: it ends before its voxels begin; copy it again.")
    return extensions


def _read_voxels(file: Any, path: Path, dtype: np.dtype, count: int) -> np.ndarray:
    # a damaged header must not claim all memory
    if count * dtype.itemsize > path.stat().st_size * (_RATIO if path.suffix.lower() == ".gz" else 1):
        raise InputError(f"{path} is cut short: it is smaller than its header says; copy it again.")
    voxels = np.empty(count, dtype)
    rest = voxels.view(np.uint8).data
    while len(rest):
        got = file.readinto(rest[:_CHUNK])
        if not got:
            raise InputError(f"{path} is cut short: {len(rest)} bytes of its voxels are missing; copy it again.")
        rest = rest[got:]
    trailing = 0
    while piece := file.read(_CHUNK):  # to the end, so that a compressed file's checksum is verified
        trailing += len(piece)
        if trailing > _TRAILING:
            raise InputError(f"{path} goes on after the voxels that its header tells of; repair its header.")
    return voxels


def _swapped(affine: np.ndarray) -> np.ndarray:
    """The affine of a 2D array whose axes are exchanged."""
    return affine[:, [1, 0, 2, 3]]


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as file:
        yield file


@contextmanager
def _create(path: Path) -> Iterator[Any]:
    with path.open("wb") as raw:
        if path.suffix.lower() != ".gz":
            yield raw
            return
        # no name and no time inside: the same image gives the same file
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as file:
            yield file
