"""Files that stay in the folder of a finished job: its images, for a region that is drawn later, and its record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs.job_layout import INPUT, RECORD

FILLED, SKIPPED = "filled", "skipped"  # `status` of a series in a record
FILLED_BEFORE = "It was filled before."  # `why` of a skipped one


def is_unfilled(job: Path) -> bool:
    """Return whether a job in `failed` was processed, and nothing of it filled."""
    return job.is_dir() and not job.is_symlink() and "series" in record_in(job)


def sources_of(jobs: Iterable[Path]) -> list[str]:
    """Return the `source` of every series that jobs have filled, and the `told` of what they reported."""
    entries = (entry for job in jobs for entry in record_in(job).get("series", []))
    return [entry[key] for entry in entries for key in ("source", "told") if key in entry]


def filled_nothing(job: Path) -> bool:
    """Return whether a job was processed, and nothing of it filled, by its record."""
    record = record_in(job)
    return "series" in record and not any("source" in entry for entry in record["series"])


def move_images(jobs: Sequence[Path], target: Path) -> None:
    """Move what jobs keep to the folder `target`, where what is there already is newer, and stays."""
    for job in jobs:
        for path in (job / INPUT).glob("*.dcm"):
            if not (target / path.name).exists():
                path.rename(target / path.name)
    disk.sync(target)


def record_in(folder: Path) -> dict[str, Any]:
    """Return the record in a folder; empty if there is none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
