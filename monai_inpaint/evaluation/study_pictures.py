"""Pictures of a reader study: a real image, and the same with its hole filled, as levels that a browser can window."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from monai_inpaint.evaluation.case import EvaluationCase, intensity_window
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.reports.planes import planes

BITS = 10  # of what has more than 8; a narrow window still shows smooth greys
WEBP = {"format": "WEBP", "lossless": True, "method": 2, "quality": 20}


@dataclass(frozen=True, eq=False)
class RealAndFilled:
    """Two pictures that differ inside a hole only.

    Attributes:
        real, filled: (rows, columns) uint16, levels from 0 to `top`.
        hole: bool of that shape.
        bits: 8 or 10.
        low, high: the units of level 0 and of `top`.
    """

    real: np.ndarray
    filled: np.ndarray
    hole: np.ndarray
    bits: int
    low: float
    high: float

    @property
    def top(self) -> int:
        """The highest level."""
        return 2**self.bits - 1

    @property
    def box(self) -> Box:
        """The bounding box of the hole."""
        box = extent(self.hole)
        assert box is not None
        return box


def pictures_of(case: EvaluationCase, output: np.ndarray) -> RealAndFilled:
    """Show a case and its fill at full size: of a patch the whole film, of a part of a volume its three planes.

    Args:
        case: with the truth.
        output: what a method returned, in units, of the shape of the truth.

    Raises:
        ValueError: the fill is not finite, or of another shape.
    """
    if output.shape != case.truth.shape or not np.isfinite(output[case.hole]).all():
        raise ValueError(f"the fill of {case.name} does not have finite values in all of its hole")
    real, hole, low, high = case.truth, case.hole, case.low, case.high
    filled = np.where(hole, in_steps(output, case.truth if case.film is None else case.film), real)
    if case.affine is not None:
        real, filled, hole = (planes(values, case.centre, case.affine) for values in (real, filled, hole))
    elif case.film is not None:
        (top, left), (rows, columns) = case.corner, real.shape
        place = np.s_[top : top + rows, left : left + columns]
        patch, inside, real = filled, hole, case.film
        filled, hole = real.copy(), np.zeros(real.shape, bool)
        filled[place], hole[place] = patch, inside
        low, high = intensity_window(real, hole, case.modality, case.eight_bit)
    bits = 8 if case.eight_bit else BITS
    shown, other = (levels(values, low, high, bits) for values in (real, filled))
    return RealAndFilled(shown, other, hole, bits, low, high)


def in_steps(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Round values to the steps of an image, float64, as they are when they are stored like it.

    A fill in finer steps could be told by its number of greys. If the image has no steps, the values stay as they are.
    """
    found = np.unique(image[np.isfinite(image)]).astype(np.float64)
    if len(found) < 2:
        return values.astype(np.float64)
    step = np.diff(found).min()
    places = (found - found[0]) / step
    if np.abs(places - np.rint(places)).max() > 0.01:
        return values.astype(np.float64)
    return found[0] + step * np.rint((values - found[0]) / step)


def levels(values: np.ndarray, low: float, high: float, bits: int) -> np.ndarray:
    """Quantise units to 2^bits levels, uint16: `low` and below is 0, `high` and above the highest; NaN is 0."""
    top = 2**bits - 1
    scaled = (np.nan_to_num(values.astype(np.float64), nan=low) - low) * (top / (high - low))
    return np.rint(np.clip(scaled, 0, top)).astype(np.uint16)


def webp_of(picture: np.ndarray, bits: int) -> bytes:
    """Write levels as a lossless WebP file: grey for 8 bits; else their upper 8 bits as green, the rest as red."""
    from PIL import Image

    green, red = (picture >> (bits - 8)).astype(np.uint8), (picture & (2 ** (bits - 8) - 1)).astype(np.uint8)
    rgb = np.stack([green] * 3 if bits == 8 else [red, green, np.zeros_like(green)], axis=-1)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, **WEBP)
    written = stream.getvalue()
    assert np.array_equal(levels_of(written, bits), picture), "the picture does not come back from its file"
    return written


def levels_of(webp: bytes, bits: int) -> np.ndarray:
    """Read what `webp_of` wrote, uint16."""
    from PIL import Image

    with Image.open(io.BytesIO(webp)) as file:
        rgb = np.asarray(file.convert("RGB")).astype(np.uint16)
    return rgb[..., 1] if bits == 8 else (rgb[..., 1] << (bits - 8)) + rgb[..., 0]
