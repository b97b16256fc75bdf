"""What whole archives cost: one case of each kind is measured, the rest is multiplied."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.setting import Options, markdown, monai_inpaint
from monai_inpaint import Image, write_image

_HOUR = 3600.0


@dataclass(frozen=True)
class Kind:
    """Studies alike: so many, of this shape and hole, filled by this bundle."""

    name: str
    studies: int
    shape: tuple[int, int, int]
    hole: tuple[int, int, int]
    bundle: str


KINDS = (
    Kind("CT with metal", 100_000, (512, 512, 300), (40, 40, 20), "ct"),
    Kind("heads with lesions", 50_000, (256, 256, 180), (30, 30, 30), "mr"),
)
FIRST, MORE = 1, 4  # cases of the two batches whose difference is free of what a batch costs once


def run(options: Options) -> str:
    """The table; processor time of a case is the difference of two batches, over the difference of their cases."""
    rows = []
    for kind in KINDS:
        work, megabytes = _measured(kind, tiny=options.tiny)
        traffic = 4 * megabytes  # the image is read, and again to be hashed; the output is written and read back
        rows.append([
            kind.name, f"{kind.studies:,}", "x".join(map(str, kind.shape)), "x".join(map(str, kind.hole)),
            f"{work:.2f}", f"{kind.studies * work / _HOUR:,.0f}", f"{kind.studies * work / _HOUR / 24 / 64:.2f}",
            f"{megabytes:.1f}", f"{kind.studies * megabytes / 1e6:.2f}",
            f"{kind.studies * traffic / 1e6:.2f}",
            f"{traffic / work:.0f}",
        ])  # fmt: skip
    notes = [
        f"one batch of {FIRST} case and one of {MORE}, `monai-inpaint batch` on gzipped NIfTI of noise in a phantom, "
        "int16; processor seconds, including reading, hashing, writing and reading back",
        "storage: of the outputs; network: the image is read twice (once to be hashed), the output written and "
        "read back, all of one size; holes are small in comparison",
        "GPU hours are not in the table: no GPU was available",
    ]
    heading = [
        "studies", "number", "voxels", "hole", "processor s a study", "CPU hours", "days on 64 cores", "MB a study",
        "storage, TB", "network, TB", "MB/s a core",
    ]  # fmt: skip
    return markdown("Archives", heading, rows, notes)


def _measured(kind: Kind, *, tiny: bool) -> tuple[float, float]:
    """Processor seconds of a case, and MB of its output."""
    shape = tuple(max(side // 8, 32) for side in kind.shape) if tiny else kind.shape
    hole = tuple(min(side, whole // 4) for side, whole in zip(kind.hole, shape, strict=True))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_image(Image(_phantom(shape, kind.bundle), np.eye(4)), folder / "image.nii.gz")
        marked = np.zeros(shape, np.uint8)
        middle = zip(shape, hole, strict=True)
        marked[tuple(slice((whole - side) // 2, (whole + side) // 2) for whole, side in middle)] = 1
        write_image(Image(marked, np.eye(4)), folder / "hole.nii.gz")
        first, more = (_batch(folder, kind.bundle, cases) for cases in (FIRST, MORE))
        size = (folder / f"out-{FIRST}" / "0.nii.gz").stat().st_size
    return (more - first) / (MORE - FIRST), size / 1e6


def _phantom(shape: tuple[int, ...], bundle: str) -> np.ndarray:
    """A cylinder with noise: HU, or MR intensities."""
    rng = np.random.default_rng(0)
    i, j = np.ogrid[: shape[0], : shape[1]]
    body = np.hypot(i - shape[0] / 2, (j - shape[1] / 2) / 1.3) < 0.35 * shape[0]
    inside, outside = (40, -1000) if bundle == "ct" else (600, 20)
    flat = np.where(body, inside, outside).astype(np.float32)
    return np.rint(flat[..., None] + rng.normal(0, 20, shape)).astype(np.int16)


def _batch(folder: Path, bundle: str, cases: int) -> float:
    """Processor seconds of a batch of so many cases."""
    table = folder / f"{cases}.csv"
    lines = [f"image.nii.gz,hole.nii.gz,{number}.nii.gz" for number in range(cases)]
    table.write_text("\n".join(["image,hole,output", *lines]) + "\n", encoding="utf-8")
    before = os.times()
    command = [*monai_inpaint(), "batch", str(table), str(folder / f"out-{cases}"), "--bundle", bundle]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
