"""Notes in the folder of a job on the storage commitment that it waits for, and on the archive's report."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.pacs import durable_files as disk

_NOTE, _REPORT = "commitment.json", "commitment_report.json"
_MOST_REQUESTS = 50  # an archive that refuses them is asked each minute


@dataclass(frozen=True)
class PendingCommitment:
    """A commitment that is asked for, or to be asked for.

    Attributes:
        instances: SOP class and SOPInstanceUID of each that the archive is to keep.
        transactions: Transaction UIDs of the latest requests, all of which may still be answered.
        asked: when the last one was taken, in seconds since 1970; 0: none was.
        attempts: how often the instances were sent.
    """

    instances: tuple[tuple[str, str], ...]
    transactions: tuple[str, ...] = ()
    asked: float = 0.0
    attempts: int = 1


@dataclass(frozen=True)
class CommitmentReport:
    """Report of an archive on a request: the instances that it keeps, and of the others the FailureReason."""

    transaction: str
    kept: tuple[str, ...]
    failed: tuple[tuple[str, int], ...]

    def reasons(self, uids: Sequence[str]) -> str:
        """Return why some instances are not kept, in numbers, for the log."""
        failed = dict(self.failed)
        counts = Counter(f"reason {failed[uid]:04X}" if uid in failed else "not mentioned" for uid in uids)
        return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))


def begin(job: Path, instances: tuple[tuple[str, str], ...]) -> None:
    """Note what the archive has taken of a job; earlier requests no longer count."""
    attempts = pending(job).attempts + 1 if (job / _NOTE).is_file() else 1
    disk.write_json(job / _NOTE, asdict(PendingCommitment(instances, attempts=attempts)))


def ask(job: Path, transaction: str) -> None:
    """Note a request before it is made, so that its report is known whenever it comes."""
    note = pending(job)
    transactions = (*note.transactions, transaction)[-_MOST_REQUESTS:]
    disk.write_json(job / _NOTE, asdict(replace(note, transactions=transactions)))


def asked(job: Path) -> None:
    """Note that the archive has taken the request."""
    disk.write_json(job / _NOTE, asdict(replace(pending(job), asked=time.time())))


def pending(job: Path) -> PendingCommitment:
    """Return what is noted.

    Raises:
        InputError: the note is missing or damaged.
    """
    try:
        note = json.loads((job / _NOTE).read_text(encoding="utf-8"))
        return PendingCommitment(
            tuple((str(sop_class), str(uid)) for sop_class, uid in note["instances"]),
            tuple(map(str, note["transactions"])),
            float(note["asked"]),
            int(note["attempts"]),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"Its {_NOTE} is missing or damaged.") from error


def keep_report(job: Path, report: CommitmentReport) -> None:
    """Keep the report on a request of a job; it is on the disk when this returns."""
    disk.write_json(job / _REPORT, asdict(report))


def report_in(job: Path) -> CommitmentReport | None:
    """Return the report on one of the requests that count; None if there is none that can be read."""
    try:
        report = json.loads((job / _REPORT).read_text(encoding="utf-8"))
        found = CommitmentReport(
            str(report["transaction"]),
            tuple(map(str, report["kept"])),
            tuple((str(uid), int(reason)) for uid, reason in report["failed"]),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):  # then the archive is asked again
        return None
    return found if found.transaction in pending(job).transactions else None
