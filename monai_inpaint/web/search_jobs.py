"""Search an image: for artifacts and metal, as regions to mark, and for what is unlike healthy anatomy, as a map."""

# Slicer brings no types
# pyright: basic

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.web.fill_steps import (
    COMMAND,
    MODELS,
    Step,
    StepMap,
    keep,
    map_name,
    marks_suffix,
    read_report,
    report_words,
)
from monai_inpaint.web.scene_volume import in_scene


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

    @property
    def doing(self) -> str:
        """Message during the run."""
        return f"Finding {self.what}"

    def prepare(self, folder: Path) -> list[str]:
        """See `slicer.jobs.Job.prepare`."""
        words = [str(self.step.path), str(self._output(folder)), "--progress", "json"]
        if self.what == "artifacts":
            return [*COMMAND, "find", *words]
        return [*COMMAND, "metal", *words, "--find-only", *(["--bundle", self.bundle] if self.bundle else [])]

    def collect(self, folder: Path, messages: list[str]) -> dict[str, np.ndarray]:  # noqa: ARG002
        """See `slicer.jobs.Job.collect`."""
        labels = in_scene(read_image(self._output(folder)).voxels)
        if self.what == "artifacts":
            return {"Artifacts found": labels > 0}
        names = {1: "Metal", 2: "Artifacts of metal", 3: "Perhaps metal"}
        return {name: labels == label for label, name in names.items() if (labels == label).any()}

    def _output(self, folder: Path) -> Path:
        return folder / f"found{marks_suffix(self.image)}"


@dataclass(frozen=True, eq=False)
class MapJob:
    """Map where the image of a step is unlike healthy anatomy (the command `difference`); the image stays as it is."""

    step: Step
    image: Image
    place: Path
    bundle: str

    @property
    def title(self) -> str:
        return f"Abnormality map, {MODELS[self.bundle]}"

    @property
    def doing(self) -> str:
        """Message during the run."""
        return f"Searching for what is unlike healthy anatomy, {MODELS[self.bundle]}"

    def prepare(self, folder: Path) -> list[str]:
        """See `slicer.jobs.Job.prepare`."""
        output = folder / map_name(self.image, "abnormality")
        words = [str(self.step.path), str(output), *report_words(folder), "--bundle", self.bundle]
        return [*COMMAND, "difference", *words]

    def collect(self, folder: Path, messages: list[str]) -> Step:  # noqa: ARG002
        """See `slicer.jobs.Job.collect`."""
        name = map_name(self.image, "abnormality")
        keep(folder, self.place, name, "report.json")
        unit = "SD of healthy films" if self.bundle == "cxr" else "x the usual error"
        found = StepMap.read("Abnormality", self.place / name, unit)
        return replace(
            self.step, title=self.title, label="Map", parent=self.step, job=self, place=self.place,
            report=read_report(self.place), map=found,
        )  # fmt: skip
