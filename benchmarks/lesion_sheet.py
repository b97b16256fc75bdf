"""A computed film with other chests around its finding, and with other findings at that place, as one picture."""

from __future__ import annotations

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from benchmarks.painting import DIRECTIONS, HOUSE
from benchmarks.setting import Options
from monai_inpaint.demo.phantom import GREY_LEVELS, chest_film
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.synthesis.painting.paint import BUNDLE, paint_film

SIDE, GAP, CAPTION = 192, 4, 14  # pixels
_PLACE = (230, 150, 44.0, 34.0)  # row and column of an opacity's middle, and its half axes
_DENSE = 900.0  # of 4095 grey levels


def run(options: Options) -> str:
    """Write `lesions.png` into the folder `output`.

    Raises:
        InputError: there is no output.
    """
    folder = options.output
    if folder is None:
        raise InputError("the sheet needs a folder; name it with --output DIR.")
    folder.mkdir(parents=True, exist_ok=True)
    film, opacity = film_with_opacity(options.seed)
    kept = np.zeros(opacity.shape, bool)
    rows, columns = (np.flatnonzero(opacity.any(axis=axis)) for axis in (1, 0))
    kept[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    panels = [("film, kept in the box", film, kept)]
    for bundle, count in ((BUNDLE, 3), (HOUSE, 2)):
        for number in range(count):
            made = paint_film(Image(film, modality="cxr"), ~kept, seed=options.seed + number, bundle=bundle)
            panels.append((f"{bundle}, seed {options.seed + number}", made.image.voxels, kept))
    healthy = chest_film(options.seed)
    panels.append(("film without a finding", healthy, kept))
    for number in range(2):
        bundle = DIRECTIONS["inpainting"]
        made = paint_film(Image(healthy, modality="cxr"), kept, seed=options.seed + number, bundle=bundle)
        panels.append((f"{bundle}, seed {options.seed + number}", made.image.voxels, kept))
    path = folder / "lesions.png"
    sheet(panels).save(path, optimize=True)
    return f"Sheet: {path}\n"


def film_with_opacity(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The demo's computed film with a soft opacity in a lung, uint16, and where the opacity is."""
    film = chest_film(seed).astype(np.float64)
    row, column, high, wide = _PLACE
    rows, columns = np.ogrid[: film.shape[0], : film.shape[1]]
    far = np.hypot((rows - row) / high, (columns - column) / wide)
    opacity = np.clip(1.0 - far**2, 0.0, 1.0)
    return np.rint(np.clip(film + _DENSE * opacity, 0, GREY_LEVELS - 1)).astype(np.uint16), opacity > 0


def sheet(panels: list[tuple[str, np.ndarray, np.ndarray]]) -> Picture.Image:
    """Films side by side, in rows of three, the box of the finding outlined."""
    across = 3
    down = -(-len(panels) // across)
    whole = Picture.new("L", (across * (SIDE + GAP), down * (SIDE + GAP + CAPTION)), 255)
    for number, (caption, film, kept) in enumerate(panels):
        left, top = number % across * (SIDE + GAP), number // across * (SIDE + GAP + CAPTION)
        greys = Picture.fromarray((film.astype(np.float64) * (255 / (GREY_LEVELS - 1))).clip(0, 255).astype(np.uint8))
        shown = greys.resize((SIDE, SIDE), Picture.Resampling.LANCZOS)
        rows, columns = (np.flatnonzero(kept.any(axis=axis)) * SIDE / len(film) for axis in (1, 0))
        box = (columns[0] - 1, rows[0] - 1, columns[-1] + 1, rows[-1] + 1)
        ImageDraw.Draw(shown).rectangle(box, outline=255)
        draw = ImageDraw.Draw(whole)
        draw.text((left, top), caption, fill=0)
        whole.paste(shown, (left, top + CAPTION))
    return whole
