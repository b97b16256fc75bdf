"""Text headers of NRRD and MetaImage, line by line, for the tests of reading them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SHAPE = (4, 3, 2)  # fastest axis first
VOXELS = np.arange(24, dtype="<i2").reshape(SHAPE, order="F")
BYTES = VOXELS.tobytes(order="F")

META = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "DimSize": "4 3 2",
    "ElementSpacing": "1 2 3",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}
NRRD = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "4 3 2",
    "space directions": "(1,0,0) (0,2,0) (0,0,3)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(5,6,7)",
}


def meta(path: Path, data: bytes = BYTES, end: str = "\n", **fields: str | None) -> Path:
    """A MetaImage with some fields changed, added, or (None) left out."""
    used = {key: value for key, value in (META | fields).items() if value is not None}
    used["ElementDataFile"] = used.pop("ElementDataFile", "LOCAL")
    path.write_bytes("".join(f"{key} = {value}{end}" for key, value in used.items()).encode() + data)
    return path


def nrrd(path: Path, data: bytes = BYTES, end: str = "\n", **fields: str | None) -> Path:
    """An NRRD with some fields changed, added, or (None) left out; _ stands for a space in their names."""
    named = {key.replace("_", " "): value for key, value in fields.items()}
    space = {key: named.pop(key) for key in ("space dimension",) if key in named}  # goes before what needs it
    used = {key: value for key, value in (space | NRRD | named).items() if value is not None}
    lines = ["NRRD0004", *(f"{key}: {value}" for key, value in used.items()), ""]
    path.write_bytes("".join(line + end for line in lines).encode() + data)
    return path
