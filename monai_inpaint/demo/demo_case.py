"""One sample the way a user would go: files on disk, `monai-inpaint fill`, files on disk."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.cli import main as monai_inpaint
from monai_inpaint.demo.samples import Sample
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image


class DemoFailedError(Exception):
    """A command of the demo ended with another exit code than 0, and has said why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


@dataclass(frozen=True, eq=False)
class Demonstration:
    """A sample, what was read back after its fill, and what the run said of itself."""

    sample: Sample
    filled: Image
    report: dict[str, Any]
    folder: Path

    @property
    def error(self) -> float:
        """Mean absolute difference of fill and truth inside the hole, in units."""
        truth = replace(self.sample.source, voxels=self.sample.truth).units()
        return float(np.abs(self.filled.units() - truth)[self.sample.hole].mean(dtype=np.float64))


def run_sample(sample: Sample, folder: Path) -> Demonstration:
    """Write source and hole, fill, read the result.

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
    filled, report = place / f"filled{sample.suffix}", place / "report.json"
    _write_source(sample, source)
    marked = sample.hole.astype(np.uint8) * 255
    write_image(Image(marked, None if flat else sample.source.affine), hole, overwrite=True)
    words = ["fill", source, hole, filled, "--bundle", sample.bundle, "--report", report, "--overwrite"]
    code = monai_inpaint([str(word) for word in words])
    if code:
        raise DemoFailedError(code)
    return Demonstration(sample, read_image(filled), json.loads(report.read_text(encoding="utf-8")), place)


def _write_source(sample: Sample, path: Path) -> None:
    shipped = sample.source.path
    if shipped is not None and not sample.painted:
        shutil.copyfile(shipped, path)
    else:
        write_image(sample.source, path, overwrite=True)
