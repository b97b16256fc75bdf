"""Steps made of an image, one after another: files of the command, and the voxels that each step shows."""

# Slicer brings no types
# pyright: basic

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import FORMATS, read_image, suffix_of, write_image
from monai_inpaint.web.scene_volume import from_scene, in_scene, unit_of

COMMAND = ["-m", "monai_inpaint"]
MODELS = {"cxr": "chest film", "ct": "CT", "mr": "MR"}
SAMPLES = 8  # that a spread is computed from, as its factors were chosen with
RESULTS = "results"  # the folder with all DICOM objects of a step
_PERCENTILE = 99  # of the differences, a few voxels aside


@dataclass(frozen=True, eq=False)
class StepMap:
    """Values 0 or more that a step has beside its image.

    Attributes:
        title: for people.
        path: its file.
        unit: of its values, for people.
        box, values: where it is not 0, (k, j, i), and the values there.
        reach: how far they go, a few voxels aside.
    """

    title: str
    path: Path
    unit: str
    box: tuple[slice, ...]
    values: np.ndarray
    reach: float

    @classmethod
    def read(cls, title: str, path: Path, unit: str) -> StepMap | None:
        """Read the file of a map; None where it is 0 everywhere."""
        whole = in_scene(read_image(path).voxels)
        box = extent(whole > 0)
        if box is None:
            return None
        values = np.ascontiguousarray(whole[box])
        return cls(title, path, unit, box, values, float(np.percentile(values[values > 0], _PERCENTILE)))


@dataclass(frozen=True, eq=False)
class Step:
    """An image as the command left it; the first step is the source.

    Attributes:
        path: the file, or the folder of a DICOM series, in the format of the source.
        title: for people.
        label: the same in a word or two.
        parent: what it was made of.
        job: what made it.
        place: the folder with all that the command wrote.
        report: of the command.
        box, values: where it differs from the source, (k, j, i), and the voxels there in units; None: nowhere.
        reach: how far the differences go, a few voxels aside.
        map: what else is shown over it.
        filled: ids of the regions that were filled up to here.
    """

    path: Path
    title: str
    label: str
    parent: Step | None = None
    job: Any = None
    place: Path | None = None
    report: dict[str, Any] = field(default_factory=dict)
    box: tuple[slice, ...] | None = None
    values: np.ndarray | None = None
    reach: float = 0.0
    map: StepMap | None = None
    filled: frozenset[str] = frozenset()

    @property
    def line(self) -> list[Step]:
        """The steps that led here and this one, without the source."""
        return [*self.parent.line, self] if self.parent else []

    @property
    def origin(self) -> Step:
        """The step that made the image; a map leaves it as it is."""
        return self.parent.origin if self.parent and self.parent.path == self.path else self

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Of all steps that led here, the first one first."""
        return [step.report for step in self.line]


@dataclass(frozen=True, eq=False)
class StepJob:
    """Fill a hole, or reduce metal, of the image of a step; a job for `slicer.runs`.

    Attributes:
        step: what to start from.
        image: the source, which the result is compared with.
        place: a folder for the results, which does not exist.
        bundle: "cxr", "ct" or "mr".
        hole: (k, j, i) bool; None: reduce metal by `method`.
        regions: ids of the regions that the hole is made of.
        drawn: "estimate", "sample" or "spread" (the estimate, and the spread of samples).
        seed: of the samples.
        method: of metal artifact reduction; None: the command chooses.
    """

    step: Step
    image: Image
    place: Path
    bundle: str
    hole: np.ndarray | None = None
    regions: frozenset[str] = frozenset()
    drawn: str = "estimate"
    seed: int = 0
    method: str | None = None

    @property
    def title(self) -> str:
        if self.hole is None:
            return f"Metal reduced ({self.method or 'automatic'})"
        drawn = {"estimate": "best estimate", "spread": "best estimate with its spread"}
        return f"Filled: {drawn.get(self.drawn, f'sample, seed {self.seed}')}, {MODELS[self.bundle]}"

    @property
    def doing(self) -> str:
        """The text of the page during the run."""
        return "Reducing the artifacts of metal" if self.hole is None else f"Filling, {MODELS[self.bundle]}"

    @property
    def label(self) -> str:
        if self.hole is None:
            return "Metal"
        return {"estimate": "Estimate", "spread": "Spread"}.get(self.drawn, f"Sample {self.seed}")

    def another(self, place: Path) -> StepJob:
        """The same with the next seed."""
        return replace(self, place=place, seed=self.seed + 1)

    def prepare(self, folder: Path) -> list[str]:
        """See `slicer.jobs.Job.prepare`."""
        return self.words(folder, self.step.path, self._output(folder))

    def words(self, folder: Path, source: Path, output: Path) -> list[str]:
        """Python's arguments that make `output` of a source; writes the hole and the report into a folder."""
        words = [str(output), *report_words(folder), "--bundle", self.bundle]
        if self.hole is None:
            chosen = ["--method", self.method] if self.method else []
            return [*COMMAND, "metal", str(source), *words, *chosen]
        hole = write_marks(self.image, self.hole, folder)
        seed = ["--seed", str(self.seed)]
        drawn = {
            "estimate": [],
            "sample": ["--sample", *seed],
            "spread": ["--samples", str(SAMPLES), "--spread", str(folder / map_name(self.image, "spread")), *seed],
        }[self.drawn]
        return [*COMMAND, "fill", str(source), str(hole), *words, *drawn]

    def collect(self, folder: Path, messages: list[str]) -> Step:  # noqa: ARG002
        """See `slicer.jobs.Job.collect`."""
        keep(folder, self.place, self._output(folder).name, "report.json", map_name(self.image, "spread"))
        path = self._output(self.place)
        filled = read_image(path)
        box = extent(in_scene(filled.voxels != self.image.voxels))
        values, reach = None, 0.0
        if box is not None:
            inside = tuple(from_scene_box(box, self.image))
            after = filled.units(inside)
            change = np.abs(after - self.image.units(inside))
            values, reach = in_scene(after), float(np.nanpercentile(change[change != 0], _PERCENTILE))
        spread = self.place / map_name(self.image, "spread")
        return Step(
            path, self.title, self.label, self.step, self, self.place, read_report(self.place), box, values, reach,
            StepMap.read("Spread", spread, unit_of(self.bundle)) if self.drawn == "spread" else None,
            self.step.filled | self.regions,
        )  # fmt: skip

    def _output(self, folder: Path) -> Path:
        return folder / f"image{step_suffix(self.step.path)}"


@dataclass(frozen=True, eq=False)
class ResultsJob:
    """Make a fill of a DICOM image again, with all DICOM results, which are kept in its place; a job for `slicer.runs`.

    They take long and may be refused where the image itself is not, so they are made once they are asked for.

    Attributes:
        step: which a `StepJob` made.
        source: what to make it of: the image among the results of the fill before, which they refer to.
        number, count: which fill this is of those that led to an image.
    """

    step: Step
    source: Path
    number: int
    count: int

    @classmethod
    def next(cls, step: Step) -> ResultsJob | None:
        """The first that is still to be done for the fills that led to a step; None once all results are there."""
        fills = [one for one in step.line if isinstance(one.job, StepJob)]
        for number, fill in enumerate(fills, start=1):
            if not (fill.place / RESULTS).exists():
                before = fill.parent.origin
                source = _derived(before.place / RESULTS) if before.parent else before.path
                return cls(fill, source, number, len(fills))
        return None

    @property
    def title(self) -> str:
        return f"DICOM results: {self.step.title}"

    @property
    def doing(self) -> str:
        """The text of the page during the run."""
        return f"Making the DICOM results, fill {self.number} of {self.count}"

    def prepare(self, folder: Path) -> list[str]:
        """See `slicer.jobs.Job.prepare`."""
        return [*self.step.job.words(folder, self.source, folder / RESULTS), "--dicom-results"]

    def collect(self, folder: Path, messages: list[str]) -> None:  # noqa: ARG002
        """See `slicer.jobs.Job.collect`."""
        shutil.move(folder / "report.json", folder / RESULTS)
        shutil.move(folder / RESULTS, self.step.place)


def _derived(results: Path) -> Path:
    """The image among DICOM results: a file, or the folder of a series."""
    one = results / "derived" / "image.dcm"
    return one if one.exists() else one.parent


def step_suffix(path: Path) -> str:
    """The suffix of the next step's file: that of the source where it can be written, else one that loses nothing."""
    if path.is_dir():
        return ""  # a DICOM series again
    suffix = suffix_of(path) or ".dcm"
    # compressed only where it is saved, as that takes long; in one file, as it is moved
    simple = {".nii.gz": ".nii", ".mhd": ".mha"}.get(suffix, suffix)
    return simple if FORMATS[simple][1] else ".png"


def map_name(image: Image, name: str) -> str:
    """The file of a map; not compressed, as that takes long."""
    return f"{name}{'.tif' if image.affine is None else '.nii'}"


def report_words(folder: Path) -> list[str]:
    """Return the arguments for a report and for progress as JSON."""
    return ["--report", str(folder / "report.json"), "--progress", "json"]


def read_report(folder: Path) -> dict[str, Any]:
    """Read the report that the command wrote into a folder."""
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def keep(folder: Path, place: Path, *names: str) -> None:
    """Move those of the named files and folders that the command wrote into a new folder."""
    place.mkdir()
    for name in names:
        if (folder / name).exists():
            shutil.move(folder / name, place / name)


def write_marks(image: Image, voxels: np.ndarray, folder: Path) -> Path:
    """Write marked voxels (k, j, i) as an image of the same grid; returns its path."""
    path = folder / f"marked{marks_suffix(image)}"
    label = np.uint8(255 if path.suffix == ".png" else 1)
    write_image(image.map_of(from_scene(voxels, image) * label), path)
    return path


def from_scene_box(box: tuple[slice, ...], image: Image) -> tuple[slice, ...]:
    """A box of the scene (k, j, i) in the order of the image's array."""
    return tuple(box[::-1][: image.voxels.ndim])


def marks_suffix(image: Image) -> str:
    """Return the suffix for a file of marked voxels."""
    return ".png" if image.affine is None and image.voxels.ndim == 2 else ".nii.gz"
