"""Actors on a Ray cluster, each with its own engine; inputs and outputs lie where every node finds them."""

from __future__ import annotations

import re
import signal
import socket
from importlib import import_module
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.jobs.cohort import Case, Outcome, fill_case

_SECONDS = 5.0  # for a cluster to answer


class RayWorkers:
    """An actor for each CPU of the cluster, or so many, which share its GPUs evenly.

    Args:
        address: of a cluster that is there; "local" starts one on this machine.
        count: of actors; None: as many as there are CPUs.

    Raises:
        InputError: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, address: str, count: int | None = None) -> None:
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
        actors = count or max(int(there.get("CPU", 1)), 1)
        gpus = min(there.get("GPU", 0.0) / actors, 1.0)
        self._actor: Any = ray.remote(_Filling).options(num_cpus=1, num_gpus=round(gpus, 4))
        self._free: list[Any] = [self._actor.remote() for _ in range(actors)]
        self._running: dict[Any, tuple[Any, Case]] = {}

    @property
    def idle(self) -> int:
        """See `Workers`."""
        return len(self._free)

    def begin(self, case: Case) -> None:
        """See `Workers`."""
        actor = self._free.pop()
        self._running[actor.fill.remote(case)] = (actor, case)

    def finished(self) -> list[tuple[Case, Outcome | None]]:
        """See `Workers`."""
        ready, _ = self._ray.wait(list(self._running), num_returns=1)
        ended: list[tuple[Case, Outcome | None]] = []
        for reference in ready:
            actor, case = self._running.pop(reference)
            try:
                ended.append((case, self._ray.get(reference)))
            except self._ray.exceptions.RayError:  # the actor, its node, or what it gave is gone
                ended.append((case, None))
                actor = self._actor.remote()
            self._free.append(actor)
        return ended

    def close(self) -> None:
        """See `Workers`."""
        self._ray.shutdown()


def _reach(address: str) -> None:
    """Open a connection and close it: Ray itself tries for minutes.

    Raises:
        OSError: nobody listens there.
    """
    if parts := re.fullmatch(r"(?:ray://)?([^/]+):(\d+)", address):
        socket.create_connection((parts[1].strip("[]"), int(parts[2])), timeout=_SECONDS).close()


class _Filling:
    """An actor: what fills a case stays loaded in its process."""

    def fill(self, case: Case) -> Outcome:
        return fill_case(case)
