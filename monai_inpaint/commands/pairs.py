"""Read the table of `batch`: CSV with the columns image, hole and, optionally, output and segment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_table
from monai_inpaint.io import FORMATS, suffix_of
from monai_inpaint.jobs.outputs import IMAGES, Target, image_target
from monai_inpaint.paths import path_of

JOURNAL = re.compile(r"batch(-\d+-of-\d+)?\.jsonl", re.IGNORECASE)  # of a batch or of a shard, in the output folder


@dataclass(frozen=True)
class Pair:
    """One row; `image`, `hole` (with its segment) and `name` (the output in the output folder) as in the table."""

    image: str
    hole: str
    name: str
    image_path: Path
    hole_path: Path
    output: Target
    segment: str | None = None
    report: Target | None = None
    facts: dict[str, Any] = field(default_factory=dict[str, Any])  # for the report


def read_pairs(table: Path, output_dir: Path) -> list[Pair]:
    """Read all rows, checked for what can be known before reading any image.

    Args:
        table: the CSV file, UTF-8; relative paths in it start at its folder. Without an output, the image's name.
        output_dir: folder of the outputs; it need not exist yet.

    Raises:
        InputError: no such table, a cell missing, an output outside `output_dir`, of a format that cannot be
            written, one that is an input, or one named twice.
    """
    pairs = [_pair(row, f"{table}: line {line}", table.parent, output_dir) for line, row in _rows(table)]
    # realpath passes over a loop of links, which is the fault of its row alone
    inputs = {os.path.realpath(path) for pair in pairs for path in (pair.image_path, pair.hole_path)}
    seen: dict[str, str] = {}
    for pair in pairs:
        if os.path.realpath(pair.output.path) in inputs:
            raise InputError(f"{table}: the output {pair.name} is an input; name another output or output folder.")
        key = os.path.normcase(pair.name).casefold()  # one file on systems that do not tell case apart
        if key in seen:
            raise InputError(f"{table}: {pair.image} and {seen[key]} would both go to {pair.name}; name their outputs.")
        seen[key] = pair.image
    for pair in pairs:
        if any(str(parent).casefold() in seen for parent in Path(os.path.normcase(pair.name)).parents):
            raise InputError(f"{table}: the output {pair.name} lies inside of another output; name another one.")
    return pairs


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = read_table(table)
    names = [name.lower() for name in lines[0][1]] if lines else []
    if any(mark in name for name in names for mark in (";", "\t")):
        raise InputError(f"{table}: columns must be separated by commas; save the table as CSV with commas.")
    if not {"image", "hole"} <= set(names):
        raise InputError(f"{table}: the first line must name the columns image and hole, perhaps output.")
    if len(lines) == 1:
        raise InputError(f"{table} names no images; add a line for each.")
    for line, cells in lines[1:]:
        if len(cells) > len(names):
            raise InputError(f"{table}: line {line} has more cells than columns; quote paths that hold commas.")
        yield line, dict(zip_longest(names, cells, fillvalue=""))


def _pair(row: dict[str, str], where: str, folder: Path, output_dir: Path) -> Pair:
    if not row["image"] or not row["hole"]:
        raise InputError(f"{where} names no {'image' if not row['image'] else 'hole'}; fill the cell or drop the line.")
    image = folder / row["image"]
    name = row.get("output") or _default_name(image, where)
    inside = Path(os.path.normpath(name))
    if (
        Path(name).is_absolute()
        or ".." in Path(name).parts
        or inside.parts[:1] == ()
        or JOURNAL.fullmatch(inside.parts[0])
    ):
        raise InputError(f"{where}: the output {name} does not lie in the output folder; give a path inside of it.")
    path = path_of(inside, output_dir)
    if not path.resolve().is_relative_to(output_dir.resolve()):  # through a symbolic link
        raise InputError(f"{where}: the output {name} leads out of the output folder; give a path inside of it.")
    is_folder = _is_folder(image) and not suffix_of(name)
    target = Target(path, folder=True) if is_folder else image_target(f"{path}{os.sep if name.endswith('/') else ''}")
    segment = row.get("segment") or None
    # a batch that goes on does a row again whose hole is another segment than before
    hole_name = row["hole"] + (f" ({segment})" if segment else "")
    return Pair(row["image"], hole_name, inside.as_posix(), image, folder / row["hole"], target, segment)


def _default_name(image: Path, where: str) -> str:
    """The image's own name, if it can be written: series go to a folder, DICOM files without suffix get .dcm."""
    suffix = suffix_of(image)
    if suffix and suffix not in IMAGES and not _is_folder(image):
        raise InputError(f"{where}: {image.name} cannot be written as {suffix}; name an output, such as a .png.")
    if suffix in FORMATS or _is_folder(image):
        return image.name
    return f"{image.name}.dcm"


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - what cannot be looked up is the fault of its row alone
