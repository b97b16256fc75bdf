"""Workers of `batch --ray`: actors on a Ray cluster, each with its own engine; all nodes share the files."""

from __future__ import annotations

import re
import signal
import socket
from importlib import import_module
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.jobs.cohort import CohortCase, Outcome, fill_case

_SECONDS = 5.0  # for a cluster to answer


class RayWorkers:
    """An actor for each CPU of the cluster; they share its GPUs evenly.

    Args:
        address: of a cluster that is there; "local" starts one on this machine.

    Raises:
        InputError: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, address: str) -> None:
        try:
            ray: Any = import_module("ray")
        except ModuleNotFoundError as error:
            raise InputError("--ray needs Ray, which is not installed: pip install ray") from error
        self._ray = ray
        try:
            _reach(address)
            before = signal.getsignal(signal.SIGTERM)
            ray.init(address=None if address == "local" else address, log_to_driver=False, include_dashboard=False)
            signal.signal(signal.SIGTERM, before)  # Ray's own would end this process without cleaning up
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"There is no Ray cluster at {address} ({reason}); give its address, or local.") from error
        there: dict[str, float] = ray.cluster_resources()
        actors = max(int(there.get("CPU", 1)), 1)
        gpus = min(there.get("GPU", 0.0) / actors, 1.0)
        self._actor: Any = ray.remote(_FillActor).options(num_cpus=1, num_gpus=round(gpus, 4))
        self._starting: dict[Any, Any] = {}
        self._free: list[Any] = []
        self._running: dict[Any, tuple[Any, CohortCase]] = {}
        for _ in range(actors):
            self._start()

    @property
    def idle(self) -> int:
        """See `Workers`: of the actors that the cluster has found a place for."""
        return len(self._free)

    def begin(self, case: CohortCase) -> None:
        """See `Workers`."""
        actor = self._free.pop()
        self._running[actor.fill.remote(case)] = (actor, case)

    def finished(self) -> list[tuple[CohortCase, Outcome | None]]:
        """See `Workers`."""
        (ready,), _ = self._ray.wait([*self._running, *self._starting], num_returns=1)
        if ready in self._starting:
            actor = self._starting.pop(ready)
            if self._get(ready) is None:
                self._start()
            else:
                self._free.append(actor)
            return []
        actor, case = self._running.pop(ready)
        outcome = self._get(ready)
        if outcome is None:
            self._start()
        else:
            self._free.append(actor)
        return [(case, outcome)]

    def close(self) -> None:
        """See `Workers`."""
        self._ray.shutdown()

    def _start(self) -> None:
        """Ask for one more actor, which waits where the cluster has no place for it now."""
        actor = self._actor.remote()
        self._starting[actor.is_there.remote()] = actor

    def _get(self, reference: Any) -> Any:
        """Result of an actor; None if the result, the actor or its node is lost."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError:
            return None


def _reach(address: str) -> None:
    """Open a connection and close it: Ray itself tries for minutes.

    Raises:
        OSError: nobody listens there.
    """
    if parts := re.fullmatch(r"(?:ray://)?([^/]+):(\d+)", address):
        socket.create_connection((parts[1].strip("[]"), int(parts[2])), timeout=_SECONDS).close()


class _FillActor:
    """An actor: what fills a case stays loaded in its process."""

    def is_there(self) -> bool:
        return True

    def fill(self, case: CohortCase) -> Outcome:
        return fill_case(case)
