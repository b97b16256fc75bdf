"""What was made of an image, one step after another: files of the command, and the voxels that each step shows."""

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
from monai_inpaint.web.scene_volume import from_scene, in_scene

COMMAND = ["-m", "monai_inpaint"]
MODELS = {"cxr": "chest film", "ct": "CT", "mr": "MR"}
_PERCENTILE = 99  # of the differences, a few voxels aside


@dataclass(frozen=True, eq=False)
class Step:
    """An image as the command left it; the first step is the source.

    Attributes:
        path: the file, or the folder of a DICOM series, in the format of the source.
        title: for people.
        parent: what it was made of.
        job: what made it.
        report: of the command.
        box, values: where it differs from the source, (k, j, i), and the voxels there in units; None: nowhere.
        reach: how far the differences go, a few voxels aside.
    """

    path: Path
    title: str
    parent: Step | None = None
    job: StepJob | None = None
    report: dict[str, Any] = field(default_factory=dict)
    box: tuple[slice, ...] | None = None
    values: np.ndarray | None = None
    reach: float = 0.0

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Of all steps that led here, the first one first."""
        return [*self.parent.reports, self.report] if self.parent else []


@dataclass(frozen=True, eq=False)
class StepJob:
    """Fill a hole, or reduce metal, of the image of a step; a job for `slicer.runs`.

    Attributes:
        step: what to start from.
        image: the source, which the result is compared with.
        place: a folder for the results, which does not exist.
        bundle: "cxr", "ct" or "mr".
        hole: (k, j, i) bool; None: reduce metal by `method`.
        sample, seed: one sample by its seed in place of the best estimate.
        method: of metal artifact reduction; None: the command chooses.
    """

    step: Step
    image: Image
    place: Path
    bundle: str
    hole: np.ndarray | None = None
    sample: bool = False
    seed: int = 0
    method: str | None = None

    @property
    def title(self) -> str:
        if self.hole is None:
            return f"Metal reduced ({self.method or 'automatic'})"
        drawn = f"sample, seed {self.seed}" if self.sample else "best estimate"
        return f"Filled: {drawn}, {MODELS[self.bundle]}"

    def another(self, place: Path) -> StepJob:
        """The same with the next seed."""
        return replace(self, place=place, seed=self.seed + 1)

    def prepare(self, folder: Path) -> list[str]:
        """See `slicer.jobs.Job.prepare`."""
        output = folder / f"image{step_suffix(self.step.path)}"
        words = [str(output), "--report", str(folder / "report.json"), "--progress", "json", "--bundle", self.bundle]
        if self.hole is None:
            chosen = ["--method", self.method] if self.method else []
            return [*COMMAND, "metal", str(self.step.path), *words, *chosen]
        hole = write_marks(self.image, self.hole, folder)
        drawn = ["--sample", "--seed", str(self.seed)] if self.sample else []
        return [*COMMAND, "fill", str(self.step.path), str(hole), *words, *drawn]

    def collect(self, folder: Path, said: list[str]) -> Step:  # noqa: ARG002
        """See `slicer.jobs.Job.collect`."""
        output = folder / f"image{step_suffix(self.step.path)}"
        filled = read_image(output)
        differs = in_scene(filled.voxels != self.image.voxels)
        box, values, reach = extent(differs), None, 0.0
        if box is not None:
            inside = tuple(from_scene_box(box, self.image))
            after = filled.units(inside)
            change = np.abs(after - self.image.units(inside))
            values, reach = in_scene(after), float(np.nanpercentile(change[change != 0], _PERCENTILE))
        self.place.mkdir()
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        kept = Path(shutil.move(output, self.place / output.name))
        return Step(kept, self.title, self.step, self, report, box, values, reach)


@dataclass(frozen=True, eq=False)
class FindJob:
    """Find "metal" or "artifacts" in an image; collects voxels (k, j, i) by the name of what they are."""

    what: str
    step: Step
    image: Image
    bundle: str | None

    @property
    def title(self) -> str:
        return f"Find {self.what}"

    def prepare(self, folder: Path) -> list[str]:
        """See `slicer.jobs.Job.prepare`."""
        source, output = str(self.step.path), str(self._output(folder))
        if self.what == "artifacts":
            return [*COMMAND, "find", source, output, "--progress", "json"]
        chosen = ["--bundle", self.bundle] if self.bundle else []
        return [*COMMAND, "metal", source, output, "--find-only", "--progress", "json", *chosen]

    def collect(self, folder: Path, said: list[str]) -> dict[str, np.ndarray]:  # noqa: ARG002
        """See `slicer.jobs.Job.collect`."""
        labels = in_scene(read_image(self._output(folder)).voxels)
        if self.what == "artifacts":
            return {"Artifacts found": labels > 0}
        names = {1: "Metal", 2: "Artifacts of metal", 3: "Perhaps metal"}
        return {name: labels == label for label, name in names.items() if (labels == label).any()}

    def _output(self, folder: Path) -> Path:
        return folder / f"found{_marks_suffix(self.image)}"


def step_suffix(path: Path) -> str:
    """The suffix of the next step's file: that of the source where it can be written, else one that loses nothing."""
    if path.is_dir():
        return ""
    suffix = suffix_of(path) or ".dcm"
    # compressed only where it is saved, as that takes long; in one file, as it is moved
    simple = {".nii.gz": ".nii", ".mhd": ".mha"}.get(suffix, suffix)
    return simple if FORMATS[simple][1] else ".png"


def write_marks(image: Image, voxels: np.ndarray, folder: Path) -> Path:
    """Write marked voxels (k, j, i) as an image of the same grid; returns its path."""
    path = folder / f"marked{_marks_suffix(image)}"
    label = np.uint8(255 if path.suffix == ".png" else 1)
    write_image(image.map_of(from_scene(voxels, image) * label), path)
    return path


def from_scene_box(box: tuple[slice, ...], image: Image) -> tuple[slice, ...]:
    """A box of the scene (k, j, i) in the order of the image's array."""
    return tuple(box[::-1][: image.voxels.ndim])


def _marks_suffix(image: Image) -> str:
    return ".png" if image.affine is None and image.voxels.ndim == 2 else ".nii.gz"
