"""NODE21 as published: 4,882 frontal films, 1,134 of them with boxes around 1,476 nodules.

Sogancioglu et al., Nodule detection and generation on chest X-rays: NODE21 challenge, 2024. The folder
(cxr_images/original_data or cxr_images/proccessed_data) holds metadata.csv and images/*.mha.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import BoxedImage, finding_box
from monai_inpaint.datasets.listing import Listing, Row
from monai_inpaint.errors import InputError
from monai_inpaint.io.atomic import staged
from monai_inpaint.io.table import read_table

_COLUMNS = ("height", "img_name", "label", "width", "x", "y")
_NIH_FILM = re.compile(r"(\d{8})_\d{3}(\.png)?")


def read_node21(folder: Path) -> Listing:
    """The films of the folder, those without a nodule noted as "No Finding"; no splits yet, as none are published.

    The patients are not published either. Films taken from ChestX-ray14 are recognised by the tables
    original_data/*filenames_orig_and_new.csv, where they are at hand, and get their patient's number there; all others
    count as a patient each.

    Raises:
        InputError: metadata.csv, one of its columns or all of its films are missing.
    """
    table = folder / "metadata.csv"
    entries = read_table(table, ("img_name", "label", "x", "y", "width", "height"))
    patients = _nih_patients(folder.parent / "original_data")
    rows: dict[str, Row] = {}
    boxes = []
    for entry in entries:
        name = entry["img_name"]
        film = folder / "images" / name
        if name not in rows and not film.is_file():
            continue
        nodule = entry["label"] == "1"
        note = "Nodule" if nodule else "No Finding"
        patient = patients.get(film.stem, film.stem)
        rows[name] = Row(film, "node21", "CR", patient, note=note)
        if nodule:
            boxes.append(finding_box(table, name, note, (entry["x"], entry["y"], entry["width"], entry["height"])))
    if not rows:
        raise InputError(f"{folder}: none of the films that metadata.csv names is in images/; unpack them there.")
    return Listing(list(rows.values()), boxes)


def write_node21(images: Sequence[BoxedImage], folder: Path) -> Path:
    """Write metadata.csv as NODE21 has it, for images that lie in images/; returns its path.

    A row for each box with the label 1; one with the label 0 and an empty box for each image without any.
    """
    rows: list[tuple[str, ...]] = [("", *_COLUMNS)]
    for image in images:
        for x, y, width, height in image.boxes or [(0, 0, 0, 0)]:
            label = 1 if image.boxes else 0
            rows.append((str(len(rows) - 1), *map(str, (height, image.file, label, width, x, y))))
    path = folder / "metadata.csv"
    with staged(path, overwrite=True) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def _nih_patients(folder: Path) -> dict[str, str]:
    """The ChestX-ray14 patients of NODE21's films."""
    patients = {}
    for table in sorted(folder.glob("*filenames_orig_and_new.csv")):
        for row in read_table(table, ("node21_img_id",)):
            films = [match for cell in row.values() if (match := _NIH_FILM.fullmatch(cell))]
            if films:
                patients[Path(row["node21_img_id"]).stem] = films[0][1]
    return patients
