"""Layout of a queue on the disk: the folders of the states, the names of jobs, and the content of a job's folder.

`queue` explains the states.
"""

from __future__ import annotations

import re
from pathlib import Path

from monai_inpaint.io.dicom.identity import is_uid

ARRIVING, FETCHING, WAITING, SENDING, COMMITTING, SENT, FAILED = STATES = (
    "arriving", "fetching", "waiting", "sending", "committing", "sent", "failed",
)  # fmt: skip
INCOMING, TRASH, WORK_ITEMS, LOCK = "incoming", "trash", "workitems", "lock"
INPUT, RESULTS, RECORD = "input", "results", "record.json"
INSTANCES, MADE = "instances.json", "made.json"  # UIDs of what came, and of the results
REFUSED, WHOLE = "refused", "whole"  # marks of a study in `arriving`: it is too large; all of it was sent
_NUMBER = re.compile("[1-9][0-9]*")


def is_job(name: str) -> bool:
    """Return whether a folder is called as a job: the UID of its study, and a number."""
    study, _, number = name.rpartition("_")
    return is_uid(study) and _NUMBER.fullmatch(number) is not None


def number_of(job: Path) -> int:
    """Return the number of a job among those of its study."""
    return int(job.name.rpartition("_")[2])
