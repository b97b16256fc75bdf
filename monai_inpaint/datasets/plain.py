"""Read images in folders, or a table of images, without a published layout."""

from __future__ import annotations

from pathlib import Path

from monai_inpaint.datasets.listing import TEST, TRAIN, VAL, Listing, Row
from monai_inpaint.errors import InputError
from monai_inpaint.io import suffix_of
from monai_inpaint.io.table import read_table


def read_folder(folder: Path, modality: str) -> Listing:
    """Read all images in a folder and below.

    Images in a subfolder belong to one patient with the folder's name; images directly in `folder` to a patient each.
    Folders train, val and test above those, if there are any, determine the split. The source is the folder's name.

    Args:
        folder: images of the formats that `read_image` reads.
        modality: of all of them: CR, CT or MR.

    Raises:
        InputError: there is no image.
    """
    rows = []
    for path in sorted(folder.rglob("*")):
        if not suffix_of(path) or not path.is_file():
            continue
        parts = path.relative_to(folder).parts
        split = parts[0] if len(parts) > 1 and parts[0] in (TRAIN, VAL, TEST) else ""
        place = parts[bool(split) :]
        rows.append(Row(path, folder.resolve().name, modality, place[0] if len(place) > 1 else path.stem, split))
    if not rows:
        raise InputError(f"{folder}: contains no image of a format that can be read; give a folder of images.")
    return Listing(rows)


def read_csv(table: Path) -> Listing:
    """The images of a CSV with the columns path, modality and patient, and perhaps source, split, mask, note, hole.

    Paths start at the table's folder. Rows without a split get one by their patient.

    Raises:
        InputError: no such table, a column or a cell is missing, or a file that it names.
    """
    rows = []
    for number, cells in enumerate(read_table(table, ("path", "modality", "patient")), start=2):
        for column in ("path", "modality", "patient"):
            if not cells[column]:
                raise InputError(f"{table}: row {number} has no {column}; fill the cell or remove the row.")
        files = {name: table.parent / cells[name] for name in ("path", "mask", "hole") if cells.get(name)}
        for file in files.values():
            if not file.exists():
                raise InputError(
                    f"{table}: row {number} names {file}, which does not exist; correct or remove the row."
                )
        rows.append(
            Row(
                files["path"],
                cells.get("source") or table.stem,
                cells["modality"],
                cells["patient"],
                cells.get("split", ""),
                files.get("mask"),
                cells.get("note", ""),
                files.get("hole"),
            )
        )
    return Listing(rows)
