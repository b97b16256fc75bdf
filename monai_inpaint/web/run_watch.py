"""Run one job at a time, and show its progress on the page."""

# trame brings no types
# pyright: basic

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from monai_inpaint.slicer.environment import Environment
from monai_inpaint.slicer.errors import InpaintError
from monai_inpaint.slicer.runs import Run, RunQueue, State
from monai_inpaint.web.transfers import named

TICK = 0.1  # seconds


class RunWatch:
    """Runs jobs of `slicer.jobs` for one session.

    Args:
        state: trame's, with `busy`, `running`, `fraction`, `progress` and `message`.
        folder: of the session, private.
    """

    def __init__(self, state: Any, folder: Path) -> None:
        self._state = state
        self._folder = folder
        self._queue = RunQueue()

    def start(self, job: Any, names: Mapping[Path, str], then: Callable[[Any], None]) -> None:
        """Run a job.

        Args:
            job: of `slicer.jobs`, with `doing`, what the page says meanwhile.
            names: what files are called, for people.
            then: called with what the job collected, if it ends well.
        """
        run = self._queue.add(Run(job, Environment(sys.executable, self._folder)))
        self._state.update({"busy": True, "running": True, "message": f"{job.doing}..."})
        shown = {**names, self._folder: "the folder of the session"}
        self._watching = asyncio.get_event_loop().create_task(self._watch(run, shown, then))

    def cancel(self) -> None:
        """End the run."""
        if not self._state.running:
            raise InpaintError("Nothing is running.")
        self._queue.cancel()

    def end(self) -> None:
        """End what runs, and wait until nothing of it is left."""
        self._queue.end()

    async def _watch(self, run: Run, names: Mapping[Path, str], then: Callable[[Any], None]) -> None:
        while not run.ended:
            self._queue.tick()
            with self._state:
                self._state.update({"fraction": round(100 * run.progress.fraction), "progress": _progress(run)})
            await asyncio.sleep(TICK)
        self._queue.tick()
        with self._state:
            done = {"busy": False, "running": False, "fraction": 0, "progress": ""}
            self._state.update({**done, "message": _ended(run, names)})
            if run.state is State.DONE:
                then(run.result)
                if not self._state.running:  # then may start another
                    self._state.message += f" ({run.seconds:.0f} s)"


def _ended(run: Run, names: Mapping[Path, str]) -> str:
    """Message after a run that failed or was cancelled."""
    return "Cancelled." if run.state is State.CANCELLED else named(run.error, names)


def _progress(run: Run) -> str:
    left = run.progress.seconds_left
    return f"{run.progress.stage or 'preparing'}{'' if left is None else f', {left:.0f} s left'}"
