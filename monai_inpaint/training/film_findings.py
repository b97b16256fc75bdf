"""Select films by their findings: labelled healthy or ill, or with boxes around what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from monai_inpaint.datasets.finding_boxes import BoxesByImage, FindingBox, read_boxes
from monai_inpaint.datasets.listing import UNHEALTHY, is_healthy
from monai_inpaint.errors import InputError
from monai_inpaint.training.data_list import read_index, training_slices


def labelled_films(
    index: str | Path, split: str, *, finding: str = "pneumonia", sources: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return one entry for each film of a split: "image", "name", "source", "patient", "label" float32 (1,), 1 = ill.

    Args:
        index: see `read_index`.
        split: "train" or "val".
        finding: how one of the film's labels, which "|" separates, begins, in any case.
        sources: only these; none: all.

    Raises:
        InputError: the index is missing or damaged, or lacks healthy films or films with the finding in that split.
    """
    index = Path(index)
    films = []
    for row in read_index(index):
        if row["modality"] != "CR" or row["split"].removesuffix(UNHEALTHY) != split:
            continue
        ill = any(label.startswith(finding.lower()) for label in row["note"].lower().split("|"))
        if (not sources or row["source"] in sources) and (ill or is_healthy(row["note"])):
            entry = {"image": str(index.parent / row["path"]), "name": Path(row["path"]).name, "source": row["source"]}
            films.append({**entry, "patient": row["patient"] or row["path"], "label": torch.tensor([float(ill)])})
    if len({float(film["label"]) for film in films}) < 2:
        raise InputError(f"{index}: split {split} must name healthy chest films and some with {finding}.")
    return films


def class_weights(films: Sequence[dict[str, Any]]) -> list[float]:
    """Return a weight for each film, such that healthy and ill films of each source are drawn equally often."""
    groups = [(film["source"], float(film["label"])) for film in films]
    return [1.0 / groups.count(group) for group in groups]


def boxed_findings(
    index: str | Path, boxes: str | Path, split: str, *, label: str | None = None, modality: str = "CR"
) -> list[dict[str, Any]]:
    """Return one entry for each film with a finding, for `RandLesionFilmd`: "image", "name", "source" and "boxes".

    Args:
        index, boxes: as `monai-inpaint index` writes them; see `read_index` and `read_boxes`.
        split: "train" or "val".
        label: only boxes of this finding; a label may name several, separated by "|". None: all.
        modality: as spelled in the index: CR, or MG of mammograms.

    Raises:
        InputError: a file is missing or damaged, or no film of the split has such a box.
    """

    def wanted(box: FindingBox) -> bool:
        return label is None or label in box.label.split("|")

    entries = [
        {**film, "boxes": [_corner_and_size(box) for box in found]}
        for film, found in _with_boxes(index, boxes, split, modality, wanted)
    ]
    if not entries:
        raise InputError(f"{boxes}: no film of split {split} in {index} has a box{f' of {label}' if label else ''}.")
    return entries


def boxed_nodules(index: str | Path, boxes: str | Path, split: str, *, density: float = 1.0) -> list[dict[str, Any]]:
    """Return one entry for each boxed nodule, for `CutBoxedNoduled`: "image", "name", "source", "box" and "density".

    Args:
        index, boxes: as `monai-inpaint index node21` writes them; see `read_index` and `read_boxes`.
        split: "train" or "val".
        density: of all nodules, 0 ground-glass to 1 solid: boxes come without one.

    Raises:
        InputError: a file is missing or damaged, or no film of the split has a box.
    """
    entries = [
        {**film, "name": f"{film['name']}#{number}", "box": _corner_and_size(box), "density": density}
        for film, found in _with_boxes(index, boxes, split, "CR", lambda _: True)
        for number, box in enumerate(found)
    ]
    if not entries:
        raise InputError(f"{boxes}: no film of split {split} in {index} has a box.")
    return entries


def _with_boxes(
    index: str | Path, boxes: str | Path, split: str, modality: str, wanted: Callable[[FindingBox], bool]
) -> Iterator[tuple[dict[str, Any], Sequence[FindingBox]]]:
    """The films of a split, of all sources, that have wanted boxes, and these."""
    marked = BoxesByImage(filter(wanted, read_boxes(boxes)))
    for film in training_slices(index, None, split, modality=modality, healthy=False):
        found = marked.of(Path(film["image"]))
        if found:
            yield film, found


def _corner_and_size(box: FindingBox) -> tuple[float, float, float, float]:
    return box.x, box.y, box.w, box.h
