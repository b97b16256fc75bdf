"""NIfTI-1 and NIfTI-2 in one file (.nii, .nii.gz): the header is kept to the byte, with its extensions."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.checks import check_affine, check_voxels, native, parsing, plain_dtype

_CHUNK = 1 << 24
_MILLIMETRES = {1: 1000.0, 3: 0.001}  # spatial unit codes: metre, micrometre; all others count as mm


@dataclass(frozen=True)
class NiftiHeader:
    """The header as it lay in the file (byte order, scale factors, qform, sform, extensions)."""

    header: Any
    shape: tuple[int, ...]


def read(path: Path) -> Image:
    """Stored voxels (unscaled), affine to RAS mm; scale factors as slope and intercept."""
    with parsing(path, "NIfTI"), _open(path) as file:
        header = _read_header(file, path)
        full = tuple(int(n) for n in header.get_data_shape())
        shape = full
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        dtype = header.get_data_dtype()
        check_voxels(path, dtype, shape)
        affine = check_affine(path, _affine(header))
        file.seek(header.get_data_offset())
        voxels = _read_voxels(file, path, dtype, math.prod(shape)).reshape(shape, order="F")
    slope, intercept = _scale(header)
    if voxels.ndim == 2:  # (column, row) in the file, as every viewer shows it; (rows, columns) here
        voxels, affine = voxels.T, _swapped(affine)
    return Image(native(voxels), affine, None, slope, intercept, path=path, header=NiftiHeader(header, full))


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
    header = _new_header(voxels.shape) if known is None else known.header.copy()
    if (
        known is None
        or math.prod(known.shape) != voxels.size
        or header.get_data_dtype().newbyteorder("=") != voxels.dtype
    ):
        header.set_data_dtype(voxels.dtype)
        header.set_data_shape(voxels.shape)
    if (slope, intercept) != _scale(header):
        header["scl_slope"], header["scl_inter"] = slope, intercept
    if affine is not None and (known is None or not np.array_equal(affine, _affine(header))):
        header.set_xyzt_units("mm", header.get_xyzt_units()[1])
        header.set_sform(affine, code=1)
        header.set_qform(affine, code=1)
    if derived:
        header["descrip"] = (
            f"{derived['description']}; {derived['model']}, monai-inpaint {derived['version']}".encode()[:79]
        )
    with _create(path) as file:
        header.write_to(file)
        file.write(b"\0" * (header.get_data_offset() - file.tell()))
        for k in range(voxels.shape[-1]):
            file.write(voxels[..., k].astype(header.get_data_dtype(), copy=False).tobytes(order="F"))


def _read_header(file: Any, path: Path) -> Any:
    start = file.read(4)
    sizes = {int.from_bytes(start, "little"), int.from_bytes(start, "big")}
    kind = {348: nib.Nifti1Header, 540: nib.Nifti2Header}.get(next(iter(sizes & {348, 540}), 0))
    if kind is None:
        raise InputError(f"{path} is not a NIfTI file, whatever its suffix says.")
    file.seek(0)
    header = kind.from_fileobj(file, check=False)
    header.copy().check_fix()  # raises on what cannot be meant; the original stays as it is
    if not header.is_single or bytes(header["magic"].item())[:2] != b"n+":
        raise InputError(f"{path} is only the header of a NIfTI pair; give a single .nii or .nii.gz file.")
    return header


def _read_voxels(file: Any, path: Path, dtype: np.dtype, count: int) -> np.ndarray:
    # deflate cannot shrink more than about 1030 times: a damaged header must not claim all memory
    if count * dtype.itemsize > path.stat().st_size * (1100 if path.suffix.lower() == ".gz" else 1):
        raise InputError(f"{path} is cut short: it is smaller than its header says; copy it again.")
    voxels = np.empty(count, dtype)
    rest = voxels.view(np.uint8).data
    while len(rest):
        got = file.readinto(rest[:_CHUNK])
        if not got:
            raise InputError(f"{path} is cut short: {len(rest)} bytes of its voxels are missing; copy it again.")
        rest = rest[got:]
    while file.read(_CHUNK):  # to the end, so that a compressed file's checksum is verified
        pass
    return voxels


def _swapped(affine: np.ndarray) -> np.ndarray:
    """The affine of a 2D array whose axes are exchanged."""
    return affine[:, [1, 0, 2, 3]]


def _affine(header: Any) -> np.ndarray:
    affine = np.array(header.get_best_affine(), dtype=np.float64)
    affine[:3] *= _MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    return affine


def _scale(header: Any) -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not math.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _new_header(shape: tuple[int, ...]) -> Any:
    header = nib.Nifti1Header() if max(shape) < 1 << 15 else nib.Nifti2Header()
    header["scl_slope"] = 1
    header["scl_inter"] = 0
    header.set_xyzt_units("mm", "sec")
    return header


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
