"""VinDr-Mammo as published: 20,000 mammograms in DICOM of 5,000 exams, with boxes around findings.

Nguyen et al., VinDr-Mammo: a large-scale benchmark dataset for computer-aided diagnosis in full-field digital
mammography, Scientific Data 2023 (PhysioNet, version 1.0.0). The folder contains finding_annotations.csv and
images/STUDY_ID/IMAGE_ID.dicom. The table has a row for each finding, with a list of its categories such as
"['Mass', 'Skin Retraction']", and one row with "['No Finding']" for each mammogram without any.
"""

from __future__ import annotations

import ast
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import FindingBox, corner_box
from monai_inpaint.datasets.listing import TEST, Listing, Row, is_healthy
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import shown
from monai_inpaint.io.table import read_table

TABLE = "finding_annotations.csv"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_SPLITS = {"training": "", "test": TEST}


def read_vindr_mammo(folder: Path) -> Listing:
    """Read the mammograms of the folder: the official test split is test, the others have no split yet.

    An exam counts as a patient, as patients are not published. The note of a mammogram names the categories of all its
    findings, separated by "|", or is "No Finding"; the label of a box names those of its finding. Mammograms that are
    not in the folder are left out.

    Raises:
        InputError: the table, a column or all mammograms are missing, or a cell contains something else.
    """
    table = folder / TABLE
    columns = ("study_id", "image_id", "finding_categories", *_CORNERS, "split")
    images: dict[Path, Row] = {}
    found: dict[Path, set[str]] = {}
    boxes: list[FindingBox] = []
    for row in read_table(table, columns):
        path = folder / "images" / row["study_id"] / f"{row['image_id']}.dicom"
        if path not in images and not path.is_file():
            continue
        if row["split"] not in _SPLITS:
            raise InputError(
                f"{table}: the split of {row['image_id']} is {row['split']!r}; it must be training or test."
            )
        images[path] = Row(path, "vindr_mammo", "MG", row["study_id"], _SPLITS[row["split"]])
        categories = [name for name in _categories(table, row["finding_categories"]) if not is_healthy(name)]
        found.setdefault(path, set()).update(categories)
        if categories:
            corners = tuple(row[name] for name in _CORNERS)
            boxes.append(corner_box(table, path.name, "|".join(categories), corners))
    if not images:
        raise InputError(f"{folder}: none of its mammograms is in images/; unpack STUDY_ID/IMAGE_ID.dicom there.")
    return Listing([_noted(row, found[path]) for path, row in images.items()], boxes)


def _noted(row: Row, found: set[str]) -> Row:
    return Row(row.path, row.source, row.modality, row.patient, row.split, note="|".join(sorted(found)) or "No Finding")


def _categories(table: Path, cell: str) -> list[str]:
    """Of a cell with a list of texts as Python writes it."""
    try:
        value = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        raise InputError(
            f"{table}: {shown(cell)} is not a list of categories such as ['Mass']; give the file as published."
        )
    return value
