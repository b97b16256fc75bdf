"""Studies on disk, from arrival until their results were sent: the folder that a study lies in is its state.

    arriving/UID      instances come in; a study is taken when none has come for a while
    waiting/UID_N     complete, to be filled
    sending/UID_N     filled; results are complete and their UIDs final
    sent/UID_N        done: the record, and the UIDs of what came and of what was sent
    failed/UID_N      given up, with everything; moved back to `waiting` it is tried again

A file is written beside its place, put on the disk (fsync) and renamed, and so is a state: whenever the process is
killed, a study is in one state or the next, never in both or in between. Nothing is acknowledged that is not on the
disk. The same instances sent again, by a sender that missed the acknowledgement, are the same files, or are dropped
where the study was taken already.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from monai_inpaint.errors import InputError

ARRIVING, WAITING, SENDING, SENT, FAILED = STATES = ("arriving", "waiting", "sending", "sent", "failed")
INPUT, RESULTS, INSTANCES, MADE, RECORD = "input", "results", "instances.json", "made.json", "record.json"
_INCOMING, _TRASH, _REFUSED, _WHOLE, _LOCK = "incoming", "trash", "refused", "whole", "lock"
_STALE = 300.0  # seconds without a byte; an association ends after 60 without a word
_PATIENCE = 10
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


class Full(Exception):
    """The queue may not take more now; later it may."""


class TooLarge(Exception):
    """A study is larger than may be taken, and is refused as a whole."""


class Queue:
    """The queue in a folder, which one process holds at a time.

    Args:
        root: made if missing.
        study_bytes: of the largest study.
        quota_bytes: of all that lies in the queue.

    Raises:
        InputError: the folder cannot be made, or another process holds it.
    """

    def __init__(self, root: Path, study_bytes: int, quota_bytes: int) -> None:
        self.root = root
        self._study_bytes, self._quota_bytes = study_bytes, quota_bytes
        self._mutex = threading.RLock()
        self._closed = False
        for name in (*STATES, _INCOMING, _TRASH):
            try:
                (root / name).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"The queue {root} cannot be made: {os.strerror(error.errno or 0)}.") from error
        self._held = _hold(root / _LOCK)
        self._clean()
        self._used = _size(root)
        # What lay here before we came counts from now on, and may lack what its sender could not send.
        self._last = {folder.name: time.monotonic() for folder in self._folders(ARRIVING)}
        self._broken = {study for study in self._last if not (root / ARRIVING / study / _WHOLE).exists()}
        self._filling = ""  # the job that was last given out to be filled

    @property
    def incoming(self) -> Path:
        """Where files are written before they are stored; emptied at every start."""
        return self.root / _INCOMING

    def store(self, file: Path, study: str, instance: str) -> bool:
        """Take an instance into its study; it is on the disk when this returns.

        Args:
            file: in `incoming`; is moved.
            study, instance: its StudyInstanceUID and SOPInstanceUID.

        Returns:
            whether it was taken; results of our own that come back are not.

        Raises:
            ValueError: no UIDs.
            TooLarge, Full: as they say.
        """
        if not all(_UID.fullmatch(uid) and len(uid) <= 64 for uid in (study, instance)):
            raise ValueError("the UIDs of the study and the instance are no UIDs")
        _sync(file)
        with self._mutex:
            if self._closed:
                raise Full
            if instance in self._noted(study, STATES, MADE):
                return False
            self._take_back(study)
            folder = self.root / ARRIVING / study / INPUT
            there = folder / f"{instance}.dcm"
            self._make_room(study, file.stat().st_size - (there.stat().st_size if there.exists() else 0))
            if not folder.is_dir():
                folder.mkdir(parents=True)
                _sync(folder.parent)
                _sync(folder.parent.parent)
            (folder.parent / _WHOLE).unlink(missing_ok=True)
            file.replace(there)
            _sync(folder)
            self._last[study] = time.monotonic()
        return True

    def ended(self, studies: set[str], *, whole: bool) -> None:
        """An association is over that has brought instances of these studies: released (`whole`), or broken off."""
        with self._mutex:
            self._broken = self._broken - studies if whole else self._broken | studies
            for folder in (self.root / ARRIVING / study for study in studies if whole):
                if folder.is_dir():
                    (folder / _WHOLE).touch()  # for the next start

    def take(self, quiet_seconds: float) -> list[tuple[str, str]]:
        """Move what has been quiet for so long on to `waiting`; gives (study, words for the log) of each.

        What was broken off is given ten times as long, since its sender will send the rest.
        """
        self._drop_stale()
        with self._mutex:
            quiet = []
            for folder in self._folders(ARRIVING):
                seconds = time.monotonic() - self._last.get(folder.name, 0.0)
                if seconds >= quiet_seconds * (_PATIENCE if folder.name in self._broken else 1):
                    quiet.append(folder)
            return [(folder.name, self._take(folder)) for folder in quiet]

    def next(self, state: str) -> Path | None:
        """The job that has been longest in a state, by the number of its study's jobs and its name; None if none."""
        with self._mutex:
            jobs = self._folders(state)
            job = min(jobs, key=lambda job: (job.stat().st_ctime_ns, job.name)) if jobs else None
            if job and state == WAITING:
                self._filling = job.name
        return job

    def move(self, job: Path, state: str) -> Path:
        """Put a job into another state; what it holds must be on the disk."""
        with self._mutex:
            target = self.root / state / job.name
            _rename(job, target)
        return target

    def keep_results(self, job: Path, results: Path, made: list[str]) -> None:
        """Make results a job's own: from now on they are sent, however often, and never made again.

        Args:
            job: in `waiting`.
            results: a complete folder on the same disk; is moved.
            made: SOPInstanceUIDs of the results.
        """
        _sync_tree(results)
        write_json(job / MADE, made)
        _rename(results, job / RESULTS)
        with self._mutex:
            self._used = _size(self.root)

    def finish(self, job: Path) -> None:
        """A job in `sending` is done: only the record and the UIDs stay."""
        if (job / RESULTS / RECORD).is_file() and not (job / RECORD).exists():
            os.link(job / RESULTS / RECORD, job / RECORD)
            _sync(job)
        done = self.move(job, SENT)
        self._strip(done)
        with self._mutex:
            self._used = _size(self.root)

    def fail(self, job: Path, why: str) -> None:
        """Give a job up."""
        write_json(job / RECORD, {"why": why})
        self.move(job, FAILED)

    def waiting_studies(self) -> int:
        """How many studies are not done."""
        return sum(len(self._folders(state)) for state in (ARRIVING, WAITING, SENDING))

    def close(self) -> None:
        """Let another process have the queue."""
        with self._mutex:
            self._closed = True
            os.close(self._held)

    def _make_room(self, study: str, size: int) -> None:
        folder = self.root / ARRIVING / study
        if (folder / _REFUSED).exists() or size > self._study_bytes or _size(folder) + size > self._study_bytes:
            folder.mkdir(exist_ok=True)
            (folder / _REFUSED).touch()
            _sync(folder)
            self._last[study] = time.monotonic()
            self._discard(folder / INPUT)
            raise TooLarge
        if self._used + size > self._quota_bytes:
            raise Full
        self._used += size

    def _take(self, folder: Path) -> str:
        study = folder.name
        self._last.pop(study, None)
        self._broken.discard(study)
        (folder / _WHOLE).unlink(missing_ok=True)
        number = 1 + max((int(job.name.rpartition("_")[2]) for job in self._jobs(study)), default=0)
        if (folder / _REFUSED).exists():
            job = self.root / FAILED / f"{study}_{number}"
            write_json(folder / RECORD, {"why": "The study is larger than may be taken."})
            (folder / _REFUSED).unlink()
            _rename(folder, job)
            return "refused: it is larger than a study may be"
        instances = sorted(path.stem for path in (folder / INPUT).glob("*.dcm"))
        if not instances:
            self._discard(folder)
            return "dropped: it holds nothing"
        if set(instances) <= self._noted(study, (WAITING, SENDING, SENT), INSTANCES):
            self._discard(folder)
            return "dropped: it was sent before"
        write_json(folder / INSTANCES, instances)
        _rename(folder, self.root / WAITING / f"{study}_{number}")
        return f"complete with {len(instances)} instances"

    def _noted(self, study: str, states: tuple[str, ...], name: str) -> set[str]:
        """The UIDs that a study's jobs in these states have noted."""
        noted: set[str] = set()
        for job in self._jobs(study):
            if job.parent.name in states and (job / name).is_file():
                noted |= set(json.loads((job / name).read_text()))
        return noted

    def _jobs(self, study: str) -> list[Path]:
        return [job for state in STATES[1:] for job in (self.root / state).glob(f"{study}_*")]

    def _folders(self, state: str) -> list[Path]:
        return sorted(folder for folder in (self.root / state).iterdir() if folder.is_dir())

    def _discard(self, folder: Path) -> None:
        """Take a folder out of the queue at once, and then delete it."""
        if not folder.is_dir():
            return
        place = Path(tempfile.mkdtemp(dir=self.root / _TRASH))
        _rename(folder, place / folder.name)
        shutil.rmtree(place, ignore_errors=True)
        self._used = _size(self.root)

    def _take_back(self, study: str) -> None:
        """More of a study comes that waits, and is not being filled: it is not complete."""
        folder = self.root / ARRIVING / study
        for job in (self.root / WAITING).glob(f"{study}_*"):
            if job.name != self._filling and not (job / RESULTS).exists() and not folder.exists():
                _rename(job, folder)

    def _drop_stale(self) -> None:
        """Remove files whose association broke; one that is being written is never so old."""
        for file in self.incoming.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > _STALE:
                    file.unlink()

    def _strip(self, job: Path) -> None:
        for name in (INPUT, RESULTS):
            shutil.rmtree(job / name, ignore_errors=True)

    def _clean(self) -> None:
        """Remove what a killed process left: files half received, results half made, data of what is done."""
        for name in (_INCOMING, _TRASH):
            for item in (self.root / name).iterdir():
                shutil.rmtree(item, ignore_errors=True) if item.is_dir() else item.unlink(missing_ok=True)
        for job in self._folders(WAITING):
            for item in job.glob("*.partial"):
                shutil.rmtree(item, ignore_errors=True)
        for job in self._folders(SENT):
            self._strip(job)


def _rename(item: Path, target: Path) -> None:
    item.rename(target)
    _sync(target.parent)
    if item.parent.exists():
        _sync(item.parent)


def write_json(path: Path, content: object) -> None:
    """Write a file that is complete or not there, and on the disk when this returns."""
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def _hold(path: Path) -> int:
    """Hold the lock, which the system frees however this process ends."""
    try:
        import fcntl
    except ImportError:
        raise InputError("The service needs Linux or macOS, where a queue can be held by one process.") from None
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise InputError(f"The queue {path.parent} is in use by another process; end it, or name another.") from None
    return held


def _sync(path: Path) -> None:
    """Put a file's content, or a folder's entries, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _size(folder: Path) -> int:
    """Bytes of all files below a folder, which may change meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - thousands of files
            except FileNotFoundError:
                continue
    return total
