"""Jobs that fill: write the files of a command, make its arguments, read its results. All of it off the main thread."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .errors import InpaintError
from .nifti import read_nifti, write_nifti
from .regions import SceneRegion, TextBox
from .volumes import Volume

COMMAND = ["-m", "monai_inpaint"]
FORMATS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
SAMPLES = 8  # that a spread is computed from, as its factors were chosen with


class Job(Protocol):
    """One run of the command."""

    title: str

    def prepare(self, folder: Path) -> list[str]:
        """Write the command's inputs into a folder of its own; return Python's arguments."""
        ...

    def collect(self, folder: Path, messages: list[str]) -> Any:
        """Read the outputs of the command in the folder, and its messages."""
        ...


@dataclass(frozen=True, eq=False)
class MarkedBox:
    """Marked voxels of a volume within their bounding box.

    Attributes:
        start: (k, j, i) of the first voxel of the box in the volume.
        voxels: (k, j, i) bool.
    """

    start: tuple[int, int, int]
    voxels: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> "MarkedBox | None":
        """Crop a mask (k, j, i) to what is marked; None where nothing is."""
        ends = [np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
        if not ends[0].size:
            return None
        box = tuple(slice(int(end[0]), int(end[-1]) + 1) for end in ends)
        return cls(tuple(part.start for part in box), np.ascontiguousarray(mask[box] != 0))

    def mark_in(self, mask: np.ndarray) -> None:
        """Mark these voxels in a mask (k, j, i) of the volume."""
        box = tuple(slice(first, first + size) for first, size in zip(self.start, self.voxels.shape, strict=True))
        mask[box] |= self.voxels


@dataclass(frozen=True, eq=False)
class Filled:
    """A result.

    Attributes:
        volume: the filled volume.
        voxels: (k, j, i) in the volume's dtype.
        difference: filled - source, float32.
        reach: how far the difference goes, a few voxels aside.
        report: of the command.
        messages: for the user.
        computed: which voxels were computed; None: none.
        spread: (k, j, i) float32, the predicted error at each voxel, in the volume's units; None where not asked for.
        labels: (k, j, i) uint8, 1 metal, 2 what it affects; None unless metal was reduced.
        bundle: "cxr", "ct" or "mr", which names the unit of the values; "" if unknown.
    """

    volume: Volume
    voxels: np.ndarray
    difference: np.ndarray
    reach: float
    report: dict[str, Any]
    messages: list[str]
    computed: MarkedBox | None = None
    spread: np.ndarray | None = None
    labels: np.ndarray | None = None
    bundle: str = ""


@dataclass(frozen=True, eq=False)
class FillVolume:
    """Fill a region.

    Attributes:
        volume, region: what and where; without a region artifacts are found and filled.
        bundle: "cxr", "ct" or "mr".
        grow: mm by which the region is made larger.
        drawn: "estimate", "sample" or "spread" (the estimate, and the spread of samples around it).
        seed: of the samples.
    """

    volume: Volume
    region: SceneRegion | None
    bundle: str
    grow: float = 0.0
    drawn: str = "estimate"
    seed: int = 0

    @property
    def title(self) -> str:
        sample = f" with sample {self.seed}" if self.drawn == "sample" else ""
        return f"{self.volume.name}: fill{sample}"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        image, marked = write_volume(self.volume, folder), folder / "hole.nii"
        words = [*COMMAND, "fill", str(image), str(marked), *_outputs(folder), "--bundle", self.bundle]
        if self.region is None:
            words.append("--find")
        else:
            write_nifti(marked, *self.region.draw(self.volume))
        words += ["--grow", f"{self.grow:g}"] if self.grow else []
        seed = ["--seed", str(self.seed)]
        spread = ["--samples", str(SAMPLES), "--spread", str(folder / "spread.nii")]
        return words + {"estimate": [], "sample": ["--sample", *seed], "spread": [*spread, *seed]}[self.drawn]

    def collect(self, folder: Path, messages: list[str]) -> Filled:
        """See `Job.collect`."""
        filled = _collected(self.volume, self.bundle, folder, messages)
        if isinstance(self.region, TextBox):
            facts = {"rectangles": [list(self.region.rectangle(self.volume))], "complete": False}
            filled.report["hole"]["burned_in"] = facts
        return filled


@dataclass(frozen=True, eq=False)
class ReduceMetal:
    """Find metal and reduce its artifacts.

    Attributes:
        threshold: HU from which on all is metal; None: decided for each piece.
        keep: leave the metal's own voxels as they are.
        method: "network", "nmar", "li" or "inpaint"; None: the command chooses.
    """

    volume: Volume
    bundle: str
    threshold: float | None = None
    keep: bool = True
    method: str | None = None

    @property
    def title(self) -> str:
        return f"{self.volume.name}: metal"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        image = write_volume(self.volume, folder)
        words = [*COMMAND, "metal", str(image), *_outputs(folder), "--labels", str(folder / "labels.nii")]
        words += ["--bundle", self.bundle, "--metal", "keep" if self.keep else "fill"]
        return [*words, *(["--method", self.method] if self.method else []), *threshold_words(self.threshold)]

    def collect(self, folder: Path, messages: list[str]) -> Filled:
        """See `Job.collect`."""
        return _collected(self.volume, self.bundle, folder, messages)


@dataclass(frozen=True, eq=False)
class Inform:
    """Ask the package for its bundles and engines, and for the memory of a fill if there is something to fill."""

    volume: Volume | None = None
    region: SceneRegion | None = None
    title: str = "check"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        words = [*COMMAND, "info", "--json"]
        if self.volume is None or self.region is None:
            return words
        try:
            sides = _box(self.volume, self.region)
        except InpaintError:  # nothing to fill yet
            return words
        shape = "x".join(map(str, self.volume.voxels.shape[::-1]))
        sizes = f"{shape}/{'x'.join(map(str, sides))}"
        return [*words, "--memory", sizes, "--dtype", _plain(self.volume.voxels.dtype).name]

    def collect(self, folder: Path, messages: list[str]) -> dict[str, Any]:
        """See `Job.collect`."""
        return json.loads("\n".join(messages))


def write_volume(volume: Volume, folder: Path) -> Path:
    """Write a volume as image.nii into a folder; returns its path.

    Raises:
        InpaintError: it was changed meanwhile.
    """
    path = folder / "image.nii"
    write_nifti(path, volume.voxels.astype(_plain(volume.voxels.dtype), copy=False), volume.ijk_to_ras)
    volume.check_unchanged()
    return path


def _plain(dtype: np.dtype) -> np.dtype:
    """A type that every format supports; 64-bit integers only occur by mistake."""
    return dtype if dtype.name in FORMATS else np.dtype(np.float64)


def _outputs(folder: Path) -> list[str]:
    computed = ["--computed", str(folder / "computed.nii")]
    return [str(folder / "filled.nii"), *computed, "--report", str(folder / "report.json"), "--progress", "json"]


def threshold_words(value: float | None) -> list[str]:
    """Return the arguments for the threshold of metal; none where the command decides."""
    return [] if value is None else ["--threshold", f"{value:g}"]


def _collected(volume: Volume, bundle: str, folder: Path, messages: list[str]) -> Filled:
    filled = read_nifti(folder / "filled.nii").astype(volume.voxels.dtype, copy=False)
    volume.check_unchanged()
    difference = np.subtract(filled, volume.voxels, dtype=np.float32, casting="unsafe")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    computed = MarkedBox.of(read_nifti(folder / "computed.nii"))
    spread, labels = (
        read_nifti(path) if (path := folder / f"{name}.nii").exists() else None for name in ("spread", "labels")
    )
    return Filled(volume, filled, difference, reach_of(difference), report, messages, computed, spread, labels, bundle)


def reach_of(values: np.ndarray) -> float:
    """Return how far values go from 0, a few voxels aside; 1 where all are 0."""
    sizes = np.abs(values[values != 0])
    return float(np.nanpercentile(sizes, 99)) if sizes.size else 1.0


def _box(volume: Volume, region: SceneRegion) -> list[int]:
    """Sides (i, j, k) of the region's bounding box on the volume's grid, in voxels."""
    hole, place = region.draw(volume)
    ends = [np.flatnonzero(hole.any(axis=tuple(b for b in range(3) if b != a)))[[0, -1]] for a in (2, 1, 0)]
    corners = np.array([(i, j, k, 1) for i in ends[0] for j in ends[1] for k in ends[2]], float)
    reach = corners @ (np.linalg.inv(volume.ijk_to_ras) @ place).T
    sizes = np.array(volume.voxels.shape[::-1])
    first, last = np.clip(np.rint([reach[:, :3].min(axis=0), reach[:, :3].max(axis=0)]), 0, sizes - 1)
    return [int(side) + 1 for side in last - first]
