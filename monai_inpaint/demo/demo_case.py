"""One case the way a user would go: files on disk, commands of `monai-inpaint`, files on disk."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.cli import main as monai_inpaint
from monai_inpaint.demo.pelvis import pelvis_slice
from monai_inpaint.demo.samples import Sample
from monai_inpaint.evaluation.classical import fill_biharmonic
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image

SAMPLES = 8  # from which the error is predicted
METAL_METHODS = ("network", "li")
_BODY = -500.0  # HU, above which a voxel is body
_IMPLANT = 2  # seed


class DemoFailedError(Exception):
    """A command of the demo ended with an exit code other than 0, and printed the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


@dataclass(frozen=True, eq=False)
class FillDemonstration:
    """A sample, the fills read back from their files, and their reports.

    Attributes:
        sample: the filled sample.
        estimate, drawn: the image with the best estimate in the hole, and with one sample.
        spread: the predicted standard deviation of the estimate's error, in units; None where it was not wanted.
        report: of the best estimate.
        folder: with the files.
    """

    sample: Sample
    estimate: Image
    drawn: Image
    spread: Image | None
    report: dict[str, Any]
    folder: Path

    @property
    def truth(self) -> np.ndarray:
        """The image as it was, in units."""
        return replace(self.sample.source, voxels=self.sample.truth).units()

    @cached_property
    def biharmonic(self) -> np.ndarray:
        """The image with a classical fill, in units."""
        return fill_biharmonic(self.sample.source.units(), self.sample.hole)

    def error(self, fill: np.ndarray) -> float:
        """Mean absolute difference of a fill and the truth inside the hole, in units."""
        return float(np.abs(fill - self.truth)[self.sample.hole].mean(dtype=np.float64))


def run_sample(sample: Sample, folder: Path) -> FillDemonstration:
    """Write source and hole, fill by the best estimate and by a sample, read the results.

    Args:
        sample: one case.
        folder: of the demo; the case gets a folder of its name in it. Files of an earlier demo are replaced.

    Raises:
        InputError: the folder cannot be written.
        DemoFailedError: `monai-inpaint fill` did not end with 0.
    """
    place = folder / sample.name
    place.mkdir(parents=True, exist_ok=True)
    source = place / f"source{sample.suffix}"
    flat = sample.hole.ndim == 2
    hole = place / ("hole.png" if flat else f"hole{sample.suffix}")
    estimate, drawn = place / f"filled{sample.suffix}", place / f"sample{sample.suffix}"
    report, spread = place / "report.json", place / "spread.tiff"
    _write_source(sample, source)
    marked = sample.hole.astype(np.uint8) * 255
    write_image(Image(marked, None if flat else sample.source.affine), hole, overwrite=True)
    fill = ["fill", source, hole]
    options = ["--bundle", sample.bundle, "--overwrite"]
    predicted = flat and not sample.painted
    wanted = ("--samples", SAMPLES, "--spread", spread) if predicted else ()
    _run(*fill, estimate, "--report", report, *wanted, *options)
    _run(*fill, drawn, "--sample", *options)
    return FillDemonstration(
        sample,
        read_image(estimate),
        read_image(drawn),
        read_image(spread) if predicted else None,
        json.loads(report.read_text(encoding="utf-8")),
        place,
    )


@dataclass(frozen=True, eq=False)
class MapDemonstration:
    """A film and its abnormality map, read back from its file, and the report of the command."""

    film: Image
    map: Image
    report: dict[str, Any]


def run_map(sample: Sample, folder: Path) -> MapDemonstration:
    """Map where the film of a sample is unlike healthy films; `run_sample` has written it.

    Raises:
        InputError: the folder cannot be written.
        DemoFailedError: `monai-inpaint difference` did not end with 0.
    """
    place = folder / sample.name
    output, report = place / "abnormality.tif", place / "abnormality.json"
    words = ["--bundle", sample.bundle, "--report", report, "--overwrite"]
    _run("difference", place / f"source{sample.suffix}", output, *words)
    return MapDemonstration(sample.source, read_image(output), json.loads(report.read_text(encoding="utf-8")))


@dataclass(frozen=True, eq=False)
class MetalDemonstration:
    """A CT slice with a simulated implant before and after correction; all images are of one slice, in HU.

    Attributes:
        truth: the slice with the implant, as it is.
        artifact: as a scanner shows it.
        metal: bool, the implant.
        corrected: by name of the method.
        affine: of the slice.
        folder: with the files.
    """

    truth: np.ndarray
    artifact: np.ndarray
    metal: np.ndarray
    corrected: dict[str, np.ndarray]
    affine: np.ndarray | None
    folder: Path

    def error(self, image: np.ndarray) -> float:
        """Mean absolute difference to the truth in the body outside the metal, in HU."""
        body = (self.truth > _BODY) & ~self.metal
        return float(np.abs(image - self.truth)[body].mean(dtype=np.float64))


def run_metal(folder: Path) -> MetalDemonstration:
    """Put an implant into a computed slice, and reduce its artifacts; needs ASTRA.

    Args:
        folder: of the demo; the case gets the folder `ct-metal` in it. Files of an earlier demo are replaced.

    Raises:
        InputError: the folder cannot be written.
        DemoFailedError: a command did not end with 0.
    """
    place = folder / "ct-metal"
    place.mkdir(parents=True, exist_ok=True)
    clean, simulated = place / "source.nii.gz", place / "simulated"
    write_image(pelvis_slice(), clean, overwrite=True)
    shutil.rmtree(simulated, ignore_errors=True)  # `simulate-metal` wants a new folder
    _run("simulate-metal", clean, simulated, "--implant", "hip", "--seed", _IMPLANT)
    corrected = {}
    for method in METAL_METHODS:
        output = place / f"{method}.nii.gz"
        _run("metal", simulated / "artifact.nii.gz", output, "--method", method, "--overwrite")
        corrected[method] = read_image(output).units()[..., 0]
    truth, artifact, metal = (read_image(simulated / f"{name}.nii.gz") for name in ("truth", "artifact", "metal"))
    return MetalDemonstration(
        truth.units()[..., 0], artifact.units()[..., 0], metal.voxels[..., 0] > 0, corrected, truth.affine, place
    )


def _run(*words: object) -> None:
    code = monai_inpaint([str(word) for word in words])
    if code:
        raise DemoFailedError(code)


def _write_source(sample: Sample, path: Path) -> None:
    shipped = sample.source.path
    if shipped is not None and not sample.painted:
        shutil.copyfile(shipped, path)
    else:
        write_image(sample.source, path, overwrite=True)
