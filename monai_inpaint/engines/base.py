"""What an engine does."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Engine(Protocol):
    """A bundle's network, ready to run. It normalises by itself: units in, units out."""

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Fill a batch of windows.

        Args:
            windows: (B, 2, H, W) float32; the image in its units with the hole zeroed, then the hole (1 = fill).

        Returns:
            (B, 1, H, W) float32, composited.
        """
        ...

    def describe(self) -> dict[str, str]:
        """Name, version, device and arithmetic, for the report."""
        ...
