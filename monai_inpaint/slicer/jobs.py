"""Jobs: write the files of a command, make its arguments, read its results. All of it off the main thread."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .errors import InpaintError
from .nifti import read_nifti, write_nifti
from .regions import SceneRegion
from .volumes import Volume

_COMMAND = ["-m", "monai_inpaint"]
FORMATS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


class Job(Protocol):
    """One run of the command."""

    title: str

    def prepare(self, folder: Path) -> list[str]:
        """Write the command's inputs into a folder of its own; return Python's arguments."""
        ...

    def collect(self, folder: Path, said: list[str]) -> Any:
        """Read the outputs of the command in the folder, and its messages."""
        ...


@dataclass(frozen=True, eq=False)
class Filled:
    """A result.

    Attributes:
        volume: the filled volume.
        voxels: (k, j, i) in the volume's dtype.
        difference: filled - source, float32.
        reach: how far the difference goes, a few voxels aside.
        report: of the command.
        said: messages for the user.
    """

    volume: Volume
    voxels: np.ndarray
    difference: np.ndarray
    reach: float
    report: dict[str, Any]
    said: list[str]


@dataclass(frozen=True, eq=False)
class FillVolume:
    """Fill a region.

    Attributes:
        volume, region: what and where.
        bundle: "cxr", "ct" or "mr".
        grow: mm by which the region is made larger.
        sample: one plausible sample in place of the best estimate, by `seed`.
    """

    volume: Volume
    region: SceneRegion
    bundle: str
    grow: float = 0.0
    sample: bool = False
    seed: int = 0

    @property
    def title(self) -> str:
        return f"{self.volume.name}: fill"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        hole, place = self.region.draw(self.volume)
        image, marked = _write_volume(self.volume, folder), folder / "hole.nii"
        write_nifti(marked, hole, place)
        words = [*_COMMAND, "fill", str(image), str(marked), *_outputs(folder), "--bundle", self.bundle]
        words += ["--grow", f"{self.grow:g}"] if self.grow else []
        return words + (["--sample", "--seed", str(self.seed)] if self.sample else [])

    def collect(self, folder: Path, said: list[str]) -> Filled:
        """See `Job.collect`."""
        return _collected(self.volume, folder, said)


@dataclass(frozen=True, eq=False)
class ReduceMetal:
    """Find metal and reduce its artifacts; `threshold` in HU, or None to classify each piece."""

    volume: Volume
    bundle: str
    threshold: float | None = None
    keep: bool = True

    @property
    def title(self) -> str:
        return f"{self.volume.name}: metal"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        image = _write_volume(self.volume, folder)
        words = [*_COMMAND, "metal", str(image), *_outputs(folder), "--bundle", self.bundle]
        return [*words, "--metal", "keep" if self.keep else "fill", *_threshold(self.threshold)]

    def collect(self, folder: Path, said: list[str]) -> Filled:
        """See `Job.collect`."""
        return _collected(self.volume, folder, said)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Metal that was found: 1 metal, 2 what it affects, 3 what may be metal; (k, j, i) uint8."""

    volume: Volume
    labels: np.ndarray
    said: list[str]


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
        image = _write_volume(self.volume, folder)
        words = [*_COMMAND, "metal", str(image), str(folder / "labels.nii"), "--find-only", "--progress", "json"]
        return [*words, "--bundle", self.bundle, *_threshold(self.threshold)]

    def collect(self, folder: Path, said: list[str]) -> Labelled:
        """See `Job.collect`."""
        return Labelled(self.volume, read_nifti(folder / "labels.nii"), said)


@dataclass(frozen=True, eq=False)
class Inform:
    """Ask the package for its bundles and engines, and for the memory of a fill if there is something to fill."""

    volume: Volume | None = None
    region: SceneRegion | None = None
    title: str = "check"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        words = [*_COMMAND, "info", "--json"]
        if self.volume is None or self.region is None:
            return words
        try:
            sides = _box(self.volume, self.region)
        except InpaintError:  # nothing to fill yet
            return words
        shape = "x".join(map(str, self.volume.voxels.shape[::-1]))
        sizes = f"{shape}/{'x'.join(map(str, sides))}"
        return [*words, "--memory", sizes, "--dtype", _plain(self.volume.voxels.dtype).name]

    def collect(self, folder: Path, said: list[str]) -> dict[str, Any]:
        """See `Job.collect`."""
        return json.loads("\n".join(said))


@dataclass(frozen=True, eq=False)
class ExportSeries:
    """Write a filled volume as a DICOM series derived from that of its source.

    Attributes:
        volume: the filled one.
        files: of the source's series.
        report: of the fill.
        output: a folder that does not exist or is empty.
    """

    volume: Volume
    files: list[Path]
    report: dict[str, Any]
    output: Path

    @property
    def title(self) -> str:
        return f"{self.volume.name}: export"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        series = folder / "series"
        series.mkdir()
        for number, file in enumerate(self.files):
            (series / f"{number:06d}.dcm").write_bytes(file.read_bytes())
        report = folder / "report.json"
        report.write_text(json.dumps(self.report), encoding="utf-8")
        script = Path(__file__).with_name("export_series.py")
        return [
            str(script),
            str(series),
            str(_write_volume(self.volume, folder)),
            str(report),
            str(self.output.absolute()),
        ]

    def collect(self, folder: Path, said: list[str]) -> Path:
        """See `Job.collect`."""
        return self.output


def _write_volume(volume: Volume, folder: Path) -> Path:
    path = folder / "image.nii"
    write_nifti(path, volume.voxels.astype(_plain(volume.voxels.dtype), copy=False), volume.ijk_to_ras)
    volume.check_unchanged()
    return path


def _plain(dtype: np.dtype) -> np.dtype:
    """A type that every format supports; 64-bit integers only occur by mistake."""
    return dtype if dtype.name in FORMATS else np.dtype(np.float64)


def _outputs(folder: Path) -> list[str]:
    return [str(folder / "filled.nii"), "--report", str(folder / "report.json"), "--progress", "json"]


def _threshold(value: float | None) -> list[str]:
    return [] if value is None else ["--threshold", f"{value:g}"]


def _collected(volume: Volume, folder: Path, said: list[str]) -> Filled:
    filled = read_nifti(folder / "filled.nii").astype(volume.voxels.dtype, copy=False)
    volume.check_unchanged()
    difference = np.subtract(filled, volume.voxels, dtype=np.float32, casting="unsafe")
    changed = np.abs(difference[difference != 0])
    reach = float(np.nanpercentile(changed, 99)) if changed.size else 1.0
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return Filled(volume, filled, difference, reach, report, said)


def _box(volume: Volume, region: SceneRegion) -> list[int]:
    """Sides (i, j, k) of the region's bounding box on the volume's grid, in voxels."""
    hole, place = region.draw(volume)
    ends = [np.flatnonzero(hole.any(axis=tuple(b for b in range(3) if b != a)))[[0, -1]] for a in (2, 1, 0)]
    corners = np.array([(i, j, k, 1) for i in ends[0] for j in ends[1] for k in ends[2]], float)
    reach = corners @ (np.linalg.inv(volume.ijk_to_ras) @ place).T
    sizes = np.array(volume.voxels.shape[::-1])
    first, last = np.clip(np.rint([reach[:, :3].min(axis=0), reach[:, :3].max(axis=0)]), 0, sizes - 1)
    return [int(side) + 1 for side in last - first]
