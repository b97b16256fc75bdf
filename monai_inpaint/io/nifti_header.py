"""The fields of a NIfTI header that determine type and geometry of the voxels; all other bytes are kept.

Repairs follow nifti1.h and the readers of FSL and nibabel: a qfac of 0 is 1, pixel sizes count by their absolute
value and as 1 where they are 0, a quaternion rounded above length 1 is scaled to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.io.checks import apart

_NAMES = [
    "sizeof_hdr", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope", "scl_inter", "xyzt_units",
    "descrip", "qform_code", "sform_code", "quatern", "qoffset", "srow", "magic",
]  # fmt: skip
_NIFTI1 = np.dtype({
    "names": _NAMES,
    "formats": ["i4", "8i2", "i2", "i2", "8f4", "f4", "f4", "f4", "u1",
                "S80", "i2", "i2", "3f4", "3f4", "(3,4)f4", "S4"],
    "offsets": [0, 40, 70, 72, 76, 108, 112, 116, 123, 148, 252, 254, 256, 268, 280, 344],
    "itemsize": 348,
})  # fmt: skip
_NIFTI2 = np.dtype({
    "names": _NAMES,
    "formats": ["i4", "8i8", "i2", "i2", "8f8", "i8", "f8", "f8", "i4",
                "S80", "i4", "i4", "3f8", "3f8", "(3,4)f8", "S8"],
    "offsets": [0, 16, 12, 14, 104, 168, 176, 184, 500, 240, 344, 348, 352, 376, 400, 4],
    "itemsize": 540,
})  # fmt: skip
_COLOUR = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 32: "c8", 64: "f8", 128: _COLOUR, 256: "i1", 512: "u2", 768: "u4",
    1024: "i8", 1280: "u8", 1792: "c16",
}  # fmt: skip
_CODES = {np.dtype(dtype): code for code, dtype in _DTYPES.items()}
_MILLIMETRES = {1: 1000.0, 3: 0.001}  # spatial unit codes: metre, micrometre; all others count as mm
_MM_SEC = 10
_FLAG = 4  # bytes behind the header, which state whether extensions follow
_UNIT = 0.01  # by how much the square of a rounded quaternion may exceed 1


class Header:
    """A NIfTI-1 or NIfTI-2 header of a single file: its bytes, and the fields among them that are understood."""

    def __init__(self, content: bytes | bytearray, dtype: np.dtype) -> None:
        self._content = bytearray(content)
        self._fields: Any = np.frombuffer(self._content, dtype).reshape(())  # a view: what is set lands in the bytes

    def copy(self) -> Header:
        return Header(self._content, self._fields.dtype)

    def place(self) -> Header:
        """Return a header with the grid, units and both forms of this one, and nothing else."""
        other = Header(bytes(self.size), self._fields.dtype)
        for name in ("sizeof_hdr", "magic", "dim", "datatype", "bitpix", "pixdim", "xyzt_units", "qform_code",
                     "sform_code", "quatern", "qoffset", "srow"):  # fmt: skip
            other._fields[name] = self._fields[name]
        other._fields["scl_slope"] = 1
        return other

    def tobytes(self) -> bytes:
        return bytes(self._content)

    @property
    def size(self) -> int:
        return self._fields.dtype.itemsize

    @property
    def shape(self) -> tuple[int, ...]:
        dim = self._fields["dim"]
        return tuple(int(n) for n in dim[1 : int(dim[0]) + 1])

    def dtype(self, path: Path) -> np.dtype:
        """Of the voxels, in the byte order of the file."""
        code = int(self._fields["datatype"])
        if code not in _DTYPES:
            raise InputError(f"{path} contains voxels of the NIfTI type {code}; give whole or floating-point numbers.")
        return np.dtype(_DTYPES[code]).newbyteorder(self._fields["dim"].dtype.byteorder)

    @property
    def native_dtype(self) -> np.dtype:
        return np.dtype(_DTYPES[int(self._fields["datatype"])])

    @property
    def offset(self) -> int:
        """Bytes before the first voxel."""
        return int(self._fields["vox_offset"])

    @property
    def scale(self) -> tuple[float, float]:
        slope, intercept = float(self._fields["scl_slope"]), float(self._fields["scl_inter"])
        if not math.isfinite(slope) or slope == 0:
            return 1.0, 0.0
        return slope, intercept if math.isfinite(intercept) else 0.0

    @property
    def affine(self) -> np.ndarray:
        """To RAS mm: the sform, or the qform, or where no code is set the pixel sizes about the centre, x flipped.

        A sform of zeros or NaN, as written by programs that only set the qform, is ignored in favour of the qform.
        """
        if self._fields["sform_code"] > 0:
            sform = self._sform()
            turn = sform[:3, :3]
            if (np.isfinite(sform).all() and turn.any(axis=0).all()) or self._fields["qform_code"] <= 0:
                return self._millimetres(sform)
        return self._millimetres(self._qform(np.abs) if self._fields["qform_code"] > 0 else self._base())

    @property
    def placed(self) -> bool:
        """Whether a code is set, so that the file states its geometry; otherwise programs disagree about it."""
        return bool(self._fields["sform_code"] > 0 or self._fields["qform_code"] > 0)

    @property
    def other_affine(self) -> np.ndarray | None:
        """Affine by which other programs place the voxels, if it differs.

        By the qform if the sform is used here; by the signs of negative pixel sizes, which ITK interprets as flips.
        """
        if self._fields["qform_code"] <= 0:
            return None
        affine, shape = self.affine, (*self.shape, 1, 1)[:3]
        others = [self._millimetres(self._qform(np.abs)), self._millimetres(self._qform())]
        return next((other for other in others if np.isfinite(other).all() and apart(affine, other, shape)), None)

    def set_voxels(self, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        self._fields["datatype"], self._fields["bitpix"] = _CODES[dtype.newbyteorder("=")], dtype.itemsize * 8
        self._fields["dim"] = [len(shape), *shape, *[1] * (7 - len(shape))]

    def set_scale(self, slope: float, intercept: float) -> None:
        self._fields["scl_slope"], self._fields["scl_inter"] = slope, intercept

    def set_affine(self, affine: np.ndarray) -> None:
        """Both geometries, in mm; the qform cannot store shear, which is omitted in it."""
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        turn = affine[:3, :3] / sizes
        mirrored = np.linalg.det(turn) < 0
        left, _, right = np.linalg.svd(turn * [1, 1, -1 if mirrored else 1])
        units = int(self._fields["xyzt_units"])
        self._fields["xyzt_units"] = (units & ~7) | 2
        self._fields["pixdim"][:4] = [-1 if mirrored else 1, *sizes]
        self._fields["quatern"] = _quaternion(left @ right)
        self._fields["qoffset"], self._fields["srow"] = affine[:3, 3], affine[:3]
        self._fields["qform_code"] = self._fields["sform_code"] = 1

    def set_description(self, text: str) -> None:
        self._fields["descrip"] = text.encode()[:79]

    def set_offset(self, extensions: int) -> None:
        """Voxels begin after so many bytes of extensions."""
        self._fields["vox_offset"] = self.size + extensions

    def _millimetres(self, affine: np.ndarray) -> np.ndarray:
        affine[:3] *= _MILLIMETRES.get(int(self._fields["xyzt_units"]) & 7, 1.0)
        return affine

    def _sform(self) -> np.ndarray:
        return np.vstack([self._fields["srow"].astype(np.float64), [0.0, 0.0, 0.0, 1.0]])

    def _qform(self, signs: Callable[[np.ndarray], np.ndarray] = np.positive) -> np.ndarray:
        bcd = self._fields["quatern"].astype(np.float64)
        square = float(bcd @ bcd)
        if not square <= 1 + _UNIT:  # NaN as well
            return np.full((4, 4), np.nan)
        a, (b, c, d) = math.sqrt(max(1 - square, 0.0)), bcd / math.sqrt(max(square, 1.0))
        turn = np.array([
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ])  # fmt: skip
        affine = np.eye(4)
        affine[:3, :3] = turn * signs(self._sizes()) * [1, 1, -1 if self._fields["pixdim"][0] < 0 else 1]
        affine[:3, 3] = self._fields["qoffset"]
        return affine

    def _base(self) -> np.ndarray:
        sizes = np.abs(self._sizes()) * [-1, 1, 1]
        affine = np.diag([*sizes, 1.0])
        affine[:3, 3] = -sizes * (np.array([*self.shape, 1, 1][:3]) - 1) / 2
        return affine

    def _sizes(self) -> np.ndarray:
        sizes = self._fields["pixdim"][1:4].astype(np.float64)
        return np.where(sizes == 0, 1.0, sizes)


def parse_header(file: Any, path: Path) -> Header:
    """Parse the header at the start of a file, and leave the file positioned after it.

    Raises:
        InputError: no NIfTI, one half of a pair, cut short, or fields that cannot be meant.
    """
    start = file.read(4)
    for kind in (_NIFTI1, _NIFTI2):
        for order in ("<", ">"):
            dtype = kind.newbyteorder(order)
            if start == np.array(kind.itemsize, dtype["sizeof_hdr"]).tobytes():
                return _checked(start + file.read(kind.itemsize - 4), dtype, path)
    raise InputError(f"{path} is not a NIfTI file, whatever its suffix says.")


def new_header(shape: tuple[int, ...]) -> Header:
    """Make a header without description, geometry and scale; NIfTI-2 if the shape does not fit into NIfTI-1."""
    large = max(shape) >= 1 << 15
    dtype = (_NIFTI2 if large else _NIFTI1).newbyteorder("<")
    fields: Any = np.zeros((), dtype)
    fields["sizeof_hdr"], fields["magic"] = dtype.itemsize, b"n+2\0\r\n\032\n" if large else b"n+1"
    fields["pixdim"], fields["scl_slope"], fields["xyzt_units"] = 1, 1, _MM_SEC
    return Header(fields.tobytes(), dtype)


def _checked(content: bytes, dtype: np.dtype, path: Path) -> Header:
    if len(content) < dtype.itemsize:
        raise InputError(f"{path} is cut short: it ends within its header; copy it again.")
    fields: Any = np.frombuffer(content, dtype)[0]
    if not fields["magic"].startswith(b"n+"):
        raise InputError(f"{path} is only the header of a NIfTI pair; give a single .nii or .nii.gz file.")
    if not 1 <= fields["dim"][0] <= 7:
        raise InputError(f"{path} says that it has {fields['dim'][0]} dimensions; repair its header.")
    # Readers disagree about an offset inside of the header: they begin at 0, 348 or 352, or refuse.
    offset, least = float(fields["vox_offset"]), dtype.itemsize + _FLAG
    if not (math.isfinite(offset) and offset == int(offset) and offset >= least):
        raise InputError(
            f"{path} says that its voxels begin at byte {offset:g}, which is not behind its header; set its "
            f"vox_offset ({least} where no extension follows the header)."
        )
    return Header(content, dtype)


def _quaternion(turn: np.ndarray) -> np.ndarray:
    """(b, c, d) of a rotation's quaternion with a >= 0: its largest eigenvector after Bar-Itzhack."""
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = turn
    lower = np.array([
        [xx - yy - zz, 0, 0, 0],
        [yx + xy, yy - xx - zz, 0, 0],
        [zx + xz, zy + yz, zz - xx - yy, 0],
        [yz - zy, zx - xz, xy - yx, xx + yy + zz],
    ])  # fmt: skip
    values, vectors = np.linalg.eigh(lower)
    b, c, d, a = vectors[:, np.argmax(values)]
    return np.array([b, c, d]) * (-1 if a < 0 else 1)
