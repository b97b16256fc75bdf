"""Partial convolutions look at what is valid only, and the mask grows as the equations say."""

from __future__ import annotations

import pytest
import torch
from network_samples import network, windows
from torch import nn

from monai_inpaint.networks import PartialConvUNet
from monai_inpaint.networks.partial_conv import PartialConv2d


def looped(layer: PartialConv2d, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Liu et al. 2018, equations 1 and 2, voxel by voxel."""
    size, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    batch, _, height, width = x.shape
    rows, columns = ((n + 2 * padding - size) // stride + 1 for n in (height, width))
    output = torch.zeros(batch, layer.out_channels, rows, columns)
    updated = torch.zeros_like(output)
    for b in range(batch):
        for i in range(rows):
            for j in range(columns):
                values, valid, count = torch.zeros(layer.out_channels), 0.0, 0
                for c in range(layer.in_channels):
                    for u in range(size):
                        for v in range(size):
                            row, column = i * stride + u - padding, j * stride + v - padding
                            count += 1
                            if 0 <= row < height and 0 <= column < width and mask[b, c, row, column] > 0:
                                valid += 1.0
                                values = values + layer.weight[:, c, u, v] * x[b, c, row, column]
                if valid > 0:
                    output[b, :, i, j] = values * count / valid + (layer.bias if layer.bias is not None else 0.0)
                    updated[b, :, i, j] = 1.0
    return output, updated


@pytest.mark.parametrize(("size", "stride", "bias"), [(3, 1, True), (3, 2, False), (5, 2, True)])
@torch.no_grad()
def test_the_layer_and_its_mask_are_those_of_a_direct_loop(size: int, stride: int, bias: bool) -> None:
    torch.manual_seed(0)
    layer = PartialConv2d(3, 2, size, stride, size // 2, bias=bias)
    x = torch.randn(2, 3, 9, 8)
    mask = torch.zeros_like(x)
    mask[0, :2, 5:, :3] = 1.0  # not the same in every channel, as where decoder and encoder meet
    mask[0, 2, 6:, 4:] = 1.0
    mask[1, :, 0, 0] = 1.0
    expected, updated = looped(layer, x, mask)
    output, grown = layer(x, mask)

    torch.testing.assert_close(output, expected)
    assert torch.equal(grown, updated)
    assert 0.0 < updated.mean() < 1.0


@torch.no_grad()
def test_where_all_is_valid_it_is_a_convolution() -> None:
    layer = PartialConv2d(2, 3, 3)
    x = torch.randn(1, 2, 6, 6)
    output, mask = layer(x, torch.ones_like(x))

    torch.testing.assert_close(output, nn.functional.conv2d(x, layer.weight, layer.bias))
    assert (mask == 1.0).all()


@torch.no_grad()
def test_the_hole_closes_by_the_window_s_reach_in_each_layer() -> None:
    layer = PartialConv2d(1, 1, 3, 1, 1)
    mask = torch.ones(1, 1, 16, 16)
    mask[..., 5:11, 5:11] = 0.0
    sizes = []
    while (mask == 0.0).any():
        sizes.append(int((mask == 0.0).sum()) ** 0.5)
        _, mask = layer(mask, mask)

    assert sizes == [6, 4, 2]


@torch.no_grad()
def test_shares_are_counted_in_full_precision_under_autocast() -> None:
    layer = PartialConv2d(300, 1, 3, 1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0**-11)
    mask = torch.ones(1, 300, 5, 5)
    mask[:, :299, 2, 2] = 0.0
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = layer(mask, mask)

    torch.testing.assert_close(output.float(), torch.full((1, 1, 5, 5), 2700 * 2.0**-11), rtol=0.01, atol=0)


def test_norms_of_the_encoder_stay_as_they_are_in_fine_tuning() -> None:
    net = network(PartialConvUNet, frozen_norm=True).train()
    before = {name: values.clone() for name, values in net.named_buffers()}
    net(windows(256).flip(2))

    kept = {name for name, values in net.named_buffers() if torch.equal(values, before[name])}
    assert kept == {name for name in before if name.startswith("encoder.")}


def test_the_first_layers_look_far_and_the_last_has_neither_norm_nor_activation() -> None:
    net = PartialConvUNet(features=2)

    assert [layer.convolution.kernel_size[0] for layer in net.encoder] == [7, 5, 5, 3, 3, 3, 3, 3]
    assert [layer.convolution.out_channels for layer in net.encoder] == [2, 4, 8, 16, 16, 16, 16, 16]
    assert [isinstance(layer.norm, nn.BatchNorm2d) for layer in net.encoder] == [False] + [True] * 7
    assert isinstance(net.decoder[0].norm, nn.Identity)
    assert isinstance(net.decoder[0].activation, nn.Identity)
