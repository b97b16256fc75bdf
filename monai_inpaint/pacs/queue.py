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
import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.identity import is_uid, same_instance
from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs import pending_commitment
from monai_inpaint.pacs.arrival import Arrival, Full
from monai_inpaint.pacs.disk_space import is_full, reason_of
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
    REFUSED,
    RESULTS,
    SENDING,
    SENT,
    STATES,
    TRASH,
    WAITING,
    WHOLE,
    WORK_ITEMS,
    is_job,
    number_of,
)  # fmt: skip
from monai_inpaint.pacs.kept_images import filled_nothing, is_unfilled, move_images, record_in, sources_of
from monai_inpaint.private import make_private, private_files

_PATIENCE = 10
_HOUR = 3600.0


class TooLarge(Exception):
    """A study is larger than may be taken, and is refused as a whole."""


class Different(Exception):
    """Another instance with the same UID is there."""


class Queue:
    """The queue in a folder, which one process holds at a time.

    Args:
        root: made if missing.
        study_bytes: of the largest study.
        quota_bytes: of all that lies in the queue, what is coming in included.
        log: takes a sentence on what is damaged or does not belong here.
        keep_seconds: how long what came is kept of a study that is done; less where there is no room otherwise.

    Attributes:
        incoming: folder for what is not complete yet; it is emptied at the start.
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
        keep_seconds: float = 7 * 24 * _HOUR,
    ) -> None:
        self.root, self.incoming, self.work_items = root, root / INCOMING, root / WORK_ITEMS
        self._study_bytes, self._quota_bytes, self._log = study_bytes, quota_bytes, log
        self._mutex = threading.RLock()
        self._closed = False
        self._foreign: set[Path] = set()
        self._aside: set[tuple[Path, int]] = set()  # jobs that are left alone, and when they were last changed
        self._make_folders()
        self._held = disk.hold(root / LOCK)
        self._clean()
        self._coming = 0  # bytes of what comes in
        self._used = self._stored()
        # What lay here before we came counts from now on, and may lack what its sender could not send.
        self._last = {folder.name: time.monotonic() for folder in self._folders(ARRIVING)}
        self._broken = {study for study in self._last if not (root / ARRIVING / study / WHOLE).exists()}
        self._given = {FETCHING: "", WAITING: ""}  # the jobs that were last given out to be worked on
        self._keep_seconds, self._looked = keep_seconds, -_HOUR

    def arrival(self) -> Arrival:
        """Return a file for an instance that comes in."""
        return Arrival(self.incoming, self)

    def grow(self, size: int) -> None:
        """Count bytes that come in; raises Full where the quota does not hold them."""
        with self._mutex:
            if self._lacks(size):
                self._forget(size)
            if self._lacks(size):
                raise Full
            self._coming += size

    def shrink(self, size: int) -> None:
        """Bytes that came in are gone."""
        with self._mutex:
            self._coming -= size

    def store(self, arrival: Arrival, study: str, instance: str) -> bool:
        """Take an instance into its study; it is on the disk when this returns.

        Args:
            arrival: complete; its file is moved.
            study, instance: its StudyInstanceUID and SOPInstanceUID.

        Returns:
            whether it was taken; results of our own that come back are not.

        Raises:
            ValueError: no UIDs.
            TooLarge, Full, Different: as they say.
        """
        if not (is_uid(study) and is_uid(instance)):
            raise ValueError("the UIDs of the study and the instance are not UIDs")
        disk.sync(arrival.path)
        with self._mutex:
            if self._closed:
                raise Full
            if instance in self._noted(study, STATES, MADE):
                return False
            self._take_back(study)
            folder = self.root / ARRIVING / study / INPUT
            there = folder / f"{instance}.dcm"
            kept = [there, *(job / INPUT / there.name for job in self._jobs(study, FETCHING, WAITING, SENDING))]
            if any(file.exists() and not same_instance(file, arrival.path) for file in kept):
                raise Different
            growth = arrival.size - (there.stat().st_size if there.exists() else 0)
            self._make_room(study, growth)
            if not folder.is_dir():
                folder.mkdir(parents=True)
                disk.sync(folder.parent)
                disk.sync(folder.parent.parent)
            (folder.parent / WHOLE).unlink(missing_ok=True)
            arrival.path.replace(there)
            disk.sync(folder)
            self._used += growth
            self._coming -= arrival.size
            arrival.size = 0
            self._last[study] = time.monotonic()
        return True

    def ended(self, studies: set[str], *, whole: bool) -> None:
        """An association is over that has brought instances of these studies: released (`whole`), or broken off."""
        with self._mutex:
            self._broken = self._broken - studies if whole else self._broken | studies
            for folder in (self.root / ARRIVING / study for study in studies if whole):
                with suppress(OSError):  # on a full disk; without it the study is waited for longer
                    if folder.is_dir():
                        (folder / WHOLE).touch()  # for the next start

    def take(self, quiet_seconds: float, into: str = WAITING) -> list[tuple[str, str]]:
        """Move what has been quiet for so long on to `into`; gives (study, words for the log) of each.

        What was broken off is given ten times as long, since its sender will send the rest.
        """
        taken = []
        with self._mutex:
            self._forget_old()
            for folder in self._folders(ARRIVING):
                seconds = time.monotonic() - self._last.get(folder.name, 0.0)
                if seconds < quiet_seconds * (_PATIENCE if folder.name in self._broken else 1):
                    continue
                try:
                    if words := self._take(folder, into):
                        taken.append((folder.name, words))
                except Exception as error:
                    self.quarantine(folder, error)
        return taken

    def next(self, state: str, later: Collection[Path] = ()) -> Path | None:
        """Return the job that has been longest in a state and is not one of those for later; None if none."""
        with self._mutex:
            there = (job for job in self._folders(state) if job not in later)
            jobs = [(changed, job.name, job) for job in there if (changed := disk.changed_at(job))]
            job = min(jobs)[2] if jobs else None
            if state in self._given:
                self._given[state] = job.name if job else ""
        return job

    def quarantine(self, job: Path, error: Exception) -> None:
        """Take a job that is damaged out of the way, and say so.

        Raises:
            Exception: the error itself, where it says that the disk is full: then nothing is wrong with the job.
        """
        if is_full(error):
            raise error
        why = f"What is kept of it cannot be used. {reason_of(error)}"
        try:
            if not job.is_dir():
                return  # taken away by whoever keeps the queue
            self.fail(job, why)
            self._log(f"study {job.name} failed: {why}")
        except OSError as second:
            if is_full(second):
                raise
            with self._mutex:
                self._aside.add((job, disk.changed_at(job)))
            self._log(f"study {job.name} is damaged and cannot be moved to {FAILED}: it is left alone")

    def move(self, job: Path, state: str) -> Path:
        """Put a job into another state; what it holds must be on the disk."""
        with self._mutex:
            target = self.root / state / job.name
            disk.rename(job, target)
        return target

    def room_for(self, size: int) -> int:
        """Return how many bytes of `size` there is room for, once older images have made room."""
        with self._mutex:
            self._forget(size)
            return min(size, max(self._quota_bytes - self._used - self._coming, 0))

    def keep_fetched(self, job: Path, fetched: Path) -> None:
        """Add what was fetched to what came of a job; what is there already stays.

        Args:
            job: in `fetching`.
            fetched: a folder on the same disk that holds `input`; its files are moved.
        """
        disk.sync_tree(fetched)
        move_images([fetched], job / INPUT)
        disk.write_json(job / INSTANCES, sorted(path.stem for path in (job / INPUT).glob("*.dcm")))
        self._count()

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
        self._count()

    def filled(self, job: Path) -> list[str]:
        """Return the `source` of every series of the study that earlier jobs have filled, by their records."""
        study = job.name.rpartition("_")[0]
        with self._mutex:  # none is missed since it moves on meanwhile
            # one in `sending` has a record of its own when it was sent before, and is sent again
            return sources_of(self._jobs(study, SENDING, COMMITTING, SENT))

    def records_of(self, study: str, instances: Collection[str]) -> list[dict[str, Any]] | None:
        """Return the records of the jobs that took some instances, the newest first.

        None: something of the study is on its way. None of them: not all instances are in the queue.
        """
        with self._mutex:
            if (self.root / ARRIVING / study).exists() or self._jobs(study, FETCHING, WAITING, SENDING):
                return None
            missing, records = set(instances), []
            for job in sorted(self._jobs(study, COMMITTING, SENT, FAILED), key=number_of, reverse=True):
                taken = self._noted(study, (), INSTANCES, [job])
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
        with self._mutex:
            for job in self._folders(COMMITTING):
                with suppress(InputError):  # a damaged one is told when it is its turn
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
            self._discard(job / RESULTS)
            self.move(job, FAILED)
            return
        done = self.move(job, SENT)
        self._strip(done)
        self._count()

    def fail(self, job: Path, why: str) -> None:
        """Give a job up."""
        try:
            disk.write_json(job / RECORD, {"why": why})
        except OSError as error:
            if is_full(error):  # it stays where it is until there is room
                raise
        with self._mutex:
            target = self.root / FAILED / job.name
            if target.exists() or not is_job(job.name):
                study = job.name.rpartition("_")[0] or job.name
                target = target.with_name(f"{study}_{self._number(study)}")
            disk.rename(job, target)

    def counts(self) -> dict[str, int]:
        """How many studies are in each state."""
        with self._mutex:
            return {state: len(self._folders(state)) for state in STATES}

    def room(self) -> tuple[int, int]:
        """Bytes that the queue takes, and that it may take."""
        return self._used + self._coming, self._quota_bytes

    def waiting_studies(self) -> int:
        """How many studies are not done."""
        counts = self.counts()
        return sum(counts[state] for state in (ARRIVING, FETCHING, WAITING, SENDING, COMMITTING))

    def close(self) -> None:
        """Take nothing more, and let another process have the queue."""
        with self._mutex:
            self._closed = True
            os.close(self._held)

    def _make_room(self, study: str, size: int) -> None:
        folder = self.root / ARRIVING / study
        if (
            (folder / REFUSED).exists()
            or size > self._study_bytes
            or disk.bytes_below(folder) + size > self._study_bytes
        ):
            folder.mkdir(exist_ok=True)
            (folder / REFUSED).touch()
            disk.sync(folder)
            self._last[study] = time.monotonic()
            self._discard(folder / INPUT)
            raise TooLarge

    def _take(self, folder: Path, into: str) -> str:
        study = folder.name
        if (folder / REFUSED).exists():
            self._arrived(folder)
            job = self.root / FAILED / f"{study}_{self._number(study)}"
            disk.write_json(folder / RECORD, {"why": "The study is larger than may be taken."})
            (folder / REFUSED).unlink()
            disk.rename(folder, job)
            return "refused: it is larger than a study may be"
        instances = sorted(path.stem for path in (folder / INPUT).glob("*.dcm"))
        if not instances:
            self._arrived(folder)
            self._discard(folder)
            return "dropped: it holds nothing"
        unfilled = [job for job in self._jobs(study, FAILED) if is_unfilled(job)]
        if set(instances) <= self._noted(study, (FETCHING, WAITING, SENDING, COMMITTING, SENT), INSTANCES, unfilled):
            self._arrived(folder)
            self._discard(folder)
            return "dropped: it was sent before"
        lacking = self._jobs(study, FETCHING)
        busy = self._jobs(study, WAITING, SENDING) or not all(map(self._is_idle, lacking))
        if busy:  # what is kept of it joins this when that is done
            self._last[study] = time.monotonic()  # not looked at again at once
            return ""
        self._arrived(folder)
        for job in lacking:  # as a job of which nothing was filled it joins this, whenever that is killed
            disk.write_json(job / RECORD, {"series": []})
            self.move(job, FAILED)
        instances = self._joined(folder)
        disk.write_json(folder / INSTANCES, instances)
        disk.rename(folder, self.root / into / f"{study}_{self._number(study)}")
        return f"complete with {len(instances)} instances"

    def _arrived(self, folder: Path) -> None:
        """A study leaves `arriving`."""
        self._last.pop(folder.name, None)
        self._broken.discard(folder.name)
        (folder / WHOLE).unlink(missing_ok=True)

    def _joined(self, folder: Path) -> list[str]:
        """Move what is kept of a study to what has come of it now; returns the UIDs of all.

        Whenever it is killed, the rest is moved when the study is taken again. What came now is newer.
        """
        target = folder / INPUT
        done = self._jobs(folder.name, COMMITTING, SENT)
        jobs = [*done, *filter(is_unfilled, self._jobs(folder.name, FAILED))]
        move_images(jobs, target)
        for job in jobs:
            if (job / MADE).exists() and job.parent.name == FAILED:  # what was made may come back
                self._discard(job / INPUT)
                self.move(job, SENT)
            else:
                self._discard(job / INPUT if job in done else job)
        return sorted(path.stem for path in target.glob("*.dcm"))

    def _lacks(self, size: int) -> bool:
        return self._used + self._coming + size > self._quota_bytes

    def _forget(self, size: int) -> None:
        """Remove what is kept of studies that are done, the oldest first, until there is room."""
        for job in self._done():
            if self._lacks(size):
                self._discard(job / INPUT)

    def _forget_old(self) -> None:
        """Remove what has been kept for as long as it may; looks once an hour."""
        if time.monotonic() - self._looked < _HOUR:
            return
        self._looked = time.monotonic()
        for job in self._done():
            if time.time() - disk.changed_at(job) / 1e9 > self._keep_seconds:
                self._discard(job / INPUT)

    def _done(self) -> list[Path]:
        """The jobs that are done and of which what came is kept, the oldest first."""
        unfilled = (job for job in self._folders(FAILED) if is_unfilled(job))
        done = (*self._folders(COMMITTING), *self._folders(SENT))
        kept = (job for job in (*done, *unfilled) if (job / INPUT).is_dir())
        return sorted(kept, key=disk.changed_at)

    def _noted(self, study: str, states: tuple[str, ...], name: str, others: Sequence[Path] = ()) -> set[str]:
        """The UIDs that a study's jobs in these states have noted, and some others of its jobs.

        A job whose note is damaged goes to `failed`.
        """
        noted: set[str] = set()
        for job in (*self._jobs(study, *states), *others):
            if job.is_symlink() or not job.is_dir():
                continue
            try:
                noted |= disk.read_uids(job / name)
            except FileNotFoundError:
                continue
            except Exception as error:
                if job.parent.name != FAILED:
                    self.quarantine(job, error)
        return noted

    def _jobs(self, study: str, *states: str) -> list[Path]:
        """Of a study, in these states or in any."""
        folders = (self.root / state for state in states or STATES[1:])
        return [job for folder in folders for job in folder.glob(f"{study}_*") if is_job(job.name)]

    def _number(self, study: str) -> int:
        """For the next job of a study."""
        return 1 + max(map(number_of, self._jobs(study)), default=0)

    def _folders(self, state: str) -> list[Path]:
        """List the studies in a state; anything else there is logged once."""
        named = is_uid if state == ARRIVING else is_job
        found, foreign = [], set()
        with os.scandir(self.root / state) as items:
            for item in items:
                ours = named(item.name) and item.is_dir(follow_symlinks=False)
                found.append(Path(item)) if ours else foreign.add(Path(item))
        new = foreign - self._foreign
        if new:
            self._foreign |= new
            self._log(f"the queue's folder {state} holds {len(new)} things that are not studies: they are left alone")
        return sorted(item for item in found if not self._aside or (item, disk.changed_at(item)) not in self._aside)

    def _count(self) -> None:
        """Look again how much there is."""
        with self._mutex:
            self._used = self._stored()

    def _stored(self) -> int:
        return sum(disk.bytes_below(self.root / name) for name in (*STATES, TRASH))

    def _discard(self, folder: Path) -> None:
        """Take a folder out of the queue at once, and then delete it."""
        if not folder.is_dir():
            return
        place = self.root / TRASH / str(uuid.uuid4())
        disk.rename(folder, place)
        shutil.rmtree(place, ignore_errors=True)
        self._count()

    def _take_back(self, study: str) -> None:
        """More of a study comes that waits, and is not being filled: it is not complete."""
        folder = self.root / ARRIVING / study
        for job in self._jobs(study, WAITING):
            if self._is_idle(job) and not (job / RESULTS).exists() and not folder.exists():
                disk.rename(job, folder)

    def _is_idle(self, job: Path) -> bool:
        """Whether a job in `fetching` or `waiting` is not being worked on."""
        return job.name != self._given[job.parent.name]

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
                self._log("folders of the queue may be read by others, and belong to another user: close them (0700)")
                return

    def _clean(self) -> None:
        """Remove what a killed process left: files half received, results half made, data of what is done."""
        for name in (INCOMING, TRASH):
            for item in (self.root / name).iterdir():
                disk.remove(item)
        for state in STATES:
            self._folders(state)  # tells what does not belong there
        for job in (*self._folders(FETCHING), *self._folders(WAITING)):
            with suppress(OSError):
                for item in job.glob("*.partial"):
                    disk.remove(item)
        for job in self._folders(SENT):
            self._strip(job)
