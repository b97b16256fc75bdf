"""Options of every benchmark, and the provenance that is printed with its figures: hardware, date, versions."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monai_inpaint.machine import processor, versions

PACKAGES = ("monai-inpaint", "numpy", "openvino", "onnxruntime", "torch", "scikit-image", "opencv-python-headless")


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        data: a data list (see `monai-inpaint evaluate`) for the benchmarks that need images; None: they do not run.
        split: rows of the list to take; None for all.
        output: folder to keep the evaluations' pages in; None keeps none.
        seed: of holes and samples.
        limit: at most so many images a row.
        features: SqueezeNet features for LPIPS (see `monai-inpaint evaluate`); None measures none.
        tiny: as little as shows that the benchmark works; its figures mean nothing.
        boxes: of findings in films (see `monai_inpaint.datasets.read_boxes`), for `abnormality`, `published` and
            `masses`.
        methods: to compare in `published` and `outpainting`, as `monai-inpaint evaluate` names them; none: its own
            choice.
        detectors, counts, folds: of `augmentation`; detectors also of `masses`.
        fold: the only one of `augmentation` that is measured; None: all.
        source: of the rows that `augmentation` takes: "lidc", or films.
        arms: of `augmentation`, `classification` and `masses`; none: all.
        fractions: of `classification`, in % of the training films; none: all.
        bundle: what paints in `classification`, `painting` and `masses`; None: their own choice.
    """

    data: Path | None = None
    split: str | None = "val"
    output: Path | None = None
    seed: int = 0
    limit: int | None = None
    features: Path | None = None
    tiny: bool = False
    boxes: Path | None = None
    methods: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ("retinanet",)
    arms: tuple[str, ...] = ()
    counts: tuple[int, ...] = (500,)
    folds: int = 3
    fractions: tuple[float, ...] = ()
    bundle: str | None = None
    fold: int | None = None
    source: str = "lidc"

    def repeats(self, number: int) -> int:
        """How often to measure."""
        return 1 if self.tiny else number


def markdown(title: str, heading: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """A section: heading, setting, table, notes; columns but the first to the right."""
    lines = [f"## {title}", "", *(f"- {fact}" for fact in (*setting(), *notes)), ""]
    rule = ["---", *["---:"] * (len(heading) - 1)]
    for row in (heading, rule, *rows):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def setting() -> list[str]:
    """Hardware, load, date and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load average {os.getloadavg()[0]:.1f} as this was written" if hasattr(os, "getloadavg") else ""
    return [
        f"hardware: {platform.machine()}, {processor()}, {cores} logical cores, {platform.system()}{load}",
        f"date: {datetime.now(UTC):%Y-%m-%d}; versions: {', '.join(versions(PACKAGES))}",
    ]


def said_by(command: Sequence[str]) -> str:
    """What a command prints.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def monai_inpaint() -> list[str]:
    """The command line as it is installed beside this Python."""
    script = Path(sys.executable).with_name("monai-inpaint")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "monai_inpaint"]
