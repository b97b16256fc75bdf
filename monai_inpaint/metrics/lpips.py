"""LPIPS (Zhang et al., 2018, version 0.1) with SqueezeNet 1.1 features, without torchvision.

The features come from a safetensors file with torchvision's names (`features.0.weight`, ...); the learned weights of
the layers ("heads") from the file that the `lpips` package ships, which is read but never imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from monai_inpaint.errors import InputError
from monai_inpaint.metrics.checked_arrays import checked
from monai_inpaint.networks.image_features import MEAN, STD, load_squeezenet


class Lpips:
    """Perceptual distance of two grey images: 0 is equal, larger is more different.

    Args:
        features: safetensors file with the SqueezeNet 1.1 features.
        heads: the `lpips` package's `squeeze.pth`; found in the installed package when None.

    Raises:
        InputError: a file is missing or does not contain these layers.
    """

    def __init__(self, features: str | Path, heads: str | Path | None = None) -> None:
        self.net = load_squeezenet(Path(features))
        self.heads = _load_heads(Path(heads) if heads else find_heads())
        self.mean = torch.tensor(MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(STD).view(1, 3, 1, 1)

    def __call__(self, truth: np.ndarray, filled: np.ndarray, data_range: float) -> float:
        """Distance of two 2D arrays with values from 0 to `data_range`, each side at least 32 pixels."""
        pair = torch.from_numpy(np.stack([truth, filled]).astype(np.float32) / data_range)
        with torch.inference_mode():
            rgb = pair.clamp(0, 1)[:, None].expand(-1, 3, -1, -1)
            total = torch.zeros(())
            for output, head in zip(self.net((rgb - self.mean) / self.std), self.heads, strict=True):
                unit = output / (output.square().sum(1, keepdim=True).sqrt() + 1e-10)
                total = total + ((unit[0] - unit[1]).square() * head).sum(0).mean()
        return float(total)

    def in_window(
        self, truth: np.ndarray, filled: np.ndarray, hole: np.ndarray, data_range: float, window: int
    ) -> float:
        """Distance on the composite, cropped to `window` pixels around the hole's bounding box (or all of the box)."""
        truth, filled, hole = checked(truth, filled, hole)
        crop = window_around(hole, window)
        return self(truth[crop], filled[crop], data_range)


def window_around(hole: np.ndarray, window: int) -> tuple[slice, ...]:
    """Slices of `window` pixels (more where the hole is larger, fewer where the image is smaller) about the hole."""
    crop = []
    for axis, size in enumerate(hole.shape):
        inside = np.flatnonzero(hole.any(axis=tuple(other for other in range(hole.ndim) if other != axis)))
        first, last = int(inside[0]), int(inside[-1]) + 1
        length = min(max(window, last - first), size)
        start = min(max((first + last - length) // 2, 0), size - length)
        crop.append(slice(start, start + length))
    return tuple(crop)


def find_heads() -> Path:
    """The file of learned layer weights in the installed `lpips` package, found without importing the package."""
    spec = find_spec("lpips")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "weights" / "v0.1" / "squeeze.pth"
        if path.is_file():
            return path
    raise InputError("LPIPS needs the weights that the lpips package ships: pip install --no-deps lpips.")


def _load_heads(path: Path) -> list[torch.Tensor]:
    """Seven weight vectors, (channels, 1, 1) each."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return [state[f"lin{index}.model.1.weight"][0].float() for index in range(7)]
    except Exception as error:  # torch.load has no error type of its own
        raise InputError(f"{path}: cannot be read as the lpips package's squeeze weights.") from error
