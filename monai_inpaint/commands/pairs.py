"""The table that `batch` works through: CSV with the columns image, hole and, optionally, output and segment."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monai_inpaint.commands.outputs import IMAGES, Target, image_target
from monai_inpaint.errors import InputError
from monai_inpaint.io import FORMATS, suffix_of


@dataclass(frozen=True)
class Pair:
    """One row. `image`, `hole` (with its segment) and `name` (the output below the output folder) are as told."""

    image: str
    hole: str
    name: str
    image_path: Path
    hole_path: Path
    output: Target
    segment: str | None = None


def read_pairs(table: Path, output_dir: Path) -> list[Pair]:
    """All rows, checked for what can be known before reading any image.

    Args:
        table: the CSV file, UTF-8; relative paths in it start at its folder. Without an output, the image's name.
        output_dir: outputs lie in it; it need not exist yet.

    Raises:
        InputError: no such table, a cell missing, an output outside `output_dir`, of a format that cannot be
            written, one that is an input, or one named twice.
    """
    pairs = [_pair(row, f"{table}: line {line}", table.parent, output_dir) for line, row in _rows(table)]
    inputs = {path.resolve() for pair in pairs for path in (pair.image_path, pair.hole_path)}
    seen: dict[str, str] = {}
    for pair in pairs:
        if pair.output.path.resolve() in inputs:
            raise InputError(f"{table}: the output {pair.name} is an input; name another output or output folder.")
        key = os.path.normcase(pair.name).casefold()  # one file on systems that do not tell case apart
        if key in seen:
            raise InputError(f"{table}: {pair.image} and {seen[key]} would both go to {pair.name}; name their outputs.")
        seen[key] = pair.image
    return pairs


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
            if any(mark in name for name in reader.fieldnames for mark in (";", "\t")):
                raise InputError(f"{table}: columns must be separated by commas; save the table as CSV with commas.")
            if not {"image", "hole"} <= set(reader.fieldnames):
                raise InputError(f"{table}: the first line must name the columns image and hole, perhaps output.")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read as a CSV file in UTF-8 ({error}); check the path.") from error
    if not rows:
        raise InputError(f"{table} names no images; add a line for each.")
    for line, row in rows:
        if "\0" in "".join(map(str, row.values())):
            raise InputError(f"{table}: line {line} holds a zero byte; save the table as text.")
        if None in row:
            raise InputError(f"{table}: line {line} has more cells than columns; quote paths that hold commas.")
        yield line, {column: value.strip() for column, value in row.items()}


def _pair(row: dict[str, str], where: str, folder: Path, output_dir: Path) -> Pair:
    if not row["image"] or not row["hole"]:
        raise InputError(f"{where} names no {'image' if not row['image'] else 'hole'}; fill the cell or drop the line.")
    image = folder / row["image"]
    name = row.get("output") or _default_name(image, where)
    inside = Path(os.path.normpath(name))
    if Path(name).is_absolute() or ".." in Path(name).parts or inside in (Path(), Path("batch.csv")):
        raise InputError(f"{where}: the output {name} does not lie in the output folder; give a path inside of it.")
    path = output_dir / inside
    if not path.resolve().is_relative_to(output_dir.resolve()):  # through a symbolic link
        raise InputError(f"{where}: the output {name} leads out of the output folder; give a path inside of it.")
    is_folder = image.is_dir() and not suffix_of(name)
    target = Target(path, folder=True) if is_folder else image_target(f"{path}{os.sep if name.endswith('/') else ''}")
    segment = row.get("segment") or None
    # a batch that goes on does a row again whose hole is another segment than before
    told = row["hole"] + (f" ({segment})" if segment else "")
    return Pair(row["image"], told, inside.as_posix(), image, folder / row["hole"], target, segment)


def _default_name(image: Path, where: str) -> str:
    """The image's own name, if it can be written: series go to a folder, DICOM files without suffix get .dcm."""
    suffix = suffix_of(image)
    if suffix and suffix not in IMAGES and not image.is_dir():
        raise InputError(f"{where}: {image.name} cannot be written as {suffix}; name an output, such as a .png.")
    if suffix in FORMATS or image.is_dir():
        return image.name
    return f"{image.name}.dcm"
