"""Perform the work items of a worklist: claim, fetch the input into the queue, and say what came of it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monai_inpaint.io.dicom.derive import new_uid
from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.pacs import tasks
from monai_inpaint.pacs.arrival import Full
from monai_inpaint.pacs.arriving import DifferentInstance, TooLarge
from monai_inpaint.pacs.machine_faults import is_full, reason_of
from monai_inpaint.pacs.service_stage import ServiceStage, Shared
from monai_inpaint.pacs.work_item import WorkItem, outcome_of, read_item, write_item

_IN_HAND = 4  # work items that are ours at a time, so that others can perform the rest
_PIECE = 2**20
_POLLING = "polling"
_ON_ITS_WAY = "An instance of its input is on its way already, in another form."


class Performing(ServiceStage):
    """Performs work items; each is a file, by its SOPInstanceUID, in a folder of the queue."""

    name, what, waits = "performing", "work item", "waits"

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        super().__init__(
            shared, tasks.performer, settings.worklist, settings.fetch, settings.send, settings.listen.title
        )
        self._polled = float("-inf")

    def next(self) -> Path | None:
        """Return the work item that is to be looked after now; looks for new ones first, if it is time."""
        there = self._in_hand()
        node = self.shared.settings.worklist
        if node and len(there) < _IN_HAND and time.monotonic() - self._polled > node.poll_seconds:
            self._polled = time.monotonic()
            self._poll(there)
        due = [path for path in self._in_hand() if path not in self.later.jobs()]
        return min(due, key=lambda path: path.stat().st_mtime_ns, default=None)

    def _in_hand(self) -> list[Path]:
        return [path for path in self.queue.work_items.iterdir() if is_uid(path.name)]

    def _poll(self, there: list[Path]) -> None:
        # what is found without room would be claimed and not performed, though others may have room
        outcome = self.done("find") if self._has_room() else tasks.TaskOutcome(tasks.LATER, tasks.NO_ROOM)
        if outcome.how != tasks.DONE:
            if _POLLING not in self.shared.waits:
                self.log(f"{_POLLING} waits: {outcome.why}")
            self.shared.waits[_POLLING] = outcome.why
            return
        self.shared.waits.pop(_POLLING, None)
        for uid in outcome.found[: _IN_HAND - len(there)]:
            path = self.queue.work_items / uid
            if not path.exists():
                write_item(path, WorkItem(new_uid(), datetime.now()))

    def give_up(self, job: Path, error: Exception) -> None:
        """Leave a work item whose file is damaged to the worklist, where it stays in progress for a person to see."""
        if is_full(error):
            raise error
        job.rename(job.with_name(f"{job.name}.damaged"))
        self.log(f"work item {job.name} is given up; cancel it in the worklist. {reason_of(error)}")

    def work(self, job: Path) -> str | None:
        item = read_item(job)
        if item.inputs is None:
            return self._claim(job, item)
        if not item.study or not all(is_uid(uid) for one in item.inputs for uid in one):
            return self._cancel(job, item, "Its input must be series of one study, by their UIDs.")
        if item.instances is None:
            return self._fetch(job, item)
        records = self.queue.records_of(item.study, item.instances)
        if records is None:
            return ""  # it is on its way
        if not records:  # someone took it out of the queue
            write_item(job, replace(item, instances=None))
            return ""
        outputs, why = outcome_of(item, records)
        if not outputs:
            return self._cancel(job, item, why)
        outcome = self.done("complete", job.name, item.transaction, item.study, outputs, item.started)
        return self._end(job, item, outcome, f"completed: {sum(len(output.instances) for output in outputs)} results")

    def _claim(self, job: Path, item: WorkItem) -> str | None:
        if not self._has_room():
            return tasks.NO_ROOM
        outcome = self.done("claim", job.name, item.transaction)
        if outcome.how == tasks.NOTHING:  # someone else performs it
            job.unlink()
            return None
        if outcome.how != tasks.DONE:
            return outcome.why
        write_item(job, replace(item, inputs=outcome.found))
        self.log(f"work item {job.name} is ours")
        return None

    def _fetch(self, job: Path, item: WorkItem) -> str | None:
        """Put the input into the queue, as if it had been sent."""
        if item.blocked and self.queue.records_of(item.study, ()) is None:
            return _ON_ITS_WAY
        most = min(self.shared.settings.study_bytes, self.shared.settings.quota_bytes)
        limit = self.queue.quota.room_for(most)
        if not limit:
            return tasks.NO_ROOM
        with self._place() as place:
            with self.queue.moves.begin(limit) as move:  # to its end its bytes count
                outcome = self.done("fetch", item.inputs, place, limit, move)
            if outcome.how == tasks.LATER:
                return outcome.why
            if outcome.how == tasks.FAILED:
                if outcome.why == tasks.TOO_MUCH and limit < most:  # it may fit when others are done
                    return tasks.NO_ROOM
                return self._cancel(job, item, outcome.why)
            try:
                instances = self._store_all(place, item.study)
            except Full:
                return tasks.NO_ROOM
            except TooLarge:
                return self._cancel(job, item, "The study is larger than may be taken.")
            except DifferentInstance:
                write_item(job, replace(item, blocked=True))
                return _ON_ITS_WAY
        if not instances:
            return self._cancel(job, item, "The archive has none of its input, or only what was made of it.")
        self.queue.arriving.ended({item.study}, whole=True)
        write_item(job, replace(item, instances=instances, blocked=False))
        self.log(f"work item {job.name}: {len(instances)} instances of study {item.study} fetched")
        return None

    def _store_all(self, place: Path, study: str) -> tuple[str, ...]:
        """Put files into the queue; returns the SOPInstanceUIDs of those that were taken."""
        taken = list[str]()
        try:
            for path in sorted(place.iterdir()):
                if self._store(path, study):
                    taken.append(path.stem)
        except Exception:
            if taken:  # the rest comes later
                self.queue.arriving.ended({study}, whole=False)
            raise
        return tuple(taken)

    def _has_room(self) -> bool:
        return self.queue.quota.room_for(1) > 0

    def _store(self, path: Path, study: str) -> bool:
        arrival = self.queue.arriving.arrival()
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    arrival.write(piece)
            arrival.finish()
            return self.queue.arriving.store(arrival, study, path.stem)
        finally:
            arrival.discard()

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """A folder for what is fetched, which a start removes."""
        place = Path(tempfile.mkdtemp(dir=self.queue.incoming))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _cancel(self, job: Path, item: WorkItem, why: str) -> str | None:
        return self._end(job, item, self.done("cancel", job.name, item.transaction, why), f"canceled: {why}")

    def _end(self, job: Path, item: WorkItem, outcome: tasks.TaskOutcome, how: str) -> str | None:
        if outcome.how not in (tasks.DONE, tasks.NOTHING):
            return outcome.why
        job.unlink()
        name = f"work item {job.name}" + (f" of study {item.study}" if item.study else "")
        self.log(f"{name} {how if outcome.how == tasks.DONE else 'was ended by someone else'}")
        return None
