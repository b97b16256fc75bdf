"""What an engine does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo


class Engine(Protocol):
    """A bundle's network, ready to run. It normalises by itself: units in, units out.

    Attributes:
        channels: 2: image and hole; 5: noise, state and time too, for samples.
    """

    channels: int

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Fill a batch of windows.

        Args:
            windows: (B, channels, H, W) float32; the image in its units with the hole zeroed, then the hole
                (1 = fill); of 5 channels then standard normal noise, the state in the image's units and the time.
                Zeros in these three ask for the best estimate.

        Returns:
            (B, 1, H, W) float32, composited.
        """
        ...

    def describe(self) -> dict[str, str]:
        """Name, version, device and arithmetic, for the report."""
        ...


@dataclass(frozen=True)
class Port:
    """An input or output of a graph: its sizes (None where any will do; `()` where not even their number is said)."""

    name: str
    sizes: tuple[int | None, ...]
    is_float32: bool

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.sizes)
        return f"{self.name} ({sizes}) of {'float32' if self.is_float32 else 'another type than float32'}"

    def is_a_batch_of(self, name: str, channels: int) -> bool:
        """Whether it is called so and can hold (B, channels, H, W) float32 for every B, H and W."""
        sizes = self.sizes or (None,) * 4
        return (
            self.name == name
            and self.is_float32
            and len(sizes) == 4
            and sizes[1] in (None, channels)
            and sizes[0] is sizes[2] is sizes[3] is None
        )


CHANNELS = (2, 5)


def check_ports(inputs: Sequence[Port], outputs: Sequence[Port], bundle: BundleInfo) -> int:
    """Refuse a graph that does not take `image` (B, 2 or 5, H, W) and give `pred` (B, 1, H, W) alone, both float32.

    Returns:
        The channels it takes.

    Raises:
        InputError: naming what it takes and gives.
    """
    fits = len(inputs) == len(outputs) == 1
    taken_channels = [count for count in CHANNELS if fits and inputs[0].is_a_batch_of("image", count)]
    if not (taken_channels and outputs[0].is_a_batch_of("pred", 1)):
        taken, given = (" and ".join(map(str, ports)) or "nothing" for ports in (inputs, outputs))
        raise InputError(
            f"{bundle.graph}: the network takes {taken} and gives {given}; it must take image (any, 2 or 5, any, any) "
            "and give pred (any, 1, any, any), both float32."
        )
    return taken_channels[0]
