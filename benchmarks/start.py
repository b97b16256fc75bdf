"""From a cold start: what a user waits for a fill, `info`, and the import."""

from __future__ import annotations

import os
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

TARGETS = {"first fill": None, "fill": 1.0, "import": 0.15, "info": 0.5}


def run(options: Options) -> str:
    """The table; every figure is of a new process with files in the system cache; a first fill compiles its network."""
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
        commands["first fill"] = fill
        cache = Path(folder) / "cache"
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in range(options.repeats(2) + options.repeats(11)):  # the first ones fill the system's cache
            for name, command in commands.items():
                here = cache / (f"new {number}" if name == "first fill" else "kept")
                seconds = _seconds(command, {"XDG_CACHE_HOME": str(here)})
                if number >= options.repeats(2):
                    taken[name].append(seconds)
    bare = taken.pop("python -c pass")
    taken["import"] = [
        (wall - without, work - its) for (wall, work), (without, its) in zip(taken["import"], bare, strict=True)
    ]
    picture = f"`monai-inpaint fill` on a {film.shape[0]}x{film.shape[1]} 16-bit PNG, 64x64 hole"
    what = {
        "import": "`import monai_inpaint`, less the start of Python itself",
        "info": "`monai-inpaint info`",
        "fill": picture,
        "first fill": f"{picture}, the first one, which compiles the network",
    }
    rows = []
    for name, seconds in taken.items():
        walls, works = zip(*seconds, strict=True)
        target = TARGETS[name]
        figures = [median(walls), min(walls), median(works), min(works)]
        rows.append([what[name], *(f"{figure:.3f}" for figure in figures), f"{target:.2f}" if target else ""])
    started = median(wall for wall, _ in bare)
    notes = [f"{options.repeats(11)} rounds, taking turns; bare Python starts in {started:.3f} s"]
    heading = ["command", "median s", "fastest s", "median processor s", "least processor s", "target s, at most"]
    return markdown("Cold start", heading, rows, notes)


def _seconds(command: Sequence[str], settings: dict[str, str]) -> tuple[float, float]:
    """On the clock, and of the processor."""
    start, before = time.perf_counter(), os.times()
    subprocess.run(list(command), check=True, stdout=subprocess.DEVNULL, env={**os.environ, **settings})
    after = os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, work
