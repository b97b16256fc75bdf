"""Pictures of made nodules: shapes and sizes as in figure 7 of Shen et al. 2022, and 24 beside projected ones.

Films are computed (`monai_inpaint.demo.phantom`), slices of CT too, and of LIDC's patients only outlines are shown.
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
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.synthesis.nodules.displayed_slice import CT, FILM, planes_of
from monai_inpaint.synthesis.nodules.outline import normalised_field
from monai_inpaint.synthesis.nodules.places import corner_of, draw_place, region_in
from monai_inpaint.synthesis.nodules.projection import LUNG, film_contrast, hounsfield_of, project_nodule
from monai_inpaint.synthesis.nodules.shapes import draw_shape
from monai_inpaint.synthesis.nodules.size import SMALLEST, scaled_shape
from monai_inpaint.synthesis.nodules.synthesize import DENSITIES, synthesize_nodule
from monai_inpaint.synthesis.nodules.texture import grain

DIAMETERS = (40, 70, 100)  # pixels of a film of 1024
FIGURE, SHEET, SHEET_CT = "nodules-figure7.png", "nodules-films.png", "nodules-ct.png"
_PATCH, _GAP = 200, 4
_FINE = 1024 / SIDE  # by which the figure's film is enlarged
_CELL, _ACROSS, _COUNT = 96, 8, 24
_MM = (12.0, 30.0)  # of the sheet's nodules
_SLICES = 10  # of a nodule that is enlarged; the outlines of fewer look like a stack of discs
_MM_CT = (6.0, 22.0)
_PIXEL = 0.7  # mm, of the computed slices
_ROWS, _COLUMNS = 340, 420  # of them
_WINDOW = (-1000.0, 200.0)  # HU that are shown
_BLUR = 0.7  # pixels, of a scanner
_NOISE = 25.0  # HU
_VESSELS = 110  # in each lung
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
    figure, sheet, sheet_ct = (options.output / name for name in (FIGURE, SHEET, SHEET_CT))
    figure_7(options.seed, shapes=1 if options.tiny else 3).save(figure, optimize=True)
    films = [_film(options.seed + number) for number in range(2 if options.tiny else 6)]
    beside = [*made_nodules(films, count, options.seed), *projected_nodules(films, count, options.seed)]
    _tiled([Picture.fromarray(cell) for cell in beside], min(_ACROSS, count), mode="L").save(sheet, optimize=True)
    slices = [chest_slice(options.seed + number) for number in range(2 if options.tiny else 6)]
    beside = [*made_in_ct(slices, count, options.seed), *filled_outlines(slices, count, options.seed)]
    cells = [Picture.fromarray(cell) for cell in beside]
    _tiled(cells, min(_ACROSS, count), mode="L").save(sheet_ct, optimize=True)
    return f"Shapes and sizes: {figure}\nMade above, projected below: {sheet}\nMade above, filled below: {sheet_ct}\n"


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


def made_in_ct(slices: Sequence[Image], count: int, seed: int) -> Iterator[np.ndarray]:
    """Windows of slices of CT around nodules that were put into their lungs; a third of each density."""
    rng = np.random.default_rng([seed, 2])
    for number in range(count):
        image = slices[number % len(slices)]
        density = tuple(DENSITIES)[number % 3]
        diameter = float(rng.uniform(*_MM_CT))
        made = synthesize_nodule(image, "lungs", diameter, density=density, seed=int(rng.integers(2**31)))
        (top, rows), (left, columns) = made.box
        yield _cell_ct(made.image.voxels, (top + rows // 2, left + columns // 2))


def filled_outlines(slices: Sequence[Image], count: int, seed: int) -> Iterator[np.ndarray]:
    """Windows of slices around outlines of LIDC's val patients, filled evenly and blurred as a scanner does."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng([seed, 3])
    readings = [one for one in read_lidc_outlines("val") if equivalent_diameter(one.largest) >= SMALLEST]
    for number in range(count):
        image = slices[number % len(slices)]
        plane = planes_of(image, CT)[0]
        density = tuple(DENSITIES.values())[number % 3]
        of = [one for one in readings if abs(one.density - density) <= 0.25]
        outline = normalised_field(of[rng.integers(len(of))].largest) > 0
        shape = scaled_shape(outline, float(rng.uniform(*_MM_CT)), (_PIXEL, _PIXEL))
        placed = draw_place([plane], lambda one: region_in(one, CT, "lungs"), shape, rng)
        if placed is None:
            raise InputError("an outline finds no room in the computed slice; take another --seed.")
        top, left = corner_of(placed[1], shape)
        share = np.zeros(image.voxels.shape)
        share[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
        share = gaussian_filter(share, _BLUR)
        noise = grain(image.voxels.astype(np.float32), share > 0)
        yield _cell_ct(image.voxels * (1 - share) + share * (hounsfield_of(density) + noise), placed[1])


def chest_slice(seed: int) -> Image:
    """A computed axial slice of a chest: body, lungs with vessels that run anyhow, blur and noise of a scanner; HU."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:_ROWS, :_COLUMNS].astype(float)
    across, down = (column - _COLUMNS / 2) / (_COLUMNS / 2), (row - _ROWS / 2) / (_ROWS / 2)
    hu = np.full(row.shape, -1000.0)
    hu[np.abs(across) ** 2.5 + np.abs(down) ** 2.5 < 0.95] = -100  # fat around muscle
    hu[np.abs(across) ** 2.5 + np.abs(down) ** 2.5 < 0.8] = 45
    for side in (-1, 1):
        lung = ((across - 0.42 * side) / 0.36) ** 2 + (np.abs(down) / 0.72) ** 2.4 < 1
        hu[lung] = LUNG
        vessels = np.zeros(row.shape)
        for _ in range(_VESSELS):
            centre = np.array([rng.uniform(0.15, 0.85) * _ROWS, (0.5 + 0.5 * side * rng.uniform(0.05, 0.8)) * _COLUMNS])
            turn, half, radius = rng.uniform(0, np.pi), rng.exponential(4.0), 0.3 + rng.exponential(0.5)
            along = np.clip((row - centre[0]) * np.sin(turn) + (column - centre[1]) * np.cos(turn), -half, half)
            radius = radius * (1 - 0.35 * along / max(half, 1e-6))  # it gets thinner
            away = np.hypot(row - centre[0] - along * np.sin(turn), column - centre[1] - along * np.cos(turn))
            vessels = np.maximum(vessels, np.clip(radius + 0.5 - away, 0, 1))
        hu += np.where(lung, vessels * (40.0 - LUNG), 0)
    noise = gaussian_filter(rng.standard_normal(row.shape), _BLUR)
    hu = gaussian_filter(hu, _BLUR) + noise * _NOISE / noise.std()
    return Image(np.rint(hu).astype(np.int16), np.diag([_PIXEL, _PIXEL, 1, 1])[[1, 0, 2, 3]], CT)


def projected_nodules(films: Sequence[Image], count: int, seed: int) -> Iterator[np.ndarray]:
    """Windows of films around projections of LIDC's nodules, enlarged to diameters as of the made ones."""
    rng = np.random.default_rng([seed, 1])
    readings = [one for one in read_lidc_outlines("val") if len(one.stack) >= _SLICES]
    for number in range(count):
        film = films[number % len(films)]
        plane = planes_of(film, FILM)[0]
        reading = readings[rng.integers(len(readings))]
        assert film.spacing is not None
        path, mask = enlarged_projection(reading, float(rng.uniform(*_MM)), film.spacing[0])
        placed = draw_place([plane], lambda one: region_in(one, FILM, "lungs"), mask, rng)
        if placed is None:
            raise InputError("a projected nodule finds no room in the computed film; take another --seed.")
        top, left = corner_of(placed[1], mask)
        made = film.voxels.astype(np.float32)
        made[top : top + mask.shape[0], left : left + mask.shape[1]] += path * film_contrast(plane.units)
        yield _cell(made, film.voxels, placed[1])


def enlarged_projection(reading: NoduleReading, diameter: float, pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """mm of water and silhouette of a nodule from the front, enlarged to a diameter (of the circle of its area)."""
    spacing = (reading.slice_spacing, reading.spacing, reading.spacing)
    area = project_nodule(reading.stack, spacing, hounsfield=0, pixel=reading.spacing)[1].sum() * reading.spacing**2
    factor = diameter / (2 * np.sqrt(area / np.pi))
    path, mask = project_nodule(
        reading.stack,
        [factor * mm for mm in spacing],
        hounsfield=hounsfield_of(reading.density),
        pixel=pixel,
    )
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


def _cell_ct(hu: np.ndarray, middle: tuple[int, int]) -> np.ndarray:
    """48 pixels around a nodule, each as four."""
    half = _CELL // 4
    starts = [min(max(at - half, 0), size - 2 * half) for at, size in zip(middle, hu.shape, strict=True)]
    part = hu[tuple(slice(start, start + 2 * half) for start in starts)]
    low, high = _WINDOW
    return _bytes((part - low) / (high - low)).repeat(2, axis=0).repeat(2, axis=1)


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
