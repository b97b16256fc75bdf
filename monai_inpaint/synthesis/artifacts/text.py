"""Burned-in text: letters and digits in several fonts and sizes, plain, outlined or on a plate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from monai_inpaint.synthesis.artifacts.blend import blended
from monai_inpaint.synthesis.artifacts.contrast import any_level, least_change
from monai_inpaint.synthesis.holes.ranges import draw_log_uniform, draw_point, typical_side

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)  # beside Pillow's own
WORDS = ("L", "R", "AP", "PA", "PORTABLE", "ERECT", "SUPINE", "LAT", "kV", "mA", "mm", "cm", "DOB", "ID", "SE", "IM")
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/-+"
DIGITS = "0123456789"


def random_text(
    shape: Sequence[int], rng: np.random.Generator, contrast: Sequence[float], *, side: float | None = None
) -> dict[str, Any]:
    """Parameters of burned-in text: words, places, fonts and colours.

    Args:
        shape: (rows, columns) of the image.
        rng: the source of chance.
        contrast: see `contrast_of`.
        side: size of the image in pixels that sizes are relative to; that of `shape` if not given.

    Returns:
        {"lines": [{"words": str, "centre": [row, column]}, ...], "font": a number of `FONTS`, -1 for Pillow's,
        "height": of a capital letter in pixels, "thickness": of strokes in pixels, "angle": radians, "outline": pixels,
        "plate": pixels around or None, "level", "behind": units of the letters, and of outline and plate,
        "opacity": 0 to 1, "least": units}, for `draw_text`.
    """
    height = max(6.0, draw_log_uniform(rng, 0.02, 0.12) * (side or typical_side(shape)))
    angle = float(rng.choice((0.0, math.pi / 2, rng.uniform(-0.3, 0.3)), p=(0.75, 0.1, 0.15)))
    first = draw_point(rng, shape)
    down = 1.7 * height * np.array([math.cos(angle), -math.sin(angle)])
    lines = [
        {"words": _words(rng), "centre": np.round(first + number * down, 2).tolist()}
        for number in range(int(rng.choice((1, 1, 1, 2, 3))))
    ]
    level = any_level(rng, contrast)
    dark, bright = contrast
    style = rng.choice(("plain", "outline", "plate"), p=(0.6, 0.2, 0.2))
    return {
        "lines": lines,
        "font": int(rng.integers(-3, len(FONTS))),
        "height": round(height, 2),
        "thickness": int(max(1, round(height * rng.uniform(0.04, 0.2)))),
        "angle": round(angle, 4),
        "outline": int(max(1, round(0.08 * height))) if style == "outline" else 0,
        "plate": round(height * rng.uniform(0.2, 0.5), 2) if style == "plate" else None,
        "level": level,
        "behind": dark if level > (dark + bright) / 2 else bright,
        "opacity": round(1.0 if rng.random() < 0.7 else rng.uniform(0.5, 1.0), 3),
        "least": least_change(contrast),
    }


def draw_text(
    image: np.ndarray,
    *,
    lines: Sequence[Any],
    font: int,
    height: float,
    thickness: int,
    angle: float,
    outline: int,
    plate: float | None,
    level: float,
    behind: float,
    opacity: float,
    least: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the text into an image: (rows, columns), float32, and its region (letters, outline, plate), bool."""
    letters, plates = np.zeros(image.shape, np.float32), np.zeros(image.shape, np.float32)
    for line in lines:
        drawn = _written(line["words"], font, height, thickness)
        if plate is not None:
            plates = np.maximum(
                plates, _placed(np.ones_like(_framed(drawn, plate)), image.shape, line["centre"], angle)
            )
        letters = np.maximum(letters, _placed(drawn, image.shape, line["centre"], angle))
    if outline:
        plates = cv2.dilate(letters, np.ones((2 * outline + 1,) * 2, np.uint8))
    under, backed = blended(image, behind, opacity * plates, least)
    drawn, written = blended(under, level, opacity * letters, least)
    return drawn, backed | written


def _words(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.35:
        return str(rng.choice(WORDS))
    if kind < 0.6:  # a date, a time, a number
        pairs = ["".join(rng.choice(list(DIGITS), 2)) for _ in range(int(rng.integers(1, 4)))]
        return str(rng.choice(list(".:/-"))).join(pairs)
    return "".join(rng.choice(list(SIGNS), int(rng.integers(1, 11))))


def _written(words: str, font: int, height: float, thickness: int) -> np.ndarray:
    """The words as opacity on a separate canvas, float32."""
    if font < 0:
        pillow = ImageFont.load_default(max(6, round(height / 0.72)))  # a capital letter is 0.72 of the size
        left, top, right, bottom = (round(value) for value in pillow.getbbox(words))
        canvas = Picture.new("L", (right - left + 2, bottom - top + 2))
        ImageDraw.Draw(canvas).text((1 - left, 1 - top), words, fill=255, font=pillow)
        return np.asarray(canvas, np.float32) / 255.0
    scale = cv2.getFontScaleFromHeight(FONTS[font], max(1, round(height)), thickness)
    (width, tall), below = cv2.getTextSize(words, FONTS[font], scale, thickness)
    room = thickness + 2
    canvas = np.zeros((tall + below + 2 * room, width + 2 * room), np.uint8)
    cv2.putText(canvas, words, (room, tall + room), FONTS[font], scale, 255, thickness, cv2.LINE_AA)
    return canvas.astype(np.float32) / 255.0


def _framed(drawn: np.ndarray, around: float) -> np.ndarray:
    return np.pad(drawn, max(1, round(around)))


def _placed(drawn: np.ndarray, shape: tuple[int, ...], centre: Sequence[float], angle: float) -> np.ndarray:
    """The canvas in the image, its middle at the centre, turned by the angle."""
    cos, sin = math.cos(angle), math.sin(angle)
    middle = (np.array(drawn.shape[::-1]) - 1) / 2
    turn = np.array([[cos, -sin], [sin, cos]])  # canvas (x, y) -> image (x, y); a positive angle turns clockwise
    shift = np.array([centre[1], centre[0]]) - turn @ middle
    if angle == 0.0:
        shift = np.round(shift)  # letters along the rows are as sharp as they were drawn
    matrix = np.column_stack((turn, shift))
    return cv2.warpAffine(drawn, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR)
