"""The worker of a stage, in the process of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Inline:
    """Does in this process what a worker would do."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work

    def do(self, _longest: float, *args: Any) -> Any:
        return self._work(*args)
