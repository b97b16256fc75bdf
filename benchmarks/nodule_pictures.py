"""Pictures of made nodules: shapes and sizes as in figure 7 of Shen et al. 2022, and 24 beside projected ones.

Films are computed (`monai_inpaint.demo.phantom`), and of LIDC's patients only outlines are projected: none is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from benchmarks.setting import Options
from monai_inpaint.datasets.lidc_outlines import NoduleReading, read_lidc_outlines
from monai_inpaint.demo.phantom import FIELD, SIDE, chest_film
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import enlarged
from monai_inpaint.synthesis.nodules.displayed_slice import FILM, planes_of
from monai_inpaint.synthesis.nodules.places import corner_of, draw_place, region_in
from monai_inpaint.synthesis.nodules.projection import film_contrast, hounsfield_of, project_nodule
from monai_inpaint.synthesis.nodules.shapes import draw_shape
from monai_inpaint.synthesis.nodules.synthesize import synthesize_nodule

DIAMETERS = (40, 70, 100)  # pixels of a film of 1024
FIGURE, SHEET = "nodules-figure7.png", "nodules-films.png"
_PATCH, _GAP = 200, 4
_FINE = 1024 / SIDE  # by which the figure's film is enlarged
_CELL, _ACROSS, _COUNT = 96, 8, 24
_MM = (12.0, 30.0)  # of the sheet's nodules
_GREEN = (0, 200, 80)


def run(options: Options) -> str:
    """Write both pictures into the folder `output`.

    Raises:
        InputError: there is no output, or pylidc is not installed.
    """
    if options.output is None:
        raise InputError("the pictures need a folder; name it with --output DIR.")
    options.output.mkdir(parents=True, exist_ok=True)
    count = 2 if options.tiny else _COUNT
    figure, sheet = options.output / FIGURE, options.output / SHEET
    figure_7(options.seed, shapes=1 if options.tiny else 3).save(figure, optimize=True)
    films = [_film(options.seed + number) for number in range(2 if options.tiny else 6)]
    beside = [*made_nodules(films, count, options.seed), *projected_nodules(films, count, options.seed)]
    _tiled([Picture.fromarray(cell) for cell in beside], min(_ACROSS, count), mode="L").save(sheet, optimize=True)
    return f"Shapes and sizes: {figure}\nMade above, projected below: {sheet}\n"


def figure_7(seed: int, shapes: int) -> Picture.Image:
    """Rows of shapes at three diameters in one place: the film, then each nodule without and with its outline."""
    small = chest_film(seed)
    side = round(SIDE * _FINE)
    fine = enlarged(small, (side, side))
    image = Image(np.rint(fine).astype(np.uint16), np.diag([FIELD / side, FIELD / side, 1, 1])[[1, 0, 2, 3]], FILM)
    middle = (round(0.42 * side), round(0.3 * side))
    cells = []
    for number in range(shapes):
        outline = draw_shape(seed + number)
        film = _around(image.voxels, middle)
        cells.append(_grey(film, film))
        for diameter in DIAMETERS:
            made = synthesize_nodule(image, middle, diameter * FIELD / side, shape=outline, seed=seed + number)
            window = _grey(_around(made.image.voxels, middle), film)
            cells += [window, _outlined(window, _around(made.mask, middle))]
    return _tiled(cells, 1 + 2 * len(DIAMETERS), mode="RGB")


def made_nodules(films: Sequence[Image], count: int, seed: int) -> Iterator[np.ndarray]:
    """Windows of films around nodules that were put into their lungs."""
    rng = np.random.default_rng([seed, 0])
    for number in range(count):
        film = films[number % len(films)]
        diameter = float(rng.uniform(*_MM))
        made = synthesize_nodule(film, "lungs", diameter, density="random", seed=int(rng.integers(2**31)))
        (top, rows), (left, columns) = made.box
        yield _cell(made.image.voxels, film.voxels, (top + rows // 2, left + columns // 2))


def projected_nodules(films: Sequence[Image], count: int, seed: int) -> Iterator[np.ndarray]:
    """Windows of films around projections of LIDC's nodules, enlarged to diameters as of the made ones."""
    rng = np.random.default_rng([seed, 1])
    readings = [one for one in read_lidc_outlines("val") if len(one.stack) >= 4]
    for number in range(count):
        film = films[number % len(films)]
        plane = planes_of(film, FILM)[0]
        reading = readings[rng.integers(len(readings))]
        path, mask = _projected(reading, float(rng.uniform(*_MM)), film)
        placed = draw_place([plane], lambda one: region_in(one, FILM, "lungs"), mask, rng)
        if placed is None:
            raise InputError("a projected nodule finds no room in the computed film; take another --seed.")
        top, left = corner_of(placed[1], mask)
        made = film.voxels.astype(np.float32)
        made[top : top + mask.shape[0], left : left + mask.shape[1]] += path * film_contrast(plane.units)
        yield _cell(made, film.voxels, placed[1])


def _projected(reading: NoduleReading, diameter: float, film: Image) -> tuple[np.ndarray, np.ndarray]:
    """mm of water and silhouette of a nodule from the front, enlarged to a diameter (of the circle of its area)."""
    assert film.spacing is not None
    pixel = film.spacing[0]
    spacing = (reading.slice_spacing, reading.spacing, reading.spacing)
    area = project_nodule(reading.stack, spacing, hounsfield=0, pixel=reading.spacing)[1].sum() * reading.spacing**2
    factor = diameter / (2 * np.sqrt(area / np.pi))
    density = hounsfield_of(reading.density)
    path, mask = project_nodule(reading.stack, [factor * mm for mm in spacing], hounsfield=density, pixel=pixel)
    box = extent(mask)
    assert box is not None
    return path[box], mask[box]


def _film(seed: int) -> Image:
    return Image(chest_film(seed), np.diag([FIELD / SIDE, FIELD / SIDE, 1, 1])[[1, 0, 2, 3]], FILM)


def _cell(made: np.ndarray, source: np.ndarray, middle: tuple[int, int]) -> np.ndarray:
    """What lies around a nodule, in the greys of what was there."""
    starts = [min(max(at - _CELL // 2, 0), size - _CELL) for at, size in zip(middle, source.shape, strict=True)]
    part = tuple(slice(start, start + _CELL) for start in starts)
    low, high = np.percentile(source[part], (0.5, 99.5))
    return _bytes((made[part] - low) / max(high - low, 1e-6))


def _around(values: np.ndarray, middle: tuple[int, int]) -> np.ndarray:
    return values[tuple(slice(at - _PATCH // 2, at + _PATCH // 2) for at in middle)]


def _grey(values: np.ndarray, film: np.ndarray) -> Picture.Image:
    """Values in the greys of the film's window, with some room above for what is added."""
    low, high = np.percentile(film, (0.5, 99.5))
    return Picture.fromarray(_bytes((values.astype(np.float32) - low) / (1.15 * (high - low))))


def _outlined(window: Picture.Image, inside: np.ndarray) -> Picture.Image:
    from scipy.ndimage import binary_dilation

    pixels = np.asarray(window.convert("RGB")).copy()
    pixels[np.asarray(binary_dilation(inside)) & ~inside] = _GREEN
    return Picture.fromarray(pixels)


def _bytes(share: np.ndarray) -> np.ndarray:
    return np.rint(share.clip(0, 1) * 255).astype(np.uint8)


def _tiled(cells: Sequence[Picture.Image], across: int, mode: str) -> Picture.Image:
    wide, high = (side + _GAP for side in cells[0].size)
    rows = -(-len(cells) // across)
    sheet = Picture.new(mode, (across * wide - _GAP, rows * high - _GAP), "white")
    for number, cell in enumerate(cells):
        sheet.paste(cell, (number % across * wide, number // across * high))
    if mode == "L":  # a black line between the made and the projected ones
        half = rows // 2 * high - _GAP // 2
        ImageDraw.Draw(sheet).line((0, half, sheet.width, half), fill=0, width=2)
    return sheet
