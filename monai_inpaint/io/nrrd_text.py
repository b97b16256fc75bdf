"""Write an NRRD under the very header text it was read with.

ITK's own round trip rounds the space directions in the last digit and garbles the measurement frame.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

_LONGEST = 1 << 20
_ELSEWHERE = {"data file", "datafile", "line skip", "lineskip", "byte skip", "byteskip"}


def header_text(path: Path) -> bytes | None:
    """The header with the blank line that ends it; None if voxels do not simply follow it, raw or gzipped."""
    with path.open("rb") as file:
        start = file.read(_LONGEST)
    end = start.find(b"\n\n")
    if end < 0:
        return None
    text = start[: end + 2]
    fields = _fields(text)
    simple = fields.get("encoding") in ("raw", "gzip", "gz") and not _ELSEWHERE & fields.keys()
    return text if simple else None


def write_under(text: bytes, voxels: np.ndarray, path: Path, derived: dict | None) -> None:
    """Write the header text and the voxels, 3D (i, j, k) or 2D (rows, columns), encoded as the text says."""
    fields = _fields(text)
    if derived:
        note = f"{derived['description']}; {derived['model']}, monai-inpaint {derived['version']}".replace("\n", " ")
        text = text[:-1] + f"Derived:={note}\n\n".encode()
    stored = voxels.dtype.newbyteorder(">" if fields.get("endian") == "big" else "<")
    fastest_first = voxels if voxels.ndim == 3 else voxels.T
    with path.open("wb") as raw:
        raw.write(text)
        packed = None
        if fields["encoding"] != "raw":
            packed = gzip.GzipFile(filename="", mode="wb", compresslevel=2, fileobj=raw, mtime=0)
        for last in range(fastest_first.shape[-1]):
            (packed or raw).write(fastest_first[..., last].astype(stored, copy=False).tobytes(order="F"))
        if packed is not None:
            packed.close()


def _fields(text: bytes) -> dict[str, str]:
    """Lower-case field names and values; comments and key:=value pairs left out."""
    lines = (line for line in text.decode("latin-1").splitlines() if ": " in line and not line.startswith("#"))
    pairs = (line.split(": ", 1) for line in lines if ":=" not in line.split(": ", 1)[0])
    return {name.strip().lower(): value.strip().lower() for name, value in pairs}
