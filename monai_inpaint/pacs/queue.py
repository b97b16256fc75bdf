"""Queue of studies on disk, from arrival until their results are sent; the folder of a study is its state.

    arriving/UID      instances come in; a study is taken when none has come for a while
    fetching/UID_N    complete as it came; what its regions refer to and did not come is fetched from the archive
    waiting/UID_N     complete, to be filled
    sending/UID_N     filled; results are complete and their UIDs final
    committing/UID_N  sent, but the archive has not committed itself to their safekeeping yet (storage commitment)
    sent/UID_N        done: the record, and the UIDs of what came and of what was sent; for some days what came, too
    failed/UID_N      nothing was filled, or given up, with everything; moved back to `waiting` it is tried again

A file is written beside its place, put on the disk (fsync) and renamed, and so is a state: whenever the process is
killed, a study is in one state or the next, never in both or in between. Nothing is acknowledged that is not on the
disk. The same instances sent again, by a sender that missed the acknowledgement, are kept once, or are dropped where
the study was taken already. Of two instances that differ and have one UID, the second is refused.

When more of a study comes, such as a region that was drawn later, what is kept of it goes with that into the next job.

All that lies in these folders belongs to the owner alone. Anything else there is left alone and logged once; a study
that is damaged is put into `failed`, and where even that cannot be done, is set aside until it is changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs import pending_commitment
from monai_inpaint.pacs.arriving import Arriving
from monai_inpaint.pacs.job_folders import JobFolders
from monai_inpaint.pacs.job_layout import (
    ARRIVING,
    COMMITTING,
    FAILED,
    FETCHING,
    INCOMING,
    INPUT,
    INSTANCES,
    LOCK,
    MADE,
    RECORD,
    RESULTS,
    SENDING,
    SENT,
    STATES,
    TRASH,
    WAITING,
    WORK_ITEMS,
    number_of,
)
from monai_inpaint.pacs.kept_images import filled_nothing, move_images, record_in, sources_of
from monai_inpaint.pacs.moves import Moves, is_move
from monai_inpaint.pacs.queue_quota import QueueQuota
from monai_inpaint.private import make_private, private_files

_WEEK = 7 * 24 * 3600.0


class Queue(JobFolders):
    """The queue in a folder, which one process holds at a time.

    Args:
        root: made if missing.
        study_bytes: of the largest study.
        quota_bytes: of all that lies in the queue, what is coming in included.
        log: takes a sentence on what is damaged or does not belong here.
        keep_seconds: how long what came is kept of a study that is done; less where there is no room otherwise.

    Attributes:
        arriving: the studies that come in.
        quota: the bytes that it takes.
        moves: our C-MOVE requests, whose instances do not go into the queue.
        incoming: folder for what is not complete yet; it is emptied at the start, but for what `moves` keeps.
        work_items: folder of the work items that are performed; see `work_item`.

    Raises:
        InputError: the folder cannot be made, or another process holds it.
    """

    def __init__(
        self,
        root: Path,
        study_bytes: int,
        quota_bytes: int,
        log: Callable[[str], None] = lambda _sentence: None,
        keep_seconds: float = _WEEK,
    ) -> None:
        super().__init__(root, log)
        self.incoming, self.work_items = root / INCOMING, root / WORK_ITEMS
        self._make_folders()
        self._held = disk.hold(root / LOCK)
        self._clean()
        self.quota = QueueQuota(self, quota_bytes, keep_seconds)
        self.arriving = Arriving(self, self.quota, study_bytes)
        self.moves = Moves(self.incoming, self.quota)

    def keep_fetched(self, job: Path, fetched: Path) -> None:
        """Add what was fetched to what came of a job; what is there already stays.

        Args:
            job: in `fetching`.
            fetched: a folder on the same disk that holds `input`; its files are moved.
        """
        disk.sync_tree(fetched)
        move_images([fetched], job / INPUT)
        disk.write_json(job / INSTANCES, sorted(path.stem for path in (job / INPUT).glob("*.dcm")))
        self.quota.count()

    def keep_results(self, job: Path, results: Path, made: list[str]) -> None:
        """Make results a job's own: from now on they are sent, however often, and never made again.

        Args:
            job: in `waiting`.
            results: a complete folder on the same disk; is moved.
            made: SOPInstanceUIDs of the results.
        """
        disk.sync_tree(results)
        disk.write_json(job / MADE, made)
        disk.rename(results, job / RESULTS)
        self.quota.count()

    def filled(self, job: Path) -> list[str]:
        """Return the `source` of every series of the study that earlier jobs have filled, by their records."""
        study = job.name.rpartition("_")[0]
        with self.mutex:  # none is missed since it moves on meanwhile
            # one in `sending` has a record of its own when it was sent before, and is sent again
            return sources_of(self.of_study(study, SENDING, COMMITTING, SENT))

    def records_of(self, study: str, instances: Collection[str]) -> list[dict[str, Any]] | None:
        """Return the records of the jobs that took some instances, the newest first.

        None: something of the study is on its way. None of them: not all instances are in the queue.
        """
        with self.mutex:
            if (self.root / ARRIVING / study).exists() or self.of_study(study, FETCHING, WAITING, SENDING):
                return None
            missing, records = set(instances), []
            for job in sorted(self.of_study(study, COMMITTING, SENT, FAILED), key=number_of, reverse=True):
                taken = self.noted(study, (), INSTANCES, [job])
                if not taken.isdisjoint(instances):
                    records.append(record_in(job))
                missing -= taken
            return [] if missing else records

    def set_aside(self, job: Path, record: Path) -> None:
        """Put a job in `waiting` of which nothing was filled into `failed`, with the record that says why."""
        disk.sync(record)
        disk.rename(record, job / RECORD)
        self.move(job, FAILED)

    def await_commitment(self, job: Path, taken: tuple[tuple[str, str], ...], refused: str = "") -> None:
        """Put a job in `sending` into `committing`, with its record.

        Args:
            taken: SOP class and SOPInstanceUID of what the archive has taken.
            refused: as in `finish`.
        """
        pending_commitment.begin(job, taken)
        self._keep_record(job, [uid for _, uid in taken], refused)
        self.move(job, COMMITTING)

    def keep_report(self, report: pending_commitment.CommitmentReport) -> bool:
        """Keep what an archive says of a request with the job in `committing` that made it; whether there is one."""
        with self.mutex:
            for job in self.in_state(COMMITTING):
                with suppress(InputError):  # a damaged one is reported when it is its turn
                    if report.transaction in pending_commitment.pending(job).transactions:
                        pending_commitment.keep_report(job, report)
                        return True
        return False

    def finish(self, job: Path, refused: str = "", taken: Collection[str] = ()) -> None:
        """Finish a job in `sending` or `committing`: the record, the UIDs and for some time what came stay.

        One of which nothing was filled goes to `failed`.

        Args:
            refused: what the archive did not take, for the record of one in `sending`.
            taken: the SOPInstanceUIDs of what it took, where something was refused.
        """
        if job.parent.name == SENDING:
            self._keep_record(job, taken, refused)
        if filled_nothing(job):  # what was sent says why
            self.quota.discard(job / RESULTS)
            self.move(job, FAILED)
            return
        done = self.move(job, SENT)
        self._strip(done)
        self.quota.count()

    def waiting_studies(self) -> int:
        """Number of studies that are not done."""
        counts = self.counts()
        return sum(counts[state] for state in (ARRIVING, FETCHING, WAITING, SENDING, COMMITTING))

    def close(self) -> None:
        """Take nothing more, and let another process have the queue."""
        with self.mutex:
            self.arriving.close()
            os.close(self._held)

    def _keep_record(self, job: Path, taken: Collection[str], refused: str) -> None:
        if (job / RESULTS / RECORD).is_file():
            record = record_in(job / RESULTS)
            if refused:
                record["refused"] = refused
                for output in (one for entry in record.get("series", []) for one in entry.get("outputs", [])):
                    output["instances"] = [uid for uid in output["instances"] if uid in taken]
            disk.write_json(job / RECORD, record)

    def _strip(self, job: Path) -> None:
        shutil.rmtree(job / RESULTS, ignore_errors=True)

    def _make_folders(self) -> None:
        with private_files():
            for name in (*STATES, INCOMING, TRASH, WORK_ITEMS):
                try:
                    (self.root / name).mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    why = os.strerror(error.errno or 0)
                    raise InputError(f"The queue {self.root} cannot be made: {why}.") from error
        ours = {*STATES, INCOMING, TRASH, WORK_ITEMS, LOCK}
        # a folder that holds other things too is not ours to close
        closed = [self.root / name for name in (*STATES, INCOMING, TRASH, WORK_ITEMS)]
        if {item.name for item in self.root.iterdir()} <= ours:
            closed.append(self.root)
        for folder in closed:
            try:
                make_private(folder)
            except OSError:
                self.log("folders of the queue may be read by others, and belong to another user: close them (0700)")
                return

    def _clean(self) -> None:
        """Remove what a killed process left: files half received, results half made, data of what is done."""
        for name in (INCOMING, TRASH):
            for item in (self.root / name).iterdir():
                if not is_move(item):
                    disk.remove(item)
        for state in STATES:
            self.in_state(state)  # logs what does not belong there
        for job in (*self.in_state(FETCHING), *self.in_state(WAITING)):
            with suppress(OSError):
                for item in job.glob("*.partial"):
                    disk.remove(item)
        for job in self.in_state(SENT):
            self._strip(job)
