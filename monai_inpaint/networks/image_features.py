"""Features of networks trained on ImageNet (SqueezeNet 1.1, VGG-19), for losses and LPIPS; without torchvision."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn

from monai_inpaint.errors import InputError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, for RGB in [0, 1]
FIRES = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128)} | {
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}  # layer: channels in, squeezed, of each expansion
SQUEEZENET_POOLS = (2, 5, 8)
VGG16_FILE, VGG19_FILE = "vgg16-397923af.pth", "vgg19-dcbb9e9d.pth"  # as torchvision downloads them
POOL = 0
VGG16 = (64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL)
VGG = (64, 64, POOL, 128, 128, POOL, 256, 256, 256, 256, POOL, 512, 512, 512, 512, POOL, 512)


class Tapped(nn.Module):
    """A sequence of layers under torchvision's names; returns the outputs of some of them.

    Args:
        layers: the layers.
        taps: numbers of the layers whose outputs are returned.
    """

    def __init__(self, layers: list[nn.Module], taps: tuple[int, ...]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.taps = taps

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """RGB (B, 3, H, W), normalised as ImageNet is, at least 32 pixels a side."""
        outputs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                outputs.append(x)
        return outputs


class SqueezeNet(Tapped):
    """The convolutional part of SqueezeNet 1.1; returns the seven activations that LPIPS compares."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
        for index in range(2, 13):
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True) if index in (2, 5, 8) else Fire(*FIRES[index]))
        super().__init__(layers, (1, 4, 7, 9, 10, 11, 12))


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


class Vgg19(Tapped):
    """The convolutions of VGG-19 up to conv5_1; returns relu1_1, 2_1, 3_1, 4_1, 5_1 (Gatys et al. 2016)."""

    def __init__(self) -> None:
        super().__init__(_vgg(VGG), (1, 6, 11, 20, 29))


class Vgg16Pools(Tapped):
    """The convolutions of VGG-16 up to its third pooling; returns pool1, pool2 and pool3."""

    def __init__(self) -> None:
        super().__init__(_vgg(VGG16), (4, 9, 16))


def _vgg(sizes: tuple[int, ...]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    before = 3
    for after in sizes:
        if after == POOL:
            layers.append(nn.MaxPool2d(2))
        else:
            layers.extend((nn.Conv2d(before, after, 3, padding=1), nn.ReLU()))
            before = after
    return layers


def load_squeezenet(path: Path) -> SqueezeNet:
    """From a safetensors file with torchvision's names; it does not learn.

    Raises:
        InputError: the file is missing or does not contain these layers.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    net = SqueezeNet()
    try:
        net.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(
            f"{path}: cannot be read as SqueezeNet 1.1 features; give a safetensors file with torchvision's names."
        ) from error
    return net.eval().requires_grad_(False)


class ImageFeatures(nn.Module):
    """A network that does not learn: images (B, 1, H, W) in [-1, 1] to the feature maps of its layers.

    Args:
        network: its input is RGB, normalised as for ImageNet, at least 32 pixels a side.
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
        return self.network(((rgb - self.mean) / self.std).contiguous(memory_format=torch.channels_last))


class SqueezeNetFeatures(ImageFeatures):
    """The seven activations of SqueezeNet 1.1 that LPIPS compares.

    Args:
        weights: safetensors file with torchvision's names.

    Raises:
        InputError: the file is missing or does not contain these layers.
    """

    def __init__(self, weights: str | Path) -> None:
        super().__init__(load_squeezenet(Path(weights)))


class Vgg19Features(ImageFeatures):
    """Return the activations of VGG-19 that Gatys et al. 2016 use for style: relu1_1, 2_1, 3_1, 4_1, 5_1.

    Args:
        weights: the file that torchvision downloads, `vgg19-dcbb9e9d.pth`.

    Raises:
        InputError: the file is missing or does not contain these layers.
    """

    def __init__(self, weights: str | Path) -> None:
        super().__init__(_with_weights(Vgg19(), weights, "VGG-19", VGG19_FILE))


def load_features(weights: str | Path | None) -> ImageFeatures:
    """VGG-19 from torchvision's file (`.pth`), SqueezeNet 1.1 from any other.

    Raises:
        InputError: no file is named, or it is missing or does not contain these layers.
    """
    path = _named(weights, "style", VGG19_FILE)
    return Vgg19Features(path) if path.suffix == ".pth" else SqueezeNetFeatures(path)


def load_pools(weights: str | Path | None) -> ImageFeatures:
    """pool1, pool2 and pool3 of VGG-16 from torchvision's file (`.pth`), the three of SqueezeNet 1.1 from any other.

    Raises:
        InputError: no file is named, or it is missing or does not contain these layers.
    """
    path = _named(weights, "perceptual", VGG16_FILE)
    if path.suffix == ".pth":
        return ImageFeatures(_with_weights(Vgg16Pools(), path, "VGG-16", VGG16_FILE))
    return squeezenet_pools(path)


def squeezenet_pools(weights: str | Path) -> ImageFeatures:
    """The three poolings of SqueezeNet 1.1: 64, 128 and 256 channels at a quarter, an eighth and a 16th of the sides.

    Raises:
        InputError: the file is missing or does not contain these layers.
    """
    layers = list(load_squeezenet(Path(weights)).features)
    return ImageFeatures(Tapped(layers[: SQUEEZENET_POOLS[-1] + 1], SQUEEZENET_POOLS))


def _named(weights: str | Path | None, loss: str, vgg: str) -> Path:
    if weights is None:
        raise InputError(
            f"The {loss} loss needs the weights of a network trained on ImageNet: add --features FILE with "
            f"{vgg} as torchvision downloads it, or with SqueezeNet 1.1 as safetensors."
        )
    return Path(weights)


def _with_weights(network: Tapped, weights: str | Path, name: str, file: str) -> Tapped:
    """A network with its part of what torchvision downloads."""
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict({name: state[name] for name in network.state_dict()})
    except (OSError, EOFError, LookupError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        raise InputError(
            f"{weights}: cannot be read as {name}; give the file that torchvision downloads, {file}."
        ) from error
    return network
