"""Run a job: read an image, process it, write all outputs or none, and report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.jobs.outputs import Target, Write, check_holds, check_targets, write_together

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.progress import Progress


@dataclass(frozen=True)
class Done:
    """Result of a job.

    Attributes:
        writes: its outputs, and what writes them; the first appears last.
        facts: returns its report, JSON-able; called when a report is written.
        files: further names of files (no folders) for the report.
        seconds: further stages that took time.
    """

    writes: Sequence[Write]
    facts: Callable[[], dict[str, Any]]
    files: dict[str, str] = field(default_factory=dict[str, str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])


def run(
    source: Path,
    images: Sequence[Target],
    others: Sequence[Target],
    report: Target | None,
    read: Callable[[Image], Callable[[], Done]],
    *,
    inputs: Sequence[Path] = (),
    overwrite: bool,
    progress: Progress,
) -> None:
    """Do a job on one image; all outputs appear, or none.

    Args:
        source: the image.
        images: outputs whose formats must be able to store it; the first is that of the job.
        others: further outputs but the report.
        report: where the report goes; None: nowhere.
        read: reads what the job needs besides, and returns what computes.
        inputs: further files that are read.
        overwrite: existing outputs may be replaced.
        progress: called with the stages "read" and "write".

    Raises:
        InputError: an error of one of the steps; outputs are checked before anything is read.
    """
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded

    targets = [*images, *others, *([report] if report else [])]
    check_targets(targets, [source, *inputs], overwrite=overwrite)
    start = time.perf_counter()
    progress("read", 0, 1)
    fork_reader(source, *inputs)  # before an engine starts threads
    image = read_image_guarded(source)
    for target in images:
        check_holds(target, image)
    compute = read(image)
    reading = time.perf_counter() - start
    progress("read", 1, 1)
    done = compute()
    writing = time.perf_counter()

    def write_report(place: Path | str) -> None:
        facts, now = done.facts(), time.perf_counter()
        seconds = {"read": reading, **facts.get("seconds", {}), **done.seconds}
        seconds |= {"write": now - writing, "total": now - start}
        files = {"image": source.name, **done.files, "output": images[0].path.name}
        Path(place).write_text(report_text(facts, files, seconds), encoding="utf-8", errors="backslashreplace")

    progress("write", 0, 1)
    write_together([*done.writes, *([(report, write_report)] if report else [])], overwrite=overwrite)
    progress("write", 1, 1)


def report_text(facts: dict[str, Any], files: dict[str, str], seconds: dict[str, float]) -> str:
    """The facts, the names of the files (no folders, nothing of their headers), and all stages' times, as JSON."""
    times = {stage: round(value, 4) for stage, value in seconds.items()}
    return json.dumps({**facts, "files": files, "seconds": times}, indent=2, ensure_ascii=False) + "\n"
