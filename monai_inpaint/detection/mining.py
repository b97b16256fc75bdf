"""Draw nodules, and outlines for them, like those that a detector misses (Shen et al. 2022, section III-D)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from monai_inpaint.datasets.boxed_images import read_pixels
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.detection.missed import Nodule
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.io import read_image
from monai_inpaint.synthesis.nodules.displayed_slice import CT, kind_of
from monai_inpaint.synthesis.nodules.projection import GROUND_GLASS, SOLID
from monai_inpaint.synthesis.nodules.shapes import draw_shape

BY = ("diameter", "density", "shape")
# Shen et al. 2022, table III: Faster R-CNN gained most by 1,500 synthetic images beside 2,420 real ones.
_BEST, _BESIDE = 1500, 2420
_CHOICE = 12  # outlines that one is chosen from
_INNER = 0.7  # of the box's sides: the ellipse that a nodule's density is measured in


@dataclass(frozen=True)
class NoduleDraw:
    """A nodule to synthesise.

    Attributes:
        diameter: in the unit of the truth.
        density: 0 ground-glass to 1 solid; None: as often as in LIDC.
        aspect: width over height; None: any.
        seed: of all else.
    """

    diameter: float
    density: float | None
    aspect: float | None
    seed: int


def missed_of(nodules: Sequence[Nodule]) -> list[Nodule]:
    """Those that are missed.

    Raises:
        InputError: there are no nodules, none is missed, or only some images state their pixel size.
    """
    if not nodules:
        raise InputError("The truth contains no nodule, so none can be missed; give images with nodules.")
    if len({nodule.unit for nodule in nodules}) > 1:
        raise InputError("Some images of the truth state a pixel size and some do not; give all of them one, or none.")
    missed = [nodule for nodule in nodules if not nodule.found]
    if not missed:
        raise InputError(
            f"All {len(nodules)} nodules are found at 0.25 false positives per image, so there is nothing to mine."
        )
    return missed


def borne(truth: Sequence[BoxedImage], count: int) -> tuple[int, str]:
    """Largest number of synthetic images for the real ones, up to a count, and the reason; "" if not limited.

    Raises:
        InputError: there are too few real images for any.
    """
    real = sum(bool(image.boxes) for image in truth)
    most = real * _BEST // _BESIDE
    if most >= count:
        return count, ""
    reason = (
        f"{real} real images with a nodule bear {most} synthetic ones of the {count} asked for: beyond "
        f"{_BEST:,} beside {_BESIDE:,} the gain fell (Shen et al. 2022, table III)"
    )
    if not most:
        raise InputError(f"{reason}; give more real images.")
    return most, reason


def draw_missed(nodules: Sequence[Nodule], count: int, by: str = "diameter", seed: int = 0) -> list[NoduleDraw]:
    """Draw nodules so that what `by` names is distributed as among the missed ones, and all else as it is anyway.

    Diameters, densities and width over height are drawn from the array of those of each missed nodule, all equally
    likely. Where densities or shapes are asked for, diameters are drawn from those of all nodules.

    Args:
        nodules: all of a truth, see `nodules_of`.
        count: how many to draw.
        by: of `BY`.
        seed: the first draws of a longer run are those of a shorter one.

    Raises:
        InputError: see `missed_of` and `density_of`.
    """
    missed = missed_of(nodules)
    of_sizes = missed if by == "diameter" else nodules
    densities = [density_of(nodule) for nodule in missed] if by == "density" else []
    aspects = [nodule.box[2] / nodule.box[3] for nodule in missed]
    draws: list[NoduleDraw] = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        size = of_sizes[int(rng.integers(len(of_sizes)))].diameter
        chosen = int(rng.integers(len(missed)))
        draws.append(
            NoduleDraw(
                diameter=round(size, 4),
                density=densities[chosen] if by == "density" else None,
                aspect=aspects[chosen] if by == "shape" else None,
                seed=int(rng.integers(2**32)),
            )
        )
    return draws


def density_of(nodule: Nodule) -> float:
    """The density of a nodule, 0 ground-glass to 1 solid: from its data set, or from its Hounsfield units.

    Raises:
        InputError: neither; films have no density.
    """
    if nodule.image.densities:
        return nodule.image.densities[nodule.box_number]
    if nodule.image.path is None or kind_of(read_image(nodule.image.path)) != CT:
        raise InputError(
            f"{nodule.image.file} is not a CT in Hounsfield units, and its truth states no density; add the column."
        )
    pixels = read_pixels(nodule.image)
    x, y, width, height = nodule.box
    rows, columns = np.indices(pixels.shape) + 0.5
    across, down = 2 * (columns - x - width / 2) / (_INNER * width), 2 * (rows - y - height / 2) / (_INNER * height)
    inside = across**2 + down**2 < 1
    if not inside.any():
        inside = (columns >= x) & (columns < x + width) & (rows >= y) & (rows < y + height)
    hounsfield = float(pixels[inside].mean())
    return float(np.clip((hounsfield - GROUND_GLASS) / (SOLID - GROUND_GLASS), 0, 1))


def histogram(nodules: Sequence[Nodule]) -> list[tuple[float, float, int, int]]:
    """Of diameters: from, to, missed, all; whole numbers as ends, ten bins at most."""
    sizes = np.array([nodule.diameter for nodule in nodules])
    step = max(int(np.ceil((sizes.max() - sizes.min()) / 9)), 1)
    ends = np.arange(np.floor(sizes.min() / step) * step, sizes.max() + step, step)
    bins = np.searchsorted(ends, sizes, side="right") - 1
    missed = np.array([not nodule.found for nodule in nodules])
    return [
        (float(low), float(low + step), int((missed & (bins == n)).sum()), int((bins == n).sum()))
        for n, low in enumerate(ends)
        if (bins == n).any()
    ]


def digest_of(nodules: Sequence[Nodule]) -> str:
    """Identify the nodules and which of them are missed by a hash."""
    identity = [(n.image.name, n.box, round(n.diameter, 6), n.unit, n.found) for n in nodules]
    return sha256(repr(identity).encode()).hexdigest()


def outline_like(aspect: float, seed: int, engine: str = "auto") -> np.ndarray:
    """Draw 12 outlines by the shape generator, and return the one closest in width over height; bool."""
    seeds = np.random.default_rng(seed).integers(2**32, size=_CHOICE)
    outlines = [draw_shape(int(one), engine) for one in seeds]
    return min(outlines, key=lambda outline: abs(np.log(aspect_of(outline) / aspect)))


def aspect_of(outline: np.ndarray) -> float:
    """Width over height of an outline."""
    box = extent(outline)
    assert box is not None
    rows, columns = (side.stop - side.start for side in box)
    return columns / rows


def write_outline(aspect: float, seed: int, path: Path, engine: str = "auto") -> None:
    """Write the outline of `outline_like` as a PNG picture, 255 inside."""
    from PIL import Image

    from monai_inpaint.io.atomic import staged

    with staged(path) as part:
        Image.fromarray(np.uint8(255) * outline_like(aspect, seed, engine)).save(part)
