"""The data list of a layout: rows, split by patient, and its files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from zlib import crc32

from monai_inpaint.datasets.finding_boxes import BOX_COLUMNS, FindingBox
from monai_inpaint.errors import InputError
from monai_inpaint.io import check_output
from monai_inpaint.io.atomic import staged

TRAIN, VAL, TEST = "train", "val", "test"
UNHEALTHY = "-unhealthy"
PAIR_COLUMNS = ("image", "hole", "output")
_HEALTHY = {"no finding", "no findings", "normal", "healthy"}
_LABELS = re.compile(r"(?<![a-z])(masks?|seg|segmentations?|labels?|labelmap)(?![a-z])")


@dataclass(frozen=True)
class Row:
    """One image of a data list.

    Attributes:
        path: of the image.
        source: the data set's short name.
        modality: as DICOM has it: CR, CT, MR, MG.
        patient: must not be in two splits.
        split: "train", "val" or "test", with "-unhealthy" after it for images that show a finding; before
            `split_by_patient` also "" or "-unhealthy".
        mask: of a lesion in the image.
        note: the finding, or "No Finding".
        hole: a region of the image to fill whose truth is in the image.
    """

    path: Path
    source: str
    modality: str
    patient: str
    split: str = ""
    mask: Path | None = None
    note: str = ""
    hole: Path | None = None


ROW_COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class Listing:
    """The content of a layout.

    Attributes:
        rows: of the data list.
        boxes: around findings, in films.
        pairs: (image, hole, name of the output) of images to fill without a truth, as for `monai-inpaint batch`.
    """

    rows: Sequence[Row]
    boxes: Sequence[FindingBox] = ()
    pairs: Sequence[tuple[Path, Path, str]] = ()


def is_healthy(note: str) -> bool:
    """Whether the note of a row states no finding: "No Finding", "No_findings", "NORMAL", "healthy"."""
    return note.replace("_", " ").lower() in _HEALTHY


def unhealthy(noted: Sequence[tuple[str, str]]) -> list[bool]:
    """Which of the images with these (source, note) show a finding.

    Notes are findings in sources with at least one note of no finding; elsewhere they may contain anything and are
    ignored.
    """
    labelled = {source for source, note in noted if is_healthy(note)}
    return [source in labelled and bool(note) and not is_healthy(note) for source, note in noted]


def is_label_map(path: str | Path) -> bool:
    """Whether a file's name marks a label map: "mask", "seg" or "label" is one of its words."""
    return _LABELS.search(Path(path).name.lower()) is not None


def split_by_patient(rows: Iterable[Row], val: float) -> list[Row]:
    """Rows with their splits: those without one go to train or val by patient, and unhealthy ones are marked.

    Splits depend on the names of the patients only, so the same list always has the same splits. Unhealthy images are
    those of `unhealthy`, and those that are marked already.

    Args:
        rows: of one data set.
        val: share of the patients without a split that go to val; at least one does.

    Raises:
        InputError: a single patient cannot be split, a patient is in two splits, or `val` is not a share.
    """
    if not 0 < val < 1:
        raise InputError(f"The share of val is {val:g}; give one between 0 and 1.")
    rows = list(rows)
    patients = sorted({row.patient for row in rows if _is_open(row)}, key=lambda name: (crc32(name.encode()), name))
    if len(patients) == 1:
        raise InputError(f"{patients[0]} is the only patient, which cannot be split into train and val; give more.")
    chosen = set(patients[: max(round(val * len(patients)), 1)])
    split: list[Row] = []
    where: dict[tuple[str, str], str] = {}
    for row, finding in zip(rows, unhealthy([(row.source, row.note) for row in rows]), strict=True):
        drawn = VAL if row.patient in chosen else TRAIN
        place = drawn if _is_open(row) else row.split.removesuffix(UNHEALTHY)
        before = where.setdefault((row.source, row.patient), place)
        if before != place:
            raise InputError(f"{row.path}: patient {row.patient} is in {before} and in {place}; choose one of them.")
        split.append(replace(row, split=place + UNHEALTHY * (finding or row.split.endswith(UNHEALTHY))))
    return split


def _is_open(row: Row) -> bool:
    """Whether it has no split yet."""
    return row.split in ("", UNHEALTHY)


def boxes_of(output: Path) -> Path:
    """The table of boxes beside a data list."""
    return output.with_name(f"{output.stem}_boxes.csv")


def write_listing(listing: Listing, output: Path) -> list[Path]:
    """Write the data list, and OUTPUT_boxes.csv and OUTPUT_pairs.csv if there are any.

    Args:
        listing: paths are written relative to the folder of `output`.
        output: a CSV file that does not exist yet.

    Returns:
        the files written.

    Raises:
        InputError: a file exists already or may not be written.
    """
    folder = output.resolve().parent

    def text(value: object) -> str:
        if isinstance(value, Path):
            return Path(os.path.relpath(value.resolve(), folder)).as_posix()
        return "" if value is None else str(value)

    tables = {
        output: [ROW_COLUMNS, *(astuple(row) for row in listing.rows)],
        boxes_of(output): [BOX_COLUMNS, *(astuple(box) for box in listing.boxes)],
        output.with_name(f"{output.stem}_pairs.csv"): [PAIR_COLUMNS, *listing.pairs],
    }
    tables = {path: table for path, table in tables.items() if len(table) > 1}
    for path in tables:
        check_output(path)
    for path, table in tables.items():
        with staged(path) as place, place.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(map(text, line) for line in table)
    return list(tables)
