"""NIH ChestX-ray14 as published: 112,120 frontal films of 30,805 patients, 1024x1024 PNG.

Wang et al., ChestX-ray8, CVPR 2017. The folder contains Data_Entry_2017.csv (or its version of 2020),
train_val_list.txt, test_list.txt, BBox_List_2017.csv, and the films in any folders below.
"""

from __future__ import annotations

from pathlib import Path

from monai_inpaint.datasets.finding_boxes import FindingBox, finding_box
from monai_inpaint.datasets.listing import TEST, Listing, Row
from monai_inpaint.errors import InputError
from monai_inpaint.io.table import only_file, read_table


def read_nih(folder: Path) -> Listing:
    """Read the films of the folder: those of the official test list are test, the others have no split yet.

    Films that the tables name but that are not in the folder are left out, as of its twelve archives some may do.
    The note is the label, such as "No Finding" or "Cardiomegaly|Emphysema".

    Raises:
        InputError: a table or all films are missing, or a film is on neither of the official lists.
    """
    entries = read_table(only_file(folder, "Data_Entry_2017*.csv"), ("Image Index", "Finding Labels", "Patient ID"))
    test, train_val = (_names(folder / name) for name in ("test_list.txt", "train_val_list.txt"))
    films = {path.name: path for path in sorted(folder.rglob("*.png"))}
    rows = []
    for entry in entries:
        name = entry["Image Index"]
        if name not in films:
            continue
        if name not in test and name not in train_val:
            raise InputError(f"{folder}: {name} is on neither of the official lists; download both lists again.")
        split = TEST if name in test else ""
        rows.append(Row(films[name], "nih", "CR", entry["Patient ID"].zfill(8), split, note=entry["Finding Labels"]))
    if not rows:
        raise InputError(f"{folder}: none of its tables' {len(entries)} films is in it; unpack the images there.")
    listed = {row.path.name for row in rows}
    return Listing(rows, [box for box in _boxes(folder / "BBox_List_2017.csv") if box.image in listed])


def _boxes(table: Path) -> list[FindingBox]:
    # The header is literally "Image Index,Finding Label,Bbox [x,y,w,h],,,": the bracket is torn over four columns.
    return [
        finding_box(table, row["Image Index"], row["Finding Label"], (row["Bbox [x"], row["y"], row["w"], row["h]"]))
        for row in read_table(table, ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"))
    ]


def _names(path: Path) -> set[str]:
    try:
        return set(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: the official list cannot be read ({error}); give the folder as published."
        ) from error
