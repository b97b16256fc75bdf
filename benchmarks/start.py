"""From a cold start: what a user waits for a fill, `info`, and the import."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.setting import Options, markdown, monai_inpaint
from monai_inpaint import Image, write_image
from monai_inpaint.demo.phantom import chest_film

TARGETS = {"fill": 1.0, "import": 0.15, "info": 0.5}


def run(options: Options) -> str:
    """The table; every figure is the wall time of a new process, files in the system's cache."""
    with tempfile.TemporaryDirectory() as folder:
        image, hole, output = (Path(folder) / name for name in ("image.png", "hole.png", "filled.png"))
        film = chest_film(options.seed)
        marked = np.zeros(film.shape, np.uint8)
        marked[218:282, 100:164] = 255
        write_image(Image(film), image)
        write_image(Image(marked), hole)
        fill = [*monai_inpaint(), "fill", str(image), str(hole), str(output), "--bundle", "cxr", "--overwrite"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import": [sys.executable, "-c", "import monai_inpaint"],
            "info": [*monai_inpaint(), "info"],
            "fill": fill,
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.repeats(2)):  # fills the system's cache
            for command in commands.values():
                _seconds(command)
        for _ in range(options.repeats(11)):
            for name, command in commands.items():
                times[name].append(_seconds(command))
    bare = times.pop("python -c pass")
    times["import"] = [taken - without for taken, without in zip(times["import"], bare, strict=True)]
    what = {
        "import": "`import monai_inpaint`, less the start of Python itself",
        "info": "`monai-inpaint info`",
        "fill": f"`monai-inpaint fill` on a {film.shape[0]}x{film.shape[1]} 16-bit PNG, 64x64 hole",
    }
    rows = [
        [what[name], f"{median(taken):.3f}", f"{min(taken):.3f}", f"{TARGETS[name]:.2f}"]
        for name, taken in times.items()
    ]
    notes = [f"{options.repeats(11)} rounds, taking turns; bare Python starts in {median(bare):.3f} s"]
    return markdown("Cold start", ["command", "median s", "fastest s", "target s, at most"], rows, notes)


def _seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(list(command), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
