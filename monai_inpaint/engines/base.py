"""Interface of an engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from monai_inpaint.engines.onnx_files import check_graph_file
from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo


class Engine(Protocol):
    """A bundle's network, ready to run. It normalises by itself: units in, units out.

    Attributes:
        channels: 2: image and hole; 5: also noise, state and time, for samples; 6: also the nearness of a start, for
            slices of volumes; 1: the image alone (segmentation of artifacts); 3: correction of slices with metal, or
            the texture of a nodule; 100: latent numbers (outlines of nodules).
        side: of the windows in voxels, if the network accepts only one size.
        voxels_at_once: voxels of a batch; more is not faster, and needs more memory.
    """

    channels: int
    side: int | None
    voxels_at_once: int

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Fill a batch of windows.

        Args:
            windows: (B, 2, 5 or 6, H, W) float32: the image in its units with the hole zeroed, then the hole (1 =
                fill); with 5 channels also standard normal noise, the state in the image's units and the time (zeros in
                these three: the best estimate); with 6 also the nearness of the start, which is then in the hole of the
                image (0: no start). For artifacts (B, 1, H, W): the image in its units. For metal (B, 3, H, W): HU with
                the metal zeroed, the metal, HU corrected in the projections. For nodules (B, 3, H, W): the image in its
                units with the nodule zeroed, the nodule, its density; for their outlines (B, 100, 1, 1): standard
                normal numbers.

        Returns:
            (B, 1, H, W) float32: the image, composited; or the probability of an artifact; or HU without metal and its
            artifacts; or (B, 1, 128, 128), a field that is positive inside an outline.
        """
        ...

    def describe(self) -> dict[str, str]:
        """Name, version, device and arithmetic, for the report."""
        ...


@dataclass(frozen=True)
class Port:
    """An input or output of a graph: its sizes (None for any size; `()` if their number is unknown).

    It may have several names: OpenVINO adds that of the operation that an output comes from.
    """

    names: tuple[str, ...]
    sizes: tuple[int | None, ...]
    is_float32: bool

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.sizes)
        return f"{' or '.join(self.names)} ({sizes}) of {'float32' if self.is_float32 else 'another type than float32'}"

    @property
    def side(self) -> int | None:
        """Of the square windows of a graph of slices, where any other will not do."""
        return self.sizes[2] if len(self.sizes) == 4 and self.sizes[2] == self.sizes[3] else None

    def is_a_batch_of(self, name: str, channels: int, side: int | None) -> bool:
        """Whether it has this name and accepts (B, channels, H, W) float32 for every B, with that side or any."""
        sizes = self.sizes or (None,) * 4
        return (
            name in self.names
            and self.is_float32
            and len(sizes) == 4
            and sizes[1] in (None, channels)
            and sizes[0] is None
            and all(size in (None, side) for size in sizes[2:])
        )


LATENT = 100  # numbers that the outline of a nodule is drawn from
# Channels that a graph may take, by the kind of its bundle.
CHANNELS: dict[str, tuple[int, ...]] = {
    "inpainting": (2, 5, 6),
    "detection": (1,),
    "correction": (3,),
    "synthesis": (3, LATENT),
}


ON_CPU, ON_GPU = 4 * 128 * 128, 64 * 128 * 128  # voxels at once


class GraphEngine(ABC):
    """An engine that opens the bundle's graph."""

    voxels_at_once = ON_CPU

    def __init__(self, bundle: BundleInfo) -> None:
        self._bundle = bundle
        if bundle.kind not in CHANNELS:
            raise InputError(f"{bundle.path}: no engine runs a bundle for {bundle.kind}; use another bundle.")
        self._graph, self.channels, self.side = self._checked(bundle.graph, CHANNELS[bundle.kind])

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`."""
        return self._compute(np.ascontiguousarray(windows, np.float32))

    @abstractmethod
    def _open(self, path: Path) -> tuple[Any, Sequence[Port], Sequence[Port]]:
        """Return the compiled graph, its inputs and outputs; any exception means that the file is damaged."""

    @abstractmethod
    def _compute(self, windows: np.ndarray) -> np.ndarray:
        """`Engine.run` by the graph."""

    def _checked(self, path: Path, channels: Sequence[int]) -> tuple[Any, int, int | None]:
        if not self._bundle.ours:
            check_graph_file(path)
        try:
            graph, inputs, outputs = self._open(path)
        except Exception as error:  # the engines' own exceptions share no base class below Exception
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise InputError(f"{path}: the bundle's network is damaged ({reason}); install it again.") from None
        return graph, check_ports(inputs, outputs, path, channels), inputs[0].side


def check_ports(inputs: Sequence[Port], outputs: Sequence[Port], path: Path, channels: Sequence[int]) -> int:
    """Refuse a graph whose input and output are not those of an engine's `run`, named `image` and `pred`.

    Returns:
        The number of its input channels, one of those given.

    Raises:
        InputError: the inputs and outputs of the graph do not match; the error states them.
    """
    side = inputs[0].side if inputs else None
    # what is drawn from latent numbers has a size of its own
    given = outputs[0].side if side == 1 and len(outputs) == 1 and LATENT in channels else side
    if len(inputs) == len(outputs) == 1 and outputs[0].is_a_batch_of("pred", 1, given):
        for number in channels:
            if inputs[0].is_a_batch_of("image", number, side):
                return number
    taken, returned = (" and ".join(map(str, ports)) or "nothing" for ports in (inputs, outputs))
    raise InputError(
        f"{path}: the network takes {taken} and gives {returned}; it must take image (any, "
        f"{' or '.join(map(str, channels))}, any, any) and give pred (any, 1, any, any), both float32."
    )
