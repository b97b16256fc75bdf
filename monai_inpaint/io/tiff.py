"""TIFF (.tif, .tiff) through tifffile: one grey page, whole numbers or floating point, without loss."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.checks import check_voxels, native, parsing, plain_dtype
from monai_inpaint.io.pictures import grey_channels

_WHITE_IS_ZERO, _PALETTE = 0, 3
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
    with parsing(path, "TIFF"), tifffile.TiffFile(path) as file:
        pages: list[Any] = [page for page in file.pages if not getattr(page, "subfiletype", 0) & _REDUCED]
        if len(pages) != 1:
            raise InputError(f"{path} holds {len(pages)} pages; give one page, or the volume as .nii.gz or .nrrd.")
        page = pages[0]
        orientation = page.tags.get(274)
        if orientation is not None and int(orientation.value) != 1:
            raise InputError(f"{path} is stored turned or mirrored (Orientation {orientation.value}); save it upright.")
        if page.photometric == _PALETTE:
            raise InputError(f"{path} has a colour palette; convert it to grey.")
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
        raise InputError(f"{path} has several values a pixel {voxels.shape}; give a grey picture.")
    return Image(voxels, stored_range=stored_range, inverted=inverted, path=path, header=header)


def write(image: Image, path: Path, derived: dict | None) -> None:
    """One page of stored values, uncompressed or deflated as its source was."""
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


def _header(page: tifffile.TiffPage) -> TiffHeader:
    x, y, unit = (page.tags.get(code) for code in (282, 283, 296))
    resolution = (x.value, y.value) if x is not None and y is not None else None
    deflated = page.compression in (8, 32946)
    return TiffHeader(page.description or None, resolution, int(unit.value) if unit is not None else None, deflated)
