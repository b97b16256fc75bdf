"""Select films or mammograms with a boxed finding, to learn to draw such findings."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from monai_inpaint.datasets.finding_boxes import BoxesByImage, read_boxes
from monai_inpaint.errors import InputError
from monai_inpaint.training.data_list import training_slices


def boxed_findings(
    index: str | Path, boxes: str | Path, split: str, *, label: str | None = None, modality: str = "CR"
) -> list[dict[str, Any]]:
    """Return one entry for each film with a finding, for `RandLesionFilmd`: "image", "name", "source" and "boxes".

    Args:
        index, boxes: as `monai-inpaint index` writes them; see `training_slices` and `read_boxes`.
        split: "train" or "val".
        label: only boxes of this finding; a label may name several, separated by "|". None: all.
        modality: as spelled in the index: CR, or MG of mammograms.

    Raises:
        InputError: a file is missing or damaged, or no film of the split has such a box.
    """
    marked = BoxesByImage(box for box in read_boxes(boxes) if label is None or label in box.label.split("|"))
    with Path(index).open(newline="", encoding="utf-8-sig") as file:
        sources = {row["source"] for row in csv.DictReader(file)}
    entries = []
    for film in training_slices(index, dict.fromkeys(sorted(sources), 0), split, modality=modality, healthy=False):
        found = [(box.x, box.y, box.w, box.h) for box in marked.of(Path(film["image"]))]
        if found:
            entries.append({**film, "boxes": found})
    if not entries:
        raise InputError(f"{boxes}: no film of split {split} in {index} has a box{f' of {label}' if label else ''}.")
    return entries
