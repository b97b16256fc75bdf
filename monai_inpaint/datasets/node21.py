"""NODE21 as published: 4,882 frontal films, 1,134 of them with boxes around 1,476 nodules.

Sogancioglu et al., Nodule detection and generation on chest X-rays: NODE21 challenge, 2024. The folder
(cxr_images/original_data or cxr_images/proccessed_data) contains metadata.csv and images/*.mha.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage, finding_box
from monai_inpaint.datasets.listing import Listing, Row
from monai_inpaint.datasets.named_images import image_path
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


def read_node21_boxes(table: Path) -> list[BoxedImage]:
    """The films of a metadata.csv with their boxes, in its order; see `read_node21` for their patients.

    Beside NODE21's own columns it may have `patient`, and `density` of each nodule, 0 ground-glass to 1 solid.

    Raises:
        InputError: a column is missing, a label is neither 0 nor 1, or a film is missing where others are.
    """
    patients = _nih_patients(table.parent.parent / "original_data")
    films: dict[str, BoxedImage] = {}
    boxes: dict[str, list[tuple[Box, str]]] = {}
    for entry in read_table(table, ("img_name", "label", "x", "y", "width", "height")):
        name = entry["img_name"]
        if name not in films:
            path = image_path(table.parent, name)
            patient = entry.get("patient") or patients.get(Path(name).stem, "")
            films[name] = BoxedImage(name, 0, 0, patient=patient, path=path)
            boxes[name] = []
        if entry["label"] not in ("0", "1"):
            raise InputError(f"{table}: {name} has the label {entry['label']!r}; it must be 0 or 1.")
        if entry["label"] == "1":
            box = finding_box(table, name, "Nodule", (entry["x"], entry["y"], entry["width"], entry["height"]))
            boxes[name].append(((box.x, box.y, box.w, box.h), entry.get("density", "")))
    return [
        replace(film, boxes=tuple(box for box, _ in boxes[name]), densities=_densities(table, boxes[name]))
        for name, film in films.items()
    ]


def _densities(table: Path, boxes: Sequence[tuple[Box, str]]) -> tuple[float, ...]:
    cells = [cell for _, cell in boxes]
    if not all(cells):
        return ()
    try:
        densities = tuple(map(float, cells))
    except ValueError:
        densities = (-1.0,)
    if not all(0 <= density <= 1 for density in densities):
        raise InputError(f"{table}: densities must be numbers from 0 to 1, not {', '.join(cells)}; correct them.")
    return densities


def write_node21(images: Sequence[BoxedImage], folder: Path) -> Path:
    """Write a metadata.csv of NODE21 for the images in images/; return its path.

    A row for each box with the label 1; one with the label 0 and an empty box for each image without any. Where they
    are known, there are also the columns `patient` and `density`.
    """
    known = {"patient": any(image.patient for image in images), "density": any(image.densities for image in images)}
    rows: list[tuple[str, ...]] = [("", *_COLUMNS, *(name for name, is_known in known.items() if is_known))]
    for image in images:
        for number, (x, y, width, height) in enumerate(image.boxes or [(0, 0, 0, 0)]):
            label = 1 if image.boxes else 0
            cells = [str(value) for value in (height, image.file, label, width, x, y)]
            cells += [image.patient] if known["patient"] else []
            cells += [str(image.densities[number]) if image.densities else ""] if known["density"] else []
            rows.append((str(len(rows) - 1), *cells))
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
