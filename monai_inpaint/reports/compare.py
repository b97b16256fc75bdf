"""Draw one case as pictures: the hole, the truth, the output and the error of each method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monai_inpaint.reports.report_page import Comparison, Picture
from monai_inpaint.reports.slice_png import difference_png, grey_png

LIMIT_OF_WINDOW = 0.25  # colours end at a quarter of the window


def compare(
    title: str,
    source: np.ndarray,
    hole: np.ndarray,
    fills: Mapping[str, np.ndarray],
    *,
    low: float,
    high: float,
    truth: np.ndarray | None = None,
    unit: str = "",
    note: str = "",
    limit: float | None = None,
) -> Comparison:
    """Pictures of one case side by side: source with hole (and truth), then each fill above its signed difference.

    Below is the difference as Belli et al. 2018 show it: its absolute value, doubled, on the window's scale.

    Args:
        title: names the case.
        source: (rows, columns) in units. With a truth, the hole is covered in it; else it is outlined.
        hole: (rows, columns) bool.
        fills: name of a method and its filled slice, in the order of display.
        low, high: intensity window of the pictures, in units.
        truth: the content of the hole, if known; differences are relative to it, else to the source.
        unit: of the differences, "HU" for CT.
        note: a line under the title.
        limit: the difference at which the colours end; a quarter of the window when None.
    """
    limit = limit or (high - low) * LIMIT_OF_WINDOW
    if truth is None:
        reference, name = source, "source"
        first = [Picture(grey_png(source, low, high, outline=hole), "source, hole outlined")]
    else:
        reference, name = truth, "truth"
        first = [
            Picture(grey_png(source, low, high, cover=hole), "source, hole covered"),
            Picture(grey_png(truth, low, high, outline=hole), "truth, hole outlined"),
        ]
    columns = [first]
    for method, fill in fills.items():
        difference = np.where(hole, fill.astype(np.float64) - reference, 0)
        columns.append(
            [
                Picture(grey_png(fill, low, high), method),
                Picture(difference_png(difference, limit, outline=hole), f"{method} - {name}", (limit, unit)),
                Picture(grey_png(2 * np.abs(difference), 0, high - low), f"2 |difference|, {method} - {name}"),
            ]
        )
    return Comparison(title, columns, note)
