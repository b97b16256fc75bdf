"""Data lists: CSV files of images and their properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_inpaint.datasets.listing import is_label_map
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.modality import modality_named
from monai_inpaint.inputs import read_table


@dataclass(frozen=True)
class Entry:
    """One row: `name` as in the list, absolute `path`, and that of a mask of a `lesion` in the image (or None).

    `note` describes the content of the image, such as "No Finding".
    """

    name: str
    path: Path
    lesion: Path | None = None
    patient: str = ""
    split: str = ""
    modality: str = ""
    source: str = ""
    note: str = ""

    @property
    def kind(self) -> str | None:
        """ "cxr", "ct" or "mr"; None if the list does not state it."""
        return modality_named(self.modality)


def read_data_list(
    path: str | Path, *, split: str | None = None, source: str | None = None, modality: str | None = None
) -> list[Entry]:
    """Read a CSV with the column `path` and, optionally, `mask`, `patient`, `split`, `modality`, `source`, `note`.

    Relative paths start at the list's folder. Rows that are another row's mask, or whose name marks a label map (see
    `monai_inpaint.datasets.listing.is_label_map`), are not images and are left out.

    Args:
        path: the CSV file, UTF-8.
        split, source, modality: keep only rows with this value (case does not matter; "CR", "DX" and "cxr" are one).

    Raises:
        InputError: the list is missing, is not such a CSV, or no row is left.
    """
    path = Path(path)
    rows = _rows(path)
    for column, wanted in (("split", split), ("source", source), ("modality", modality)):
        if wanted is not None:
            rows = _keep(rows, column, wanted, path)
    folder = path.resolve().parent
    masks = {row["mask"] for row in rows if row.get("mask")}
    images = [row for row in rows if row["path"] not in masks and not is_label_map(row["path"])]
    if not images:
        raise InputError(f"{path}: names masks and label maps only; add a line for each image.")
    return [
        Entry(
            name=row["path"],
            path=folder / row["path"],
            lesion=folder / row["mask"] if row.get("mask") else None,
            patient=row.get("patient", ""),
            split=row.get("split", ""),
            modality=row.get("modality", ""),
            source=row.get("source", ""),
            note=row.get("note", ""),
        )
        for row in images
    ]


def in_order(entries: Sequence[Entry], limit: int | None, seed: int) -> list[Entry]:
    """In the order of the list without a limit; with one, in a seeded order, to be taken until enough are usable."""
    if limit is None:
        return list(entries)
    if limit < 1:
        raise InputError(f"limit must be at least 1, not {limit}.")
    return [entries[index] for index in np.random.default_rng(seed).permutation(len(entries))]


def _rows(path: Path) -> list[dict[str, str]]:
    lines = read_table(path)
    columns = [column.lower() for column in lines[0][1]] if lines else []
    if "path" not in columns:
        raise InputError(f"{path}: the first line must name the columns, one of them 'path'.")
    rows = []
    for number, (line, cells) in enumerate(lines[1:], start=1):
        if len(cells) != len(columns):
            raise InputError(f"{path}: line {line} does not have {len(columns)} cells; correct it.")
        rows.append(dict(zip(columns, cells, strict=True)))
        if not rows[-1]["path"]:
            raise InputError(f"{path}: image {number} has no path; fill the cell or remove the line.")
    if not rows:
        raise InputError(f"{path}: names no images; add a line for each.")
    return rows


def _keep(rows: list[dict[str, str]], column: str, wanted: str, path: Path) -> list[dict[str, str]]:
    if column not in rows[0]:
        raise InputError(f"{path}: has no column '{column}' to select {wanted!r} by; add it or leave the option out.")

    def plain(value: str) -> str:
        value = value.lower()
        return modality_named(value) or value if column == "modality" else value

    kept = [row for row in rows if plain(row[column]) == plain(wanted)]
    if not kept:
        values = ", ".join(sorted({row[column] for row in rows if row[column]})) or "nothing"
        raise InputError(f"{path}: no image left with {column} {wanted!r}; the list then contains {values}.")
    return kept
