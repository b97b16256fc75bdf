"""The bytes that a queue takes and may take; images that are kept of studies that are done make room."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

from monai_inpaint.pacs import durable_files as disk
from monai_inpaint.pacs.arrival import Full
from monai_inpaint.pacs.job_folders import JobFolders
from monai_inpaint.pacs.job_layout import COMMITTING, FAILED, INPUT, SENT, STATES, TRASH
from monai_inpaint.pacs.kept_images import is_unfilled

_HOUR = 3600.0


class QueueQuota:
    """Counts what lies in a queue and what comes in.

    Args:
        jobs: of the queue.
        quota_bytes: of all that lies in it, what is coming in included.
        keep_seconds: how long what came is kept of a study that is done; less where there is no room otherwise.
    """

    def __init__(self, jobs: JobFolders, quota_bytes: int, keep_seconds: float) -> None:
        self._jobs, self._quota_bytes, self._keep_seconds = jobs, quota_bytes, keep_seconds
        self._coming, self._used = 0, self._stored()  # bytes of what comes in, and of what lies there
        self._looked = -_HOUR

    def grow(self, size: int) -> None:
        """Count bytes that come in; raises Full where the quota does not hold them."""
        with self._jobs.mutex:
            if self._lacks(size):
                self._forget(size)
            if self._lacks(size):
                raise Full
            self._coming += size

    def shrink(self, size: int) -> None:
        """Bytes that came in are gone."""
        with self._jobs.mutex:
            self._coming -= size

    def settle(self, came: int, growth: int) -> None:
        """Bytes that came in lie in the queue now, which has grown by as many or, in place of others, by less."""
        with self._jobs.mutex:
            self._coming -= came
            self._used += growth

    def room_for(self, size: int) -> int:
        """Return how many bytes of `size` there is room for, once older images have made room."""
        with self._jobs.mutex:
            self._forget(size)
            return min(size, max(self._quota_bytes - self._used - self._coming, 0))

    def room(self) -> tuple[int, int]:
        """Bytes that the queue takes, and that it may take."""
        return self._used + self._coming, self._quota_bytes

    def count(self) -> None:
        """Look again how much there is."""
        with self._jobs.mutex:
            self._used = self._stored()

    def discard(self, folder: Path) -> None:
        """Take a folder out of the queue at once, and then delete it."""
        if not folder.is_dir():
            return
        place = self._jobs.root / TRASH / str(uuid.uuid4())
        disk.rename(folder, place)
        shutil.rmtree(place, ignore_errors=True)
        self.count()

    def forget_old(self) -> None:
        """Remove what has been kept for as long as it may; looks once an hour."""
        if time.monotonic() - self._looked < _HOUR:
            return
        self._looked = time.monotonic()
        for job in self._done():
            if time.time() - disk.changed_at(job) / 1e9 > self._keep_seconds:
                self.discard(job / INPUT)

    def _forget(self, size: int) -> None:
        """Remove what is kept of studies that are done, the oldest first, until there is room."""
        for job in self._done():
            if self._lacks(size):
                self.discard(job / INPUT)

    def _done(self) -> list[Path]:
        """The jobs that are done and of which what came is kept, the oldest first."""
        unfilled = (job for job in self._jobs.in_state(FAILED) if is_unfilled(job))
        done = (*self._jobs.in_state(COMMITTING), *self._jobs.in_state(SENT))
        kept = (job for job in (*done, *unfilled) if (job / INPUT).is_dir())
        return sorted(kept, key=disk.changed_at)

    def _lacks(self, size: int) -> bool:
        return self._used + self._coming + size > self._quota_bytes

    def _stored(self) -> int:
        return sum(disk.bytes_below(self._jobs.root / name) for name in (*STATES, TRASH))
