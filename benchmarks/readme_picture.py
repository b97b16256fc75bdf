"""The picture of the README: a film, a CT, an MR and metal, before and after. None of them shows a patient."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from benchmarks.setting import Options
from monai_inpaint import Filler
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.demo.samples import shipped
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.metal import reduce_metal, simulate_metal
from monai_inpaint.reports.slice_png import difference_png, grey_png

SIDE, GAP, CAPTION = 160, 4, 16  # pixels
COLUMNS = ("source", "hole", "best estimate", "one sample", "estimate - source")
# Hounsfield units of the tissues of a made-up head: air, fluid, grey and white matter, bone, fat, muscle, marrow
_HU = np.array([-1000, 8, 38, 29, 950, -90, 55, 250])
_SHADES = 32  # of each tissue
_WHOLE = 3  # seed of a head that has a skull
_SLICE = 90


def run(options: Options) -> str:
    """Write `strip.png` into the folder `output`.

    Raises:
        InputError: there is no output, or a package that carries a sample is missing.
    """
    if options.output is None:
        raise InputError("the strip needs a folder; name it with --output DIR.")
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "strip.png"
    _sheet(list(_rows(options.seed))).save(path, optimize=True)
    return f"Strip: {path}\n"


def _rows(seed: int) -> Iterator[tuple[str, list[bytes | None]]]:
    film = Image(chest_film(), modality="cxr")
    hole = np.zeros(film.voxels.shape, bool)
    hole[190:300, 90:200] = True
    yield "chest film (computed)", _filled(film, hole, "cxr", (0, 4095), seed)
    head = head_ct()
    hole = _disc(head.voxels.shape, (62, 181), 13)
    yield "CT (made-up head)", _filled(head, hole, "ct", (-400, 800), seed)
    t1 = read_image(shipped("t1"))
    average = Image(_square(np.rot90(t1.voxels[:, :, 88]), 0), modality="mr")
    hole = _disc(average.voxels.shape, (120, 90), 18)
    yield "MR (average head)", _filled(average, hole, "mr", (0, 255), seed)
    yield "metal in CT (simulated)", _corrected(head, seed)


def head_ct() -> Image:
    """One axial slice of a head that nobody has, in HU, 1 mm; int16."""
    from scipy.ndimage import gaussian_filter

    from monai_inpaint.transforms.anatomy import make_anatomy

    codes = np.rot90(make_anatomy(_WHOLE).voxels[:, :, _SLICE])
    shade = (codes % _SHADES) / (_SHADES - 1) - 0.5
    hu = gaussian_filter(_HU[codes // _SHADES] + 12.0 * shade * (codes >= _SHADES), 0.6)
    hu += np.random.default_rng(0).normal(0, 4, hu.shape)
    room = _square(hu, -1000.0)
    return Image(np.rint(room.clip(-1024, 3071)).astype(np.int16), modality="ct")


def _filled(source: Image, hole: np.ndarray, bundle: str, window: tuple[float, float], seed: int) -> list[bytes | None]:
    filler = Filler(bundle)
    marked = Image(hole.astype(np.uint8))
    estimate = filler(source, marked)
    sample = filler(source, marked, sample=True, seed=seed)
    change = difference_png(estimate.image.units() - source.units(), (window[1] - window[0]) / 4, outline=hole)
    units = source.units()
    return [
        grey_png(units, *window),
        grey_png(units, *window, cover=hole),
        grey_png(estimate.image.units(), *window),
        grey_png(sample.image.units(), *window),
        change,
    ]


def _corrected(clean: Image, seed: int) -> list[bytes | None]:
    window = (-400.0, 800.0)
    scanned = simulate_metal(clean, "filling", seed).artifact
    reduced = reduce_metal(scanned)
    change = difference_png(reduced.image.units() - scanned.units(), (window[1] - window[0]) / 4)
    before, after = (grey_png(image.units(), *window) for image in (scanned, reduced.image))
    return [before, grey_png(scanned.units(), *window, cover=reduced.metal), after, None, change]


def _square(pixels: np.ndarray, air: float) -> np.ndarray:
    """The slice in the middle of a square one, with 10 pixels of air at its longer sides."""
    size = max(pixels.shape) + 20
    before = [(size - length) // 2 for length in pixels.shape]
    wide = [(first, size - length - first) for first, length in zip(before, pixels.shape, strict=True)]
    return np.pad(pixels, wide, constant_values=air)


def _disc(shape: tuple[int, ...], centre: tuple[int, int], radius: int) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(rows - centre[0], columns - centre[1]) <= radius)


def _sheet(rows: list[tuple[str, list[bytes | None]]]) -> Picture.Image:
    wide, high = SIDE + GAP, SIDE + GAP
    sheet = Picture.new("RGB", (len(COLUMNS) * wide - GAP, CAPTION + len(rows) * high - GAP), "white")
    write = ImageDraw.Draw(sheet)
    for column, title in enumerate(COLUMNS):
        write.text((column * wide + 2, 2), title, fill="black")
    for row, (title, pictures) in enumerate(rows):
        for column, png in enumerate(pictures):
            place = (column * wide, CAPTION + row * high)
            if png is not None:
                picture = Picture.open(io.BytesIO(png)).convert("RGB")
                sheet.paste(picture.resize((SIDE, SIDE), Picture.Resampling.LANCZOS), place)
        write.text((3, CAPTION + row * high + 2), title, fill="white")
    return sheet
