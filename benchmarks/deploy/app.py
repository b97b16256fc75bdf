"""A CT of 300 slices through the MONAI Deploy app, against the command line on the same data."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.deploy.studies import study
from benchmarks.setting import Options, markdown

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-deploy" / "bin" / "python"
RATIO = 1.3


def run(options: Options) -> str:
    """The table; every figure is of a new process."""
    if not PYTHON.exists():
        raise RuntimeError("the environment of the app is missing: make test-deploy makes it")
    shape = (6, 64, 64) if options.tiny else (300, 512, 512)
    hole = np.zeros(shape, bool)
    hole[tuple(slice(n // 2, n // 2 + max(n // 13, 1)) for n in shape)] = True  # 39 x 39 x 23 voxels
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        study(folder / "study", "1.2.840.300", hole, options.seed)
        fill = [str(PYTHON), "-m", "monai_inpaint", "fill", str(folder / "study" / "ct"),
                str(folder / "study" / "seg.dcm")]  # fmt: skip
        app = [str(PYTHON), str(ROOT / "deploy_app"), "-i", str(folder / "study"), "-m", str(ROOT / "bundles")]
        commands = {
            "`monai-inpaint fill`, the derived series alone": fill,
            "`monai-inpaint fill --dicom-results`": [*fill, "--dicom-results"],
            "`python deploy_app`": [*app, "-o"],
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in range(options.repeats(3)):
            for one, (name, command) in enumerate(commands.items()):
                output = folder / f"{number}{one}"
                times[name].append(_seconds([*command, str(output)]))
                shutil.rmtree(output)
    base_wall, base_own = _medians(times["`monai-inpaint fill --dicom-results`"])
    rows = []
    for name, taken in times.items():
        wall, own = _medians(taken)
        rows.append([name, f"{wall:.1f}", f"{wall / base_wall:.2f}", f"{own:.1f}", f"{own / base_own:.2f}"])
    notes = [
        f"{shape[1]}x{shape[2]}x{shape[0]} voxels, hole from a SEG; {options.repeats(3)} rounds, taking turns",
        f"target: the app at most {RATIO} times the command line that writes the same results",
    ]
    same = "over the command line with the same results"
    heading = ["command", "median s", same, "of processor time, s", same]
    return markdown("A CT through the app", heading, rows, notes)


def _medians(taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(wall for wall, _ in taken), median(own for _, own in taken)


def _seconds(command: Sequence[str]) -> tuple[float, float]:
    """By the clock, and of the processor, which other work on the machine disturbs less."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["bash", "-c", 'ulimit -s 32768; exec "$0" "$@"', *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, own
