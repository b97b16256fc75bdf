"""Select chest films by their notes: healthy, or with a finding to be recognised."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from monai_inpaint.datasets.listing import UNHEALTHY, is_healthy
from monai_inpaint.errors import InputError


def labelled_films(
    index: str | Path, split: str, *, finding: str = "pneumonia", sources: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return one entry for each film of a split: "image", "name", "source", "patient", "label" float32 (1,), 1 = ill.

    Args:
        index: CSV with the columns path (relative to it), source, modality, patient, split and note.
        split: "train" or "val".
        finding: how one of the film's labels, which "|" separates, begins, in any case.
        sources: only these; none: all.

    Raises:
        InputError: the index does not exist, or lacks healthy films or films with the finding in that split.
    """
    index = Path(index)
    if not index.is_file():
        raise InputError(f"{index}: there is no such index file; pass its place with --dataset_dir.")
    with index.open(newline="", encoding="utf-8-sig") as file:
        listed = list(csv.DictReader(file))
    films = []
    for row in listed:
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
