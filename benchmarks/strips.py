"""Pictures of an evaluation as one strip: a row for each case, cut to the surroundings of its hole."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from monai_inpaint.reports import Comparison
from monai_inpaint.reports.slice_png import OUTLINE

AROUND = 32  # pixels shown around a hole
HEIGHT = 128  # pixels of a picture
GAP, CAPTION = 4, 13  # pixels
GREYS = 128  # of a strip, evenly from black to white, beside the outline's colour


@dataclass(frozen=True)
class Shown:
    """A case on the page: its title, why it is shown, and its pictures by caption, differences left out."""

    title: str
    note: str
    pictures: dict[str, Picture.Image]


def shown(case: Comparison) -> Shown:
    """A case of an evaluation, as strips show it."""
    pictures = (picture for column in case.columns for picture in column if picture.scale is None)
    return Shown(
        case.title,
        case.note,
        {one.caption: Picture.open(io.BytesIO(one.png)) for one in pictures if not one.caption.endswith(" - truth")},
    )


def strip(cases: Sequence[Shown]) -> Picture.Image:
    """All pictures of the cases, numbered from 1; those of volumes, three planes wide, a case a column, not a row."""
    panels = [_panels(case, number) for number, case in enumerate(cases, start=1)]
    if panels[0][0].width > 2 * panels[0][0].height:
        panels = [list(column) for column in zip(*panels, strict=True)]
    widths = [max(panel.width for panel in column) + GAP for column in zip(*panels, strict=True)]
    whole = Picture.new("RGB", (sum(widths), len(panels) * (HEIGHT + CAPTION + GAP)), "white")
    for number, row in enumerate(panels):
        for column, panel in enumerate(row):
            whole.paste(panel, (sum(widths[:column]), number * (HEIGHT + CAPTION + GAP)))
    return whole.quantize(palette=_palette(), dither=Picture.Dither.NONE)


def _palette() -> Picture.Image:
    greys = np.rint(np.linspace(0, 255, GREYS)).astype(int)
    palette = Picture.new("P", (1, 1))
    palette.putpalette([*np.repeat(greys, 3).tolist(), *OUTLINE])
    return palette


def _cut(case: Shown) -> dict[str, Picture.Image]:
    covered = np.asarray(next(iter(case.pictures.values())).convert("RGB"))
    rows, columns = np.nonzero((covered == OUTLINE).all(axis=-1))
    high, wide = covered.shape[:2]
    # as many rows as columns where the picture allows it, so that rows of a strip fit under one another
    reach = (int(max(np.ptp(rows), np.ptp(columns))) + 1) // 2 + AROUND
    top, left = (int(at.min() + at.max() + 1) // 2 - reach for at in (rows, columns))
    box = (max(left, 0), max(top, 0), min(left + 2 * reach, wide), min(top + 2 * reach, high))
    return {caption: picture.convert("RGB").crop(box) for caption, picture in case.pictures.items()}


def _panels(case: Shown, number: int) -> list[Picture.Image]:
    first, *others = _cut(case).items()
    return [_panel(f"{number}: {first[0]}", first[1]), *(_panel(*other) for other in others)]


def _panel(caption: str, picture: Picture.Image) -> Picture.Image:
    width = max(round(picture.width * HEIGHT / picture.height), 1)
    panel = Picture.new("RGB", (width, HEIGHT + CAPTION), "white")
    ImageDraw.Draw(panel).text((0, 1), caption, fill="black")
    panel.paste(picture.resize((width, HEIGHT), Picture.Resampling.LANCZOS), (0, CAPTION))
    return panel
