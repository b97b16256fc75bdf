"""CT volumes of 60, 300 and 600 slices with the same implant-sized hole: seconds and memory."""

from __future__ import annotations

import json
import sys
from statistics import median
from typing import Any

from benchmarks.setting import Options, markdown, said_by

SLICES = (60, 300, 600)
ORDERS = {"F": "Fortran (as NIfTI is read)", "C": "C"}
RATIO = 1.2


def run(options: Options) -> str:
    """The table; each row is measured in processes of its own, so that its peak of memory is its own."""
    counts = (24, 40) if options.tiny else SLICES
    measured: dict[tuple[str, int], list[dict[str, Any]]] = {(order, n): [] for order in ORDERS for n in counts}
    for _ in range(options.repeats(3)):
        for order, n in measured:
            words = [sys.executable, "-m", "benchmarks.volume_case", str(n), order, *(["--tiny"] * options.tiny)]
            measured[order, n].append(json.loads(said_by(words)))
    rows = []
    for (order, _), runs in measured.items():
        call = median(seconds for one in runs for seconds in one["call"])
        first = median(seconds for one in measured[order, counts[0]] for seconds in one["call"])
        fastest = min(seconds for one in runs for seconds in one["call"])
        cells = [_median(runs, key) for key in ("image", "report")]
        command = [_median(runs, key) for key in ("command_fill", "command_write")] if order == "F" else [None, None]
        rows.append([
            f"{runs[0]['shape']}, {ORDERS[order]}",
            f"{call:.2f}", f"{fastest:.2f}", f"{call / first:.2f}",
            *(f"{seconds:.2f}" for seconds in cells),
            *("" if seconds is None else f"{seconds:.2f}" for seconds in command),
            f"{runs[0]['input_mb']:.0f}", f"{max(one['peak_mb'] for one in runs):.0f}",
        ])  # fmt: skip
    notes = [
        "int16, 40x40x20 hole as uint8; medians over processes and calls; the first call of a process, which warms the "
        f"engine, does not count; target: at most 6 s and 1.5 GB for 300 slices, {counts[-1]} slices at most {RATIO} "
        f"times {counts[0]}",
        "peak: of the whole process, image and hole included, also while it loads and compiles the network",
        "command line: `monai-inpaint fill` on uncompressed NIfTI, a new process each time; `fill` and `write` of its "
        "report; writing includes making the filled volume and hashing it",
    ]
    heading = [
        "volume", "filler(image, hole), s", "fastest, s", f"over {counts[0]} slices", "fill.image, s", "fill.report, s",
        "command's fill, s", "command's write, s", "image and hole, MB", "peak, MB",
    ]  # fmt: skip
    return markdown("Volumes", heading, rows, notes)


def _median(runs: list[dict[str, Any]], key: str) -> float:
    return median(one[key] for one in runs)
