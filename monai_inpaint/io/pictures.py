"""PNG (read, write), JPEG and WebP (read only) through Pillow: 2D (rows, columns) as shown, no physical size."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.checks import check_voxels, parsing
from monai_inpaint.io.codestream import check_code
from monai_inpaint.io.limits import CODED, check_claim

_KINDS = ("PNG", "JPEG", "WEBP")
_LEVEL = 4  # of PNG's compression: much faster than zlib's default, 6, for files of films that are hardly larger
_START = 2**20  # bytes; what a picture says before its size is shorter
_LOSSY_COLOUR = 2  # decoders of lossy formats round grey's three channels apart by this much at most


@dataclass(frozen=True)
class PictureHeader:
    """Metadata that Pillow keeps besides the voxels: resolution, texts, colour profile."""

    info: dict[str, Any]


def read(path: Path) -> Image:
    """uint8 or uint16. Colour pictures count as grey where all channels are equal and nothing is transparent."""
    _check_start(path)
    with (
        warnings.catch_warnings(action="ignore"),  # of what it repairs, or refuses with an exception as well
        parsing(path, "a picture"),
        Pillow.open(path, formats=_KINDS) as file,
    ):
        check_claim(path, file.size, len(file.getbands()), packed=CODED)
        frames = getattr(file, "n_frames", 1)
        if frames > 1:
            raise InputError(f"{path} contains {frames} pictures; give one.")
        lossy = file.format in ("JPEG", "WEBP")
        info = {str(key): value for key, value in file.info.items()}
        file.load()
        voxels = _grey(ImageOps.exif_transpose(file), path, lossy)
    check_voxels(path, voxels.dtype, voxels.shape)
    return Image(voxels, lossy=lossy, path=path, header=PictureHeader(info))


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Write a PNG of the stored values, 8 or 16 bits; inverted if low values are shown bright."""
    voxels = image.voxels.astype(np.uint8) if image.voxels.dtype == bool else image.voxels
    if voxels.ndim != 2:
        raise InputError(f"{path.name} cannot hold the volume {voxels.shape}; choose .nii.gz, .nrrd or .mha.")
    if voxels.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"{path.name} contains whole numbers from 0 to 65535, the image is {voxels.dtype}; choose .tif or .nii.gz."
        )
    if image.inverted:
        low, high = image.stored_range or (0, np.iinfo(voxels.dtype).max)
        voxels = (int(low) + int(high) - voxels.astype(np.int32)).astype(voxels.dtype)
    info = image.header.info if isinstance(image.header, PictureHeader) else {}
    texts = PngInfo()
    for key, value in info.items():
        if isinstance(value, str) and key not in ("xmp", "transparency"):
            texts.add_text(key, value)
    if derived:
        texts.add_text("Software", f"monai-inpaint {derived['version']}")
        texts.add_text("Derived", f"{derived['description']}; {derived['model']}")
    keep = {key: info[key] for key in ("dpi", "icc_profile") if info.get(key)}
    Pillow.fromarray(np.ascontiguousarray(voxels)).save(
        path, format="PNG", pnginfo=texts, compress_level=_LEVEL, **keep
    )


def grey_channels(voxels: np.ndarray, path: Path, *, alpha: bool, apart: int = 0) -> np.ndarray:
    """(rows, columns, channels) as (rows, columns): the first channel, if all are equal and nothing is transparent.

    Args:
        alpha: the last channel is opacity.
        apart: largest difference between the channels.
    """
    if alpha:
        if (voxels[..., -1] != np.iinfo(voxels.dtype).max).any():
            raise InputError(f"{path} has transparent parts; save it as a grey picture without alpha channel.")
        voxels = voxels[..., :-1]
    for channel in range(1, voxels.shape[-1]):
        low = np.minimum(voxels[..., 0], voxels[..., channel])
        high = np.maximum(voxels[..., 0], voxels[..., channel])
        if (high - low > apart).any():
            raise InputError(f"{path} is a colour picture; convert it to grey.")
    return np.ascontiguousarray(voxels[..., 0])


def _grey(file: Pillow.Image, path: Path, lossy: bool) -> np.ndarray:
    if file.mode == "P":
        file = file.convert("RGBA" if "transparency" in file.info else "RGB")
    elif "transparency" in file.info:
        raise InputError(f"{path} has a transparent shade; save it as a grey picture without transparency.")
    if file.mode == "1":
        return np.asarray(file.convert("L"))
    if file.mode in ("L", "I;16"):
        return np.array(file)
    if file.mode in ("LA", "RGB", "RGBA"):
        return grey_channels(np.asarray(file), path, alpha=file.mode.endswith("A"), apart=_LOSSY_COLOUR * lossy)
    raise InputError(f"{path} is a picture of kind {file.mode}; convert it to grey, 8 or 16 bits.")


def _check_start(path: Path) -> None:
    """Refuse sizes larger than the file, and 16-bit colour, of which Pillow would silently read 8 bits."""
    with path.open("rb") as file:
        start = file.read(_START)
    claim = check_code(path, start, path.stat().st_size)
    if claim is not None and claim.bits == 16 and claim.samples > 1:
        raise InputError(f"{path} is a 16-bit picture with colour or alpha channels; convert it to 16-bit grey.")
