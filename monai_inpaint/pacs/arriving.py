"""Studies that come in: each instance goes into its study, and a study that has been quiet becomes a job."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from monai_inpaint.io.dicom.identity import is_uid, same_instance
from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs.arrival import Arrival, Full
from monai_inpaint.pacs.job_folders import JobFolders
from monai_inpaint.pacs.job_layout import (
    ARRIVING,
    COMMITTING,
    FAILED,
    FETCHING,
    INCOMING,
    INPUT,
    INSTANCES,
    MADE,
    RECORD,
    REFUSED,
    RESULTS,
    SENDING,
    SENT,
    STATES,
    WAITING,
    WHOLE,
)
from monai_inpaint.pacs.kept_images import is_unfilled, move_images
from monai_inpaint.pacs.queue_quota import QueueQuota

_PATIENCE = 10


class TooLarge(Exception):
    """A study is larger than may be taken, and is refused as a whole."""


class DifferentInstance(Exception):
    """Another instance with the same UID is there."""


class Arriving:
    """The studies that come into a queue.

    Args:
        jobs, quota: of the queue.
        study_bytes: of the largest study.
    """

    def __init__(self, jobs: JobFolders, quota: QueueQuota, study_bytes: int) -> None:
        self._jobs, self._quota, self._study_bytes = jobs, quota, study_bytes
        self._folder = jobs.root / ARRIVING
        self._closed = False
        # What lay here before we came counts from now on, and may lack what its sender could not send.
        self._last = {folder.name: time.monotonic() for folder in jobs.in_state(ARRIVING)}
        self._broken = {study for study in self._last if not (self._folder / study / WHOLE).exists()}

    def arrival(self) -> Arrival:
        """Return a file for an instance that comes in."""
        return Arrival(self._jobs.root / INCOMING, self._quota)

    def store(self, arrival: Arrival, study: str, instance: str) -> bool:
        """Take an instance into its study; it is on the disk when this returns.

        Args:
            arrival: complete; its file is moved.
            study, instance: its StudyInstanceUID and SOPInstanceUID.

        Returns:
            whether it was taken; results of our own that come back are not.

        Raises:
            ValueError: no UIDs.
            TooLarge, Full, DifferentInstance: see there.
        """
        if not (is_uid(study) and is_uid(instance)):
            raise ValueError("the UIDs of the study and the instance are not UIDs")
        disk.sync(arrival.path)
        with self._jobs.mutex:
            if self._closed:
                raise Full
            if instance in self._jobs.noted(study, STATES, MADE):
                return False
            self._take_back(study)
            folder = self._folder / study / INPUT
            there = folder / f"{instance}.dcm"
            jobs = self._jobs.of_study(study, FETCHING, WAITING, SENDING)
            kept = [there, *(job / INPUT / there.name for job in jobs)]
            if any(file.exists() and not same_instance(file, arrival.path) for file in kept):
                raise DifferentInstance
            growth = arrival.size - (there.stat().st_size if there.exists() else 0)
            self._make_room(study, growth)
            if not folder.is_dir():
                folder.mkdir(parents=True)
                disk.sync(folder.parent)
                disk.sync(folder.parent.parent)
            (folder.parent / WHOLE).unlink(missing_ok=True)
            arrival.path.replace(there)
            disk.sync(folder)
            self._quota.settle(arrival.size, growth)
            arrival.size = 0
            self._last[study] = time.monotonic()
        return True

    def ended(self, studies: set[str], *, whole: bool) -> None:
        """An association is over that has brought instances of these studies: released (`whole`), or broken off."""
        with self._jobs.mutex:
            self._broken = self._broken - studies if whole else self._broken | studies
            for folder in (self._folder / study for study in studies if whole):
                with suppress(OSError):  # on a full disk; without it the study is waited for longer
                    if folder.is_dir():
                        (folder / WHOLE).touch()  # for the next start

    def take(self, quiet_seconds: float, into: str = WAITING) -> list[tuple[str, str]]:
        """Move what has been quiet for so long on to `into`; gives (study, words for the log) of each.

        What was broken off is given ten times as long, since its sender will send the rest.
        """
        taken = []
        with self._jobs.mutex:
            self._quota.forget_old()
            for folder in self._jobs.in_state(ARRIVING):
                seconds = time.monotonic() - self._last.get(folder.name, 0.0)
                if seconds < quiet_seconds * (_PATIENCE if folder.name in self._broken else 1):
                    continue
                try:
                    if words := self._take(folder, into):
                        taken.append((folder.name, words))
                except Exception as error:
                    self._jobs.quarantine(folder, error)
        return taken

    def close(self) -> None:
        """Take nothing more."""
        with self._jobs.mutex:
            self._closed = True

    def _make_room(self, study: str, size: int) -> None:
        folder = self._folder / study
        if (
            (folder / REFUSED).exists()
            or size > self._study_bytes
            or disk.bytes_below(folder) + size > self._study_bytes
        ):
            folder.mkdir(exist_ok=True)
            (folder / REFUSED).touch()
            disk.sync(folder)
            self._last[study] = time.monotonic()
            self._quota.discard(folder / INPUT)
            raise TooLarge

    def _take_back(self, study: str) -> None:
        """More of a study comes that waits, and is not being filled: it is not complete."""
        folder = self._folder / study
        for job in self._jobs.of_study(study, WAITING):
            if self._jobs.is_idle(job) and not (job / RESULTS).exists() and not folder.exists():
                disk.rename(job, folder)

    def _take(self, folder: Path, into: str) -> str:
        study = folder.name
        if (folder / REFUSED).exists():
            self._arrived(folder)
            job = self._jobs.root / FAILED / f"{study}_{self._jobs.number(study)}"
            disk.write_json(folder / RECORD, {"why": "The study is larger than may be taken."})
            (folder / REFUSED).unlink()
            disk.rename(folder, job)
            return "refused: it is larger than a study may be"
        instances = sorted(path.stem for path in (folder / INPUT).glob("*.dcm"))
        if not instances:
            self._arrived(folder)
            self._quota.discard(folder)
            return "dropped: it contains nothing"
        unfilled = [job for job in self._jobs.of_study(study, FAILED) if is_unfilled(job)]
        states = (FETCHING, WAITING, SENDING, COMMITTING, SENT)
        if set(instances) <= self._jobs.noted(study, states, INSTANCES, unfilled):
            self._arrived(folder)
            self._quota.discard(folder)
            return "dropped: it was sent before"
        lacking = self._jobs.of_study(study, FETCHING)
        busy = self._jobs.of_study(study, WAITING, SENDING) or not all(map(self._jobs.is_idle, lacking))
        if busy:  # what is kept of it joins this when that is done
            self._last[study] = time.monotonic()  # not looked at again at once
            return ""
        self._arrived(folder)
        for job in lacking:  # as a job of which nothing was filled it joins this, whenever that is killed
            disk.write_json(job / RECORD, {"series": []})
            self._jobs.move(job, FAILED)
        instances = self._joined(folder)
        disk.write_json(folder / INSTANCES, instances)
        disk.rename(folder, self._jobs.root / into / f"{study}_{self._jobs.number(study)}")
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
        done = self._jobs.of_study(folder.name, COMMITTING, SENT)
        jobs = [*done, *filter(is_unfilled, self._jobs.of_study(folder.name, FAILED))]
        move_images(jobs, target)
        for job in jobs:
            if (job / MADE).exists() and job.parent.name == FAILED:  # what was made may come back
                self._quota.discard(job / INPUT)
                self._jobs.move(job, SENT)
            else:
                self._quota.discard(job / INPUT if job in done else job)
        return sorted(path.stem for path in target.glob("*.dcm"))
