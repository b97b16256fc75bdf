"""TIFF (.tif, .tiff) through tifffile: one grey page, whole numbers or floating point, without loss."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.checks import check_voxels, native, parsing, plain_dtype
from monai_inpaint.io.codestream import check_code
from monai_inpaint.io.limits import CODED, check_claim
from monai_inpaint.io.pictures import grey_channels
from monai_inpaint.io.tiff_directory import check_directories

_WHITE_IS_ZERO, _PALETTE = 0, 3
# none, CCITT, LZW, deflate, run lengths, LZMA, Zstandard; other compressions state it themselves, or count as lossy
_UNCODED = (1, 2, 3, 4, 5, 8, 32771, 32773, 32946, 34925, 34926, 50000)
_ALONE = (1, 8, 32773, 32946, 34925)  # none, deflate, run lengths, LZMA: what needs no imagecodecs
_START = 2**16  # bytes; what a segment says before its size is shorter
_REDUCED = 1  # bit of NewSubfileType: a smaller copy of another page

# its warnings about damaged tags would stand beside our one sentence
logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False


@dataclass(frozen=True)
class TiffHeader:
    """Tags that are written back: description, resolution, whether the voxels were deflated."""

    description: str | None
    resolution: tuple | None
    unit: int | None
    deflated: bool


def read(path: Path) -> Image:
    """2D (rows, columns) as shown; WhiteIsZero keeps its values and is marked as inverted."""
    check_directories(path)
    with warnings.catch_warnings(action="ignore"), parsing(path, "TIFF"), tifffile.TiffFile(path) as file:
        pages: list[Any] = [page for page in file.pages if not getattr(page, "subfiletype", 0) & _REDUCED]
        if len(pages) != 1:
            raise InputError(f"{path} contains {len(pages)} pages; give one page, or the volume as .nii.gz or .nrrd.")
        page = pages[0]
        orientation = page.tags.get(274)
        if orientation is not None and int(orientation.value) != 1:
            raise InputError(f"{path} is stored turned or mirrored (Orientation {orientation.value}); save it upright.")
        if page.photometric == _PALETTE:
            raise InputError(f"{path} has a colour palette; convert it to grey.")
        _check_codec(page, path)
        lossy = _check_segments(page, path)
        voxels = page.asarray()
        header = _header(page)
        inverted = page.photometric == _WHITE_IS_ZERO
        alpha = bool(page.extrasamples)
    stored_range = (0, 1) if voxels.dtype == bool else None
    voxels = native(voxels.astype(np.uint8) if voxels.dtype == bool else voxels)
    if voxels.ndim == 3 and voxels.shape[-1] in (2, 3, 4) and voxels.dtype.kind == "u":
        voxels = grey_channels(voxels, path, alpha=alpha)
    check_voxels(path, voxels.dtype, voxels.shape)
    if voxels.ndim != 2:
        raise InputError(f"{path} has several values per pixel {voxels.shape}; give a grey picture.")
    return Image(voxels, stored_range=stored_range, inverted=inverted, lossy=lossy, path=path, header=header)


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Write one page of stored values, uncompressed or deflated as its source was."""
    voxels = plain_dtype(image.voxels) if image.voxels.dtype == bool else image.voxels
    if voxels.ndim != 2:
        raise InputError(f"{path.name} cannot hold the volume {voxels.shape}; choose .nii.gz, .nrrd or .mha.")
    known = image.header if isinstance(image.header, TiffHeader) else TiffHeader(None, None, None, True)
    software = "monai-inpaint"
    if derived:
        software = f"monai-inpaint {derived['version']}: {derived['description']}; {derived['model']}"
    tifffile.imwrite(
        path,
        np.ascontiguousarray(voxels),
        photometric="miniswhite" if image.inverted else "minisblack",
        compression="zlib" if known.deflated else None,
        description=known.description.encode() if known.description else None,
        metadata=None,
        resolution=known.resolution,
        resolutionunit=known.unit,
        software=software.encode() if derived else None,
    )


def _check_codec(page: tifffile.TiffPage, path: Path) -> None:
    if find_spec("imagecodecs"):
        return
    if page.compression not in _ALONE or page.predictor not in (1, 2) or page.bitspersample not in (1, 8, 16, 32, 64):
        raise InputError(
            f"{path} is packed in a way that needs imagecodecs to read; install it with: "
            "pip install 'monai-inpaint[codecs]'."
        )


def _check_segments(page: tifffile.TiffPage, path: Path) -> bool:
    """Refuse a page that states more than its strips or tiles contain; return whether they are lossy."""
    size = path.stat().st_size
    available = min(sum(page.databytecounts), size)
    sample = page.samplesperpixel * page.bitspersample / 8
    packed = 1 if page.compression == 1 else CODED
    for depth, rows, columns in (
        (page.imagedepth, page.imagelength, page.imagewidth),
        (page.tiledepth, page.tilelength, page.tilewidth) if page.is_tiled else (1, 1, 1),
    ):
        check_claim(path, (depth, rows, columns) if depth != 1 else (rows, columns), sample, available, packed=packed)
    if page.compression in _UNCODED:
        return False
    claims = []
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False):
        page.parent.filehandle.seek(min(offset, size))
        claims.append(check_code(path, page.parent.filehandle.read(min(length, _START)), length))
    return any(claim is None or claim.lossy for claim in claims)


def _header(page: tifffile.TiffPage) -> TiffHeader:
    x, y, unit = (page.tags.get(code) for code in (282, 283, 296))
    resolution = (x.value, y.value) if x is not None and y is not None else None
    deflated = page.compression in (8, 32946)
    return TiffHeader(page.description or None, resolution, int(unit.value) if unit is not None else None, deflated)
