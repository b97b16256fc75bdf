"""The jobs of a queue: found by state or by study, moved from state to state, given up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs.job_layout import ARRIVING, FAILED, FETCHING, RECORD, STATES, WAITING, is_job, number_of
from monai_inpaint.pacs.machine_faults import is_full, reason_of


class JobFolders:
    """The folders of the states, and the jobs in them.

    Args:
        root: folder of the queue.
        log: takes a sentence on what is damaged or does not belong here.

    Attributes:
        mutex: held by whoever looks at several folders or moves something between them.
    """

    def __init__(self, root: Path, log: Callable[[str], None]) -> None:
        self.root, self.mutex, self.log = root, threading.RLock(), log
        self._foreign: set[Path] = set()
        self._aside: set[tuple[Path, int]] = set()  # jobs that are left alone, and when they were last changed
        self._given = {FETCHING: "", WAITING: ""}  # the jobs that were last given out to be worked on

    def in_state(self, state: str) -> list[Path]:
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
            self.log(f"the queue's folder {state} contains {len(new)} things that are not studies: they are left alone")
        return sorted(item for item in found if not self._aside or (item, disk.changed_at(item)) not in self._aside)

    def of_study(self, study: str, *states: str) -> list[Path]:
        """List the jobs of a study, in these states or in any."""
        folders = (self.root / state for state in states or STATES[1:])
        return [job for folder in folders for job in folder.glob(f"{study}_*") if is_job(job.name)]

    def number(self, study: str) -> int:
        """Return the number of the next job of a study."""
        return 1 + max(map(number_of, self.of_study(study)), default=0)

    def noted(self, study: str, states: tuple[str, ...], name: str, others: Sequence[Path] = ()) -> set[str]:
        """Return the UIDs that a study's jobs in these states have noted, and some others of its jobs.

        A job whose note is damaged goes to `failed`.
        """
        noted: set[str] = set()
        for job in (*self.of_study(study, *states), *others):
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

    def next(self, state: str, later: Collection[Path] = ()) -> Path | None:
        """Return the job that has been longest in a state and is not one of those for later; None if none."""
        with self.mutex:
            there = (job for job in self.in_state(state) if job not in later)
            jobs = [(changed, job.name, job) for job in there if (changed := disk.changed_at(job))]
            job = min(jobs)[2] if jobs else None
            if state in self._given:
                self._given[state] = job.name if job else ""
        return job

    def is_idle(self, job: Path) -> bool:
        """Return whether a job in `fetching` or `waiting` is not being worked on."""
        return job.name != self._given[job.parent.name]

    def move(self, job: Path, state: str) -> Path:
        """Put a job into another state; what it holds must be on the disk."""
        with self.mutex:
            target = self.root / state / job.name
            disk.rename(job, target)
        return target

    def fail(self, job: Path, why: str) -> None:
        """Give a job up."""
        try:
            disk.write_json(job / RECORD, {"why": why})
        except OSError as error:
            if is_full(error):  # it stays where it is until there is room
                raise
        with self.mutex:
            target = self.root / FAILED / job.name
            if target.exists() or not is_job(job.name):
                study = job.name.rpartition("_")[0] or job.name
                target = target.with_name(f"{study}_{self.number(study)}")
            disk.rename(job, target)

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
            self.log(f"study {job.name} failed: {why}")
        except OSError as second:
            if is_full(second):
                raise
            with self.mutex:
                self._aside.add((job, disk.changed_at(job)))
            self.log(f"study {job.name} is damaged and cannot be moved to {FAILED}: it is left alone")

    def counts(self) -> dict[str, int]:
        """Number of studies in each state."""
        with self.mutex:
            return {state: len(self.in_state(state)) for state in STATES}
