"""What an engine does."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo


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


def check_ports(inputs: list[str], outputs: list[str], bundle: BundleInfo) -> None:
    """Refuse a graph that does not take `image` and give `pred` alone, as the network contract has it.

    Raises:
        InputError: naming what it takes and gives.
    """
    if inputs != ["image"] or outputs != ["pred"]:
        raise InputError(
            f"{bundle.graph}: the network takes {', '.join(inputs)} and gives {', '.join(outputs)}; "
            "it must take image and give pred."
        )
