"""VinDr-CXR as published: 18,000 frontal films in DICOM; boxes around 22 findings, and labels of the whole film.

Nguyen et al., VinDr-CXR: an open dataset of chest X-rays with radiologist's annotations, Scientific Data 2022
(PhysioNet, version 1.0.0). The folder contains train/ and test/ with IMAGE_ID.dicom, and annotations/ with
annotations_train.csv, annotations_test.csv (boxes), image_labels_train.csv and image_labels_test.csv (labels). Films of
train have a row of labels from each of three readers, films of test one row of a consensus of five.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import FindingBox, corner_box
from monai_inpaint.datasets.listing import TEST, Listing, Row, is_healthy
from monai_inpaint.errors import InputError
from monai_inpaint.io.table import read_table

_CORNERS = ("x_min", "y_min", "x_max", "y_max")
_NO_LABELS = ("image_id", "rad_id")  # columns of the labels' tables that are none; in any case


def read_vindr_cxr(folder: Path) -> Listing:
    """Read the films of the folder: those of test/ are test, the others have no split yet.

    The note of a film names every label that at least one reader gave, separated by "|"; it is "No finding" only if
    each reader said so. Boxes are those of all readers, so up to three are around one finding in films of train/.
    Patients are not published, and each film counts as a patient. Films that are not in the folder are left out.

    Raises:
        InputError: a table, a column or all films are missing, or a box is not one.
    """
    rows: list[Row] = []
    boxes: list[FindingBox] = []
    for part, split in (("train", ""), ("test", TEST)):
        notes = _notes(folder / "annotations" / f"image_labels_{part}.csv")
        films = {path.stem: path for path in sorted((folder / part).glob("*.dicom")) if path.stem in notes}
        rows += [Row(path, "vindr_cxr", "CR", name, split, note=notes[name]) for name, path in films.items()]
        boxes += [box for name, box in _boxes(folder / "annotations" / f"annotations_{part}.csv") if name in films]
    if not rows:
        raise InputError(f"{folder}: none of its films is in train/ or test/; unpack IMAGE_ID.dicom there.")
    return Listing(rows, boxes)


def _notes(table: Path) -> dict[str, str]:
    """By film, the labels that any of its readers gave."""
    given: dict[str, set[str]] = {}
    for row in read_table(table, ("image_id", "No finding")):
        labels = {name for name, cell in row.items() if name.lower() not in _NO_LABELS and _is_given(table, cell)}
        given.setdefault(row["image_id"], set()).update(labels)
    return {name: "|".join(sorted(_findings(labels))) for name, labels in given.items()}


def _findings(labels: set[str]) -> set[str]:
    return {label for label in labels if not is_healthy(label)} or labels


def _is_given(table: Path, cell: str) -> bool:
    try:
        return float(cell) > 0
    except ValueError:
        raise InputError(f"{table}: contains {cell!r} among labels of 0 and 1; give the file as published.") from None


def _boxes(table: Path) -> Iterator[tuple[str, FindingBox]]:
    """Name of the film, and a box in it; films without a finding have a row without corners."""
    for row in read_table(table, ("image_id", "class_name", *_CORNERS)):
        if not is_healthy(row["class_name"]):
            corners = tuple(row[name] for name in _CORNERS)
            yield row["image_id"], corner_box(table, f"{row['image_id']}.dicom", row["class_name"], corners)
