"""Uncompressed NIfTI-1, written and read without any library, to exchange volumes with the command."""

import struct
from pathlib import Path

import numpy as np

_CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
_HEADER = 352  # bytes before the voxels


def write_nifti(path: Path, voxels: np.ndarray, ijk_to_ras: np.ndarray) -> None:
    """Write a volume.

    Args:
        path: with the suffix .nii.
        voxels: (k, j, i) as in MRML; real numbers.
        ijk_to_ras: (4, 4), indices to mm.
    """
    kind = f"{voxels.dtype.kind}{voxels.dtype.itemsize}"
    header = bytearray(_HEADER)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *voxels.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, _CODES[kind], 8 * voxels.dtype.itemsize)
    sizes = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    struct.pack_into("<8f", header, 76, 1.0, *sizes, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, _HEADER, 1.0, 0.0)  # where voxels begin, scale, offset
    struct.pack_into("<B", header, 123, 2)  # mm
    struct.pack_into("<2h", header, 252, 0, 1)  # only the sform says where the volume lies
    struct.pack_into("<12f", header, 280, *ijk_to_ras[:3].ravel())
    header[344:348] = b"n+1\0"
    with path.open("wb") as file:
        file.write(header)
        # in one piece, during which other threads may run
        file.write(np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<")).data)


def read_nifti(path: Path) -> np.ndarray:
    """Read the voxels (k, j, i) of a volume that the command wrote.

    Raises:
        ValueError: it is of another kind than `write_nifti` writes.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
        (code,) = struct.unpack_from("<h", header, 70)
        kind = next((kind for kind, number in _CODES.items() if number == code), None)
        if kind is None:
            raise ValueError(f"{path.name} contains voxels of the type {code}, which is not expected")
        shape = struct.unpack_from("<3h", header, 42)[::-1]
        (start,) = struct.unpack_from("<f", header, 108)
        file.seek(int(start))
        voxels = np.empty(shape, f"<{kind}")
        if file.readinto(voxels.data.cast("B")) != voxels.nbytes:
            raise ValueError(f"{path.name} is cut short")
    return voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
