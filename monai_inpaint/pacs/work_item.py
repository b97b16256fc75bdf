"""A work item that we perform: a file of the queue, which says how far it is.

The file is there before the work item is claimed, and until the worklist knows how it ended. So whenever the process is
killed, it is neither lost nor done twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs.kept_images import FILLED, FILLED_BEFORE
from monai_inpaint.pacs.worklist import Output

_NOT_NOTED = "It was filled by an earlier version, which did not note its results."


@dataclass(frozen=True)
class WorkItem:
    """State of a work item.

    Attributes:
        transaction: Transaction UID, by which it is ours.
        started: when it was claimed, by the local clock.
        inputs: study and series UIDs of what it is done with; None: it is not sure that it is ours.
        instances: SOPInstanceUIDs that were put into the queue for it; None: not yet.
        blocked: an instance of its input was on its way in another form when it was fetched. Fetched and stored again
            before that is through, it would hold up the study that it is part of.
    """

    transaction: str
    started: datetime
    inputs: tuple[tuple[str, str], ...] | None = None
    instances: tuple[str, ...] | None = None
    blocked: bool = False

    @property
    def study(self) -> str:
        """StudyInstanceUID; "" where there is not exactly one."""
        studies = {study for study, _ in self.inputs or ()}
        return studies.pop() if len(studies) == 1 else ""


def write_item(path: Path, item: WorkItem) -> None:
    """Write a work item's file; it is on the disk when this returns."""
    disk.write_json(path, asdict(item) | {"started": item.started.isoformat()})


def read_item(path: Path) -> WorkItem:
    """Read a work item's file; raises InputError where it is damaged."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        inputs, instances = note["inputs"], note["instances"]
        return WorkItem(
            str(note["transaction"]),
            datetime.fromisoformat(note["started"]),
            None if inputs is None else tuple((str(study), str(series)) for study, series in inputs),
            None if instances is None else tuple(map(str, instances)),
            bool(note.get("blocked")),  # those of earlier versions do not say it
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError("The file of a work item is damaged.") from error


def outcome_of(item: WorkItem, records: Iterable[Mapping[str, Any]]) -> tuple[list[Output], str]:
    """Return what was made of the series of a work item; where that is nothing, why.

    Args:
        records: of the jobs that took its instances, the newest first.
    """
    outputs, reasons = list[Output](), list[str]()
    wanted = {series for _, series in item.inputs or ()}
    for record in records:
        reasons.extend(filter(None, [record.get("why", "")]))
        entries = [entry for entry in record.get("series", []) if entry["series"] in wanted]
        news = [entry for entry in entries if entry["why"] != FILLED_BEFORE]
        wanted -= {entry["series"] for entry in news}
        for entry in news:
            if entry["status"] != FILLED:
                reasons.append(entry["why"])
            elif "outputs" in entry:
                outputs += [
                    Output(one["series"], one["sop_class"], tuple(one["instances"])) for one in entry["outputs"]
                ]
            else:
                reasons.append(_NOT_NOTED)
    return outputs, "" if outputs else " ".join(dict.fromkeys(reasons)) or "Its input contains no images."
