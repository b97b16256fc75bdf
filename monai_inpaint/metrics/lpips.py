"""LPIPS (Zhang et al., 2018, version 0.1) with SqueezeNet 1.1 features, without torchvision.

The features come from a safetensors file with torchvision's names (`features.0.weight`, ...); the learned weights of
the layers ("heads") from the file that the `lpips` package ships, which is read but never imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from monai_inpaint.errors import InputError
from monai_inpaint.metrics.region import checked

FIRES = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128)} | {
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}  # layer: channels in, squeezed, of each expansion
POOLS = (2, 5, 8)
TAPS = (1, 4, 7, 9, 10, 11, 12)  # layers whose outputs are compared
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, for RGB in [0, 1]


class Fire(nn.Module):
    """SqueezeNet's module: squeeze by 1x1, expand by 1x1 and 3x3 side by side."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeFeatures(nn.Module):
    """The convolutional part of SqueezeNet 1.1; returns the seven activations that LPIPS compares."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
        for index in range(2, 13):
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True) if index in POOLS else Fire(*FIRES[index]))
        self.features = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        outputs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                outputs.append(x)
        return outputs


class Lpips:
    """Perceptual distance of two grey images: 0 is equal, larger is more different.

    Args:
        features: safetensors file with the SqueezeNet 1.1 features.
        heads: the `lpips` package's `squeeze.pth`; found in the installed package when None.

    Raises:
        InputError: a file is missing or does not hold these layers.
    """

    def __init__(self, features: str | Path, heads: str | Path | None = None) -> None:
        self.net = _load_features(Path(features))
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


def _load_features(path: Path) -> SqueezeFeatures:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    net = SqueezeFeatures()
    try:
        net.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(
            f"{path}: cannot be read as SqueezeNet 1.1 features; give a safetensors file with torchvision's names."
        ) from error
    return net.eval().requires_grad_(False)


def _load_heads(path: Path) -> list[torch.Tensor]:
    """Seven weight vectors, (channels, 1, 1) each."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return [state[f"lin{index}.model.1.weight"][0].float() for index in range(len(TAPS))]
    except Exception as error:  # torch.load has no error type of its own
        raise InputError(f"{path}: cannot be read as the lpips package's squeeze weights.") from error
