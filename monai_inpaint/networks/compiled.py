"""A bundle's graph, compiled for the GPU, in place of its network in MONAI's configs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from monai_inpaint.engines import load_engine
from monai_inpaint.errors import InputError
from monai_inpaint.failure import USERS_INPUT, one_line, say
from monai_inpaint.registry import find_bundle


class CompiledNetwork(nn.Module):
    """Run the exported graph of a bundle by an engine of this package: (B, C, H, W) to (B, 1, H, W), on the CPU.

    The engine copies windows to the GPU and back. There are no weights to load: they are in the graph.

    Args:
        bundle: its folder, with `models/model.onnx`.
        engine: a name of `monai_inpaint.engines.ENGINES`.

    Raises:
        InputError: no such bundle, or the engine cannot run here.
    """

    def __init__(self, bundle: str | Path, engine: str = "tensorrt") -> None:
        super().__init__()
        self._engine = load_engine(engine, find_bundle(bundle))
        self.channels, self.side = self._engine.channels, self._engine.side

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Of windows in the image's own units."""
        return torch.from_numpy(np.array(self._engine.run(windows.cpu().numpy()), np.float32))


def compiled_or_exit(bundle: str | Path) -> CompiledNetwork:
    """Return a bundle's compiled network, for configs; without it MONAI's parser would print a traceback.

    Raises:
        SystemExit: with the exit code for wrong input, after an error of one sentence: no GPU, library or bundle.
    """
    try:
        return CompiledNetwork(bundle)
    except InputError as error:
        say(one_line(error))
        raise SystemExit(USERS_INPUT) from None
