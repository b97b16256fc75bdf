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
        channels: 2: image and hole; 5: noise, state and time too, for samples; 6: the same for slabs.
    """

    channels: int

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Fill a batch of windows.

        Args:
            windows: (B, channels, H, W) float32, or (B, 6, D, H, W); the image in its units with the hole zeroed, then
                the hole (1 = fill); of more channels then standard normal noise, the state in the image's units and
                the time (zeros in these three ask for the best estimate); of 6 then the spacing of slices over that
                of voxels within a slice.

        Returns:
            (B, 1, *spatial) float32, composited.
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

    def is_a_batch_of(self, name: str, channels: int, axes: int) -> bool:
        """Whether it is called so and can hold (B, channels, *axes) float32 for every B and side."""
        sizes = self.sizes or (None,) * (2 + axes)
        return (
            self.name == name
            and self.is_float32
            and len(sizes) == 2 + axes
            and sizes[1] in (None, channels)
            and all(size is None for size in (sizes[0], *sizes[2:]))
        )


CHANNELS = {2: 2, 5: 2, 6: 3}  # and the axes of the windows that go with them


def check_ports(inputs: Sequence[Port], outputs: Sequence[Port], bundle: BundleInfo) -> int:
    """Refuse a graph that takes and gives other things than an engine's `run`, as `image` and `pred`.

    Returns:
        The channels it takes.

    Raises:
        InputError: naming what it takes and gives.
    """
    if len(inputs) == len(outputs) == 1:
        for channels, axes in CHANNELS.items():
            if inputs[0].is_a_batch_of("image", channels, axes) and outputs[0].is_a_batch_of("pred", 1, axes):
                return channels
    taken, given = (" and ".join(map(str, ports)) or "nothing" for ports in (inputs, outputs))
    raise InputError(
        f"{bundle.graph}: the network takes {taken} and gives {given}; it must take image (any, 2 or 5, any, any) and "
        "give pred (any, 1, any, any), or image (any, 6, any, any, any) and pred (any, 1, any, any, any), all float32."
    )
