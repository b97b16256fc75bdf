"""How a batch of many small cases gains from several processes of this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.setting import Options, markdown, monai_inpaint
from monai_inpaint import Image, write_image
from monai_inpaint.demo.phantom import chest_film

CASES, WORKERS = 200, (1, 2)
TARGET = 0.6  # of the time of one worker, over two


def run(options: Options) -> str:
    """The table; each number of workers once."""
    cases = 4 if options.tiny else CASES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _table(folder, cases, options.seed)
        taken = {workers: _batch(folder, workers) for workers in WORKERS}
    alone = taken[WORKERS[0]][0]
    rows = [
        [str(workers), f"{wall:.1f}", f"{work:.1f}", f"{wall / alone:.2f}", f"{TARGET:.2f}" if workers == 2 else ""]
        for workers, (wall, work) in taken.items()
    ]
    notes = [
        f"`monai-inpaint batch --workers N` on {cases} 8-bit PNGs of 256x256 with a hole of 64x64; start and end of "
        "the command included; every worker has its share of the cores",
    ]
    heading = ["workers", "s", "processor s", "over one worker", "target, at most"]
    return markdown("Cohorts", heading, rows, notes)


def _table(folder: Path, cases: int, seed: int) -> None:
    film = chest_film(seed)[::2, ::2][:256, :256]
    marked = np.zeros(film.shape, np.uint8)
    marked[100:164, 100:164] = 255
    write_image(Image(marked), folder / "hole.png")
    write_image(Image((film / (film.max() / 255.0)).astype(np.uint8)), folder / "image.png")
    lines = [f"image.png,hole.png,{number}.png" for number in range(cases)]
    (folder / "cases.csv").write_text("\n".join(["image,hole,output", *lines]) + "\n", encoding="utf-8")


def _batch(folder: Path, workers: int) -> tuple[float, float]:
    """Seconds of a batch by the clock, and of all processors."""
    before, start = os.times(), time.perf_counter()
    out = folder / f"out-{workers}"
    command = [*monai_inpaint(), "batch", str(folder / "cases.csv"), str(out), "--bundle", "cxr"]
    subprocess.run([*command, "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system
