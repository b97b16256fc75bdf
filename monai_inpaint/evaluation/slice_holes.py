"""Seeded holes of known content in films and slices, which protocols of fills cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.ellipsoids import INSIDE
from monai_inpaint.evaluation.image_region import ImageRegion, MarkedRegion, at_most, body_of, slices_of
from monai_inpaint.evaluation.lung_patches import PATCH, SMALLEST_FILM, SQUARE
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import resized
from monai_inpaint.synthesis.holes import (
    centre_square,
    draw_blobs,
    draw_free_form,
    draw_moved_lesion,
    draw_square,
    random_blobs,
    random_free_form,
    random_moved_lesion,
    random_square,
)

FILM, SLICE = 128, 256  # pixels a side
RING = 4
DRAWS = 20
SMALLEST = 48  # pixels a side of an image for arbitrary holes
SMALLEST_LESION = 20  # pixels

CutSlice = Callable[[ImageRegion, str, np.random.Generator], Iterator[MarkedRegion]]


def by_slice(
    cut: CutSlice, image: Image, lesion: np.ndarray | None, modality: str, rng: np.random.Generator
) -> Iterator[MarkedRegion | str]:
    """The cuts of a few slices of the image (or of the image itself in 2D)."""
    for part in slices_of(image, lesion, modality, rng):
        place = "" if part.index is None else f"#{part.index}"
        try:
            if not np.isfinite(part.pixels).all():
                raise InputError("it contains NaN or infinite values, so the truth is not known everywhere.")
            for piece, hole, variant, where in cut(part, modality, rng):
                yield piece, hole, variant, f"{place}{where}"
        except InputError as error:
            yield f"slice {part.index}: {error}" if place else str(error)


def cut_film_centre(part: ImageRegion, modality: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:  # noqa: ARG001
    """The centre of the whole film, reduced: once all hidden, once with its ring visible."""
    film = ImageRegion(resized(part.pixels, (FILM, FILM)), None, part.index, _spacing(part, FILM), part.eight_bit)
    shape = film.pixels.shape
    yield film, draw_square(shape, **centre_square(shape, side=SQUARE)), "all hidden", ""
    yield film, draw_square(shape, **centre_square(shape, side=SQUARE - 2 * RING)), "ring visible", ""


def cut_film_patches(part: ImageRegion, modality: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:  # noqa: ARG001
    """One patch in each half of the film, its centre in the rough area of the lung."""
    rows, columns = part.pixels.shape
    if min(rows, columns) < SMALLEST_FILM:
        raise InputError(f"{rows}x{columns} pixels, and the protocol needs at least {SMALLEST_FILM} a side.")
    for side, (left, right) in (("left", (0.22, 0.40)), ("right", (0.60, 0.78))):
        top = int(rng.uniform(0.30, 0.62) * rows) - PATCH // 2
        start = int(rng.uniform(left, right) * columns) - PATCH // 2
        patch = np.ascontiguousarray(part.pixels[top : top + PATCH, start : start + PATCH])
        cut = ImageRegion(patch, None, part.index, part.spacing, part.eight_bit, film=part.pixels, corner=(top, start))
        hole = draw_square(patch.shape, **centre_square(patch.shape, side=SQUARE))
        yield cut, hole, "all hidden", f"@{side}"


def cut_square(part: ImageRegion, modality: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:
    """One square in the body."""
    part = _reduced(part, SQUARE * 3 // 2)
    body = body_of(part.pixels, modality)
    hole = _in_body(body, lambda: draw_square(body.shape, **random_square(body.shape, rng, side=SQUARE, inside=body)))
    yield part, hole, "square", ""


def cut_free_form(part: ImageRegion, modality: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:
    """Blobs, strokes and boxes, mostly in the body."""
    part = _reduced(part, SMALLEST)
    body = body_of(part.pixels, modality)
    hole = _in_body(body, lambda: draw_free_form(body.shape, **random_free_form(body.shape, rng)), enough=0.6)
    yield part, hole, "free form", ""


def cut_lesion(part: ImageRegion, modality: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:
    """The lesion's shape on the other side, or moved, or a blob where there is no lesion."""
    part = _reduced(part, SMALLEST)
    body = body_of(part.pixels, modality)
    if part.lesion is None or not part.lesion.any():
        one = {"count": (1, 1), "size": (0.005, 0.05)}
        yield (
            part,
            _in_body(body, lambda: draw_blobs(body.shape, **random_blobs(body.shape, rng, **one))),
            "lesion",
            "@blob",
        )
        return
    mirrored = part.lesion[:, ::-1]
    if (mirrored & body).sum() >= INSIDE * mirrored.sum() and not (mirrored & part.lesion).any():
        yield part, mirrored.copy(), "lesion", "@mirrored"
        return
    yield part, _moved(part.lesion, body & ~part.lesion, rng), "lesion", "@moved"


def _moved(lesion: np.ndarray, healthy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The lesion's shape in healthy tissue, at half the size again and again where it fits nowhere."""
    shape = lesion
    while shape.sum() >= SMALLEST_LESION:
        try:
            return draw_moved_lesion(shape, **random_moved_lesion(shape, rng, allowed=healthy, gap=0))
        except InputError:
            half = shape[::2, ::2]
            shape = np.zeros_like(lesion)
            shape[: half.shape[0], : half.shape[1]] = half
    raise InputError("no healthy tissue is large enough for the lesion's shape, not even for a smaller one.")


def _reduced(part: ImageRegion, smallest: int) -> ImageRegion:
    rows, columns = part.pixels.shape
    if min(rows, columns) < smallest:
        raise InputError(f"{rows}x{columns} pixels, and the protocol needs at least {smallest} a side.")
    return at_most(part, SLICE)


def _in_body(body: np.ndarray, draw: Callable[[], np.ndarray], enough: float = INSIDE) -> np.ndarray:
    """The first of a few draws that is far enough in the body; the best of them if none is."""
    if not body.any():
        raise InputError("no body was found in the slice.")
    best, most = draw(), -1.0
    for _ in range(DRAWS):
        hole = draw()
        inside = float(body[hole].mean())
        if inside > most:
            best, most = hole, inside
        if most >= enough:
            break
    return best


def _spacing(part: ImageRegion, side: int) -> tuple[float, float] | None:
    if part.spacing is None:
        return None
    rows, columns = part.pixels.shape
    return part.spacing[0] * rows / side, part.spacing[1] * columns / side
