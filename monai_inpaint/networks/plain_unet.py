"""MONAI's `BasicUNet` in 2D, as `ArtifactUNet` and `MetalUNet` use it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO

from monai.networks.nets import BasicUNet


def plain_unet(in_channels: int, out_channels: int, features: Sequence[int]) -> BasicUNet:
    """`BasicUNet` in 2D with batch normalisation; its input's sides are multiples of 16.

    Args:
        features: at full, 1/2, 1/4, 1/8 and 1/16 of its input's resolution, and of the last layer before the output.
    """
    with redirect_stdout(StringIO()):  # it prints its features
        return BasicUNet(2, in_channels, out_channels, features, act="relu", norm="batch")
