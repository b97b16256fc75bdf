"""What a fill takes of memory, and what `monai-inpaint info --memory` expected of it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.setting import Options, markdown
from monai_inpaint import Image, write_image
from monai_inpaint.fill.memory import expected_memory_mb

CASES = (
    ((128, 128, 60), "int16", (10, 10, 10)),
    ((256, 256, 180), "int16", (10, 10, 10)),
    ((256, 256, 180), "int16", (40, 40, 40)),
    ((256, 256, 180), "int16", (75, 75, 30)),
    ((256, 256, 180), "int16", (120, 120, 30)),
    ((512, 512, 200), "int16", (10, 10, 10)),
    ((512, 512, 200), "float32", (10, 10, 10)),
    ((512, 512), "uint16", (100, 100)),
    ((2048, 2048), "uint16", (40, 40)),
    ((2048, 2048), "uint16", (300, 300)),
)


def run(options: Options) -> str:
    """The table; every row is a fill in a process of its own."""
    rows = []
    for shape, dtype, hole in CASES[:1] if options.tiny else CASES:
        expected, peak = expected_memory_mb(shape, dtype, hole), _peak_mb(shape, dtype, hole)
        rows.append(
            [f"{_times(shape)} {dtype}", _times(hole), f"{peak:.0f}", f"{expected:.0f}", f"{expected / peak:.2f}"]
        )
    return markdown("Memory", ["image", "hole", "peak, MB", "expected, MB", "expected over peak"], rows)


def _peak_mb(shape: tuple[int, ...], dtype: str, hole: tuple[int, ...]) -> float:
    rng = np.random.default_rng(0)
    voxels = rng.normal(500, 50, shape).astype(dtype)
    marked = np.zeros(shape, np.uint8)
    marked[tuple(slice((n - h) // 2, (n - h) // 2 + h) for n, h in zip(shape, hole, strict=True))] = 1
    with tempfile.TemporaryDirectory() as folder:
        suffix, affine, bundle = (".nii", np.eye(4), "mr") if len(shape) == 3 else (".tif", None, "cxr")
        image, place, output = (Path(folder) / f"{name}{suffix}" for name in ("image", "hole", "output"))
        report = Path(folder) / "report.json"
        write_image(Image(voxels, affine), image)
        write_image(Image(marked, affine), place)
        command = [sys.executable, "-m", "monai_inpaint", "fill", image, place, output, "--bundle", bundle]
        subprocess.run([*map(str, command), "--report", str(report)], check=True)
        return json.loads(report.read_text(encoding="utf-8"))["peak_memory_mb"]


def _times(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))
