"""A CT of 300 slices through the MONAI Deploy app, against the command line on the same data."""

from __future__ import annotations

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
    """The table; every figure is the wall time of a new process, files in the system's cache."""
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
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(options.repeats(5) + 1):  # the first round fills the system's cache
            for name, command in commands.items():
                seconds = _seconds([*command, str(folder / f"out{number}{len(times[name])}{len(name)}")])
                if number or options.tiny:
                    times[name].append(seconds)
    base = median(times["`monai-inpaint fill --dicom-results`"])
    rows = [
        [name, f"{median(taken):.2f}", f"{min(taken):.2f}", f"{median(taken) / base:.2f}"]
        for name, taken in times.items()
    ]
    notes = [
        f"{shape[1]}x{shape[2]}x{shape[0]} voxels, hole from a SEG; {options.repeats(5)} rounds, taking turns",
        f"target: the app at most {RATIO} times the command line that writes the same results",
    ]
    heading = ["command", "median s", "fastest s", "over the command line with the same results"]
    return markdown("A CT through the app", heading, rows, notes)


def _seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(["bash", "-c", 'ulimit -s 32768; exec "$0" "$@"', *command], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - start
