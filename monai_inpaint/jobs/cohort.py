"""Fill many cases: one by one, by several processes, or on a cluster; cases of a lost worker are repeated.

A case is done when its output was renamed into place. Whoever computes may end at any moment: its case is then computed
again, which writes the same output in the same place.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from monai_inpaint.failure import OUR_FAULT, explain
from monai_inpaint.jobs.fill_image import Fillers, FillJob, fill_image
from monai_inpaint.progress import Progress, make_progress

RETRIES = 3


@dataclass(frozen=True)
class CohortCase:
    """One fill among many; all of it can be sent to another process.

    Attributes:
        name: unique in the batch.
        overwrite: an existing output may be replaced.
    """

    name: str
    job: FillJob
    fillers: Fillers
    overwrite: bool = False


@dataclass(frozen=True)
class Outcome:
    """Outcome of a case: 0 or an exit code, and a sentence for the latter."""

    code: int
    sentence: str = ""
    seconds: float = 0.0
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    bundle: dict[str, str] = field(default_factory=dict[str, str])


class Workers(Protocol):
    """Interface of a pool of workers."""

    @property
    def idle(self) -> int:
        """Number of further cases that can be started."""
        ...

    def begin(self, case: CohortCase) -> None:
        """Begin a case; `idle` is positive."""
        ...

    def finished(self) -> list[tuple[CohortCase, Outcome | None]]:
        """Wait until a case has ended or a worker has become idle.

        Returns:
            The cases that have ended, with None for those whose worker was lost.
        """
        ...

    def close(self) -> None:
        """End all, whatever they do."""
        ...


def fill_case(case: CohortCase, progress: Progress | None = None) -> Outcome:
    """Fill a case; any fault becomes a sentence."""
    start = time.perf_counter()
    try:
        bundle = fill_image(
            case.job, case.fillers, overwrite=case.overwrite, progress=progress or make_progress("none")
        )
        named = {"image": case.job.image, "hole": case.job.hole_path}
        inputs = {kind: digest(path) for kind, path in named.items() if path}
    except Exception as error:
        code, sentence = explain(error)
        return Outcome(code, sentence, round(time.perf_counter() - start, 3))
    return Outcome(0, "", round(time.perf_counter() - start, 3), inputs, bundle)


def run_cohort(
    cases: Iterable[CohortCase],
    workers: Workers,
    begun: Callable[[CohortCase], None],
    ended: Callable[[CohortCase, Outcome], None],
) -> None:
    """Compute all cases; one whose worker was lost is put back, at most `RETRIES` times.

    Args:
        cases: with unique names; assigned one by one to idle workers.
        workers: closed by the caller.
        begun, ended: called for each case, in this process; `ended` once.
    """
    waiting, losses, running = iter(cases), Counter[str](), 0
    back: deque[CohortCase] = deque()
    left = True
    while True:
        while workers.idle and left:
            case = back.popleft() if back else next(waiting, None)
            if left := case is not None:
                begun(case)
                workers.begin(case)
                running += 1
        if not running and not left:
            return
        for ended_case, outcome in workers.finished():
            running -= 1
            if outcome is None:
                name = ended_case.name
                losses[name] += 1
                if losses[name] <= RETRIES:
                    back.append(replace(ended_case, overwrite=True))  # what lies there is ours
                    left = True
                    continue
                outcome = Outcome(OUR_FAULT, f"its worker was lost {losses[name]} times; fill it alone to see why.")
            ended(ended_case, outcome)


class InProcess:
    """This process, which fills a case as soon as it is begun."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done: list[tuple[CohortCase, Outcome | None]] = []

    @property
    def idle(self) -> int:
        """See `Workers`."""
        return 1 - len(self._done)

    def begin(self, case: CohortCase) -> None:
        """See `Workers`."""
        self._done.append((case, fill_case(case, self._progress)))

    def finished(self) -> list[tuple[CohortCase, Outcome | None]]:
        """See `Workers`."""
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """See `Workers`."""


def digest(path: Path) -> str:
    """SHA-256 of a file, or of the files of a folder and their names, in the order of these."""
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            if file != path:
                found.update(f"{file.relative_to(path)}\0".encode(errors="surrogateescape"))
            with file.open("rb") as content:
                while part := content.read(1 << 20):
                    found.update(part)
    return found.hexdigest()
