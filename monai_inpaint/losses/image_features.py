"""Feature maps of grey images by networks trained on ImageNet, for style and perceptual losses; without torchvision."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn

from monai_inpaint.errors import InputError
from monai_inpaint.metrics.lpips import MEAN, STD, _load_features

POOL = 0
LAYERS = (64, 64, POOL, 128, 128, POOL, 256, 256, 256, 256, POOL, 512, 512, 512, 512, POOL, 512)
TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, ...


class ImageFeatures(nn.Module):
    """A network that does not learn: images (B, 1, H, W) in [-1, 1] to the feature maps of its layers.

    Args:
        network: takes RGB, normalised as ImageNet is, at least 32 pixels a side.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        rgb = (0.5 * (image + 1.0)).expand(-1, 3, -1, -1)
        return self.network((rgb - self.mean) / self.std)


class SqueezeNetFeatures(ImageFeatures):
    """The seven activations of SqueezeNet 1.1 that LPIPS compares.

    Args:
        weights: safetensors file with torchvision's names.

    Raises:
        InputError: the file is missing or does not hold these layers.
    """

    def __init__(self, weights: str | Path) -> None:
        super().__init__(_load_features(Path(weights)))


class Vgg19Features(ImageFeatures):
    """The five activations of VGG-19 that Gatys et al. 2016 take for the style: relu1_1, 2_1, 3_1, 4_1, 5_1.

    Args:
        weights: the file that torchvision downloads, `vgg19-dcbb9e9d.pth`.

    Raises:
        InputError: the file is missing or does not hold these layers.
    """

    def __init__(self, weights: str | Path) -> None:
        network = Vgg19()
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            network.load_state_dict({name: state[name] for name in network.state_dict()})
        except (OSError, EOFError, LookupError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
            raise InputError(
                f"{weights}: cannot be read as VGG-19; give the file that torchvision downloads, vgg19-dcbb9e9d.pth."
            ) from error
        super().__init__(network)


class Vgg19(nn.Module):
    """The convolutions of VGG-19 up to conv5_1, under torchvision's names."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential()
        before = 3
        for after in LAYERS:
            if after == POOL:
                self.features.append(nn.MaxPool2d(2))
            else:
                self.features.extend((nn.Conv2d(before, after, 3, padding=1), nn.ReLU()))
                before = after

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        outputs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                outputs.append(x)
        return outputs
