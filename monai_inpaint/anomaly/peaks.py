"""Find the peaks of an anomaly map, and boxes around them."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.datasets.finding_boxes import BOX_COLUMNS

MOST = 5  # boxes an image
SHARE = 0.5  # of its peak, above which a place belongs to a candidate
_HIGH = 0.5  # of the highest peak, from which another one counts as high


@dataclass(frozen=True)
class Candidate:
    """A box in pixels, its left upper corner (x: column, y: row) and its size; `score` is the map's peak in it."""

    x: int
    y: int
    w: int
    h: int
    score: float


def candidates(map_: np.ndarray) -> list[Candidate]:
    """Find the highest peaks, each with the box of the connected region above half its height, highest first.

    Args:
        map_: (rows, columns); only values above 0 can be peaks.
    """
    from scipy.ndimage import find_objects, label

    left = map_.astype(np.float32)
    found: list[Candidate] = []
    while len(found) < MOST:
        peak = np.unravel_index(left.argmax(), left.shape)
        score = float(left[peak])
        if score <= 0:
            break
        labelled: Any = label(left > SHARE * score)
        parts = labelled[0]
        part = parts[peak]
        rows, columns = find_objects(parts, part)[part - 1]
        size = (columns.stop - columns.start, rows.stop - rows.start)
        found.append(Candidate(columns.start, rows.start, *size, score))
        left[parts == part] = 0
    return found


def high_candidates(map_: np.ndarray) -> list[Candidate]:
    """The candidate with the highest peak, and those at least half as high; see `candidates`."""
    found = candidates(map_)
    return [one for one in found if one.score >= _HIGH * found[0].score]


def write_candidates(found: Sequence[Candidate], image: str, path: str | Path) -> None:
    """Write a CSV as `monai_inpaint.datasets.finding_boxes.read_boxes` reads it, with the column `score` besides.

    Args:
        found: of one image.
        image: its file name.
        path: where to write.
    """
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*BOX_COLUMNS, "score"])
        writer.writerows([image, "abnormal", c.x, c.y, c.w, c.h, f"{c.score:.4g}"] for c in found)
