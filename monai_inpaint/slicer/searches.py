"""Jobs that change nothing: find metal or other artifacts, and map what is unlike healthy anatomy."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .jobs import COMMAND, reach_of, threshold_words, write_volume
from .nifti import read_nifti
from .volumes import Volume


@dataclass(frozen=True, eq=False)
class Labelled:
    """Label map of a search; (k, j, i) uint8: of metal 1 metal, 2 affected, 3 perhaps metal; of artifacts 1."""

    volume: Volume
    labels: np.ndarray
    messages: list[str]
    what: str = "metal"


@dataclass(frozen=True, eq=False)
class FindMetal:
    """Only show where metal is."""

    volume: Volume
    bundle: str
    threshold: float | None = None

    @property
    def title(self) -> str:
        return f"{self.volume.name}: find metal"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        image = write_volume(self.volume, folder)
        words = [*COMMAND, "metal", str(image), str(folder / "labels.nii"), "--find-only", "--progress", "json"]
        return [*words, "--bundle", self.bundle, *threshold_words(self.threshold)]

    def collect(self, folder: Path, messages: list[str]) -> Labelled:
        """See `Job.collect`."""
        return Labelled(self.volume, read_nifti(folder / "labels.nii"), messages)


@dataclass(frozen=True, eq=False)
class FindArtifacts:
    """Only show metal, signal voids, bars and burned-in text."""

    volume: Volume

    @property
    def title(self) -> str:
        return f"{self.volume.name}: find artifacts"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        image = write_volume(self.volume, folder)
        return [*COMMAND, "find", str(image), str(folder / "labels.nii"), "--progress", "json"]

    def collect(self, folder: Path, messages: list[str]) -> Labelled:
        """See `Job.collect`."""
        return Labelled(self.volume, read_nifti(folder / "labels.nii"), messages, "artifacts")


@dataclass(frozen=True, eq=False)
class Mapped:
    """An abnormality map.

    Attributes:
        values: (k, j, i) float32, 0 or more.
        reach: how far they go, a few voxels aside.
        unit: of the values, for people.
        report: of the command.
    """

    volume: Volume
    values: np.ndarray
    reach: float
    unit: str
    report: dict[str, Any]
    messages: list[str]


@dataclass(frozen=True, eq=False)
class MapAbnormality:
    """Map where a volume is unlike healthy anatomy."""

    volume: Volume
    bundle: str

    @property
    def title(self) -> str:
        return f"{self.volume.name}: abnormality map"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        image, output, report = write_volume(self.volume, folder), folder / "map.nii", folder / "report.json"
        words = [*COMMAND, "difference", str(image), str(output), "--bundle", self.bundle]
        return [*words, "--report", str(report), "--progress", "json"]

    def collect(self, folder: Path, messages: list[str]) -> Mapped:
        """See `Job.collect`."""
        values = read_nifti(folder / "map.nii")
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        unit = "SD of healthy films" if self.bundle == "cxr" else "times the usual error"
        return Mapped(self.volume, values, reach_of(values), unit, report, messages)
