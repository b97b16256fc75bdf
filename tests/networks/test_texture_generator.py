"""The texture network for nodules keeps the network's contract, and obeys the density."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from network_samples import parameters, windows
from torch import nn

from monai_inpaint.networks import TextureDiscriminator, TextureGenerator, export
from monai_inpaint.networks.image_features import SqueezeNet, Vgg16Pools, load_pools
from monai_inpaint.networks.texture_generator import GatedConv2d

SIDE = 64
LIMITS = (-1000.0, 500.0)


def nodules(density: float = 0.5, **ends: float) -> torch.Tensor:
    x = windows(SIDE, **ends)
    return torch.cat((x, density * x[:, 1:]), dim=1)


def texture(**arguments: object) -> TextureGenerator:
    torch.manual_seed(0)
    return TextureGenerator(features=4, **arguments).eval()


@torch.no_grad()
def painted(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net(x)


@pytest.mark.parametrize("arguments", [{}, {"limits": LIMITS}, {"stages": 1}, {"density": False}])
def test_outside_the_mask_the_image_comes_back_bit_for_bit(arguments: dict) -> None:
    x = nodules(low=-3000.0, high=5000.0)
    outside = x[:, 1:2] == 0
    filled = painted(texture(**arguments), x if arguments.get("density", True) else x[:, :2])

    assert torch.equal(filled[outside], x[:, :1][outside])
    assert torch.isfinite(filled).all()
    assert filled[~outside].std() > 0


def test_a_limited_network_makes_nothing_beyond_its_limits() -> None:
    x = nodules(low=-3000.0, high=5000.0)
    filled = painted(texture(limits=LIMITS), x)[x[:, 1:2] > 0]

    assert LIMITS[0] <= filled.min() < filled.max() <= LIMITS[1]


def test_scaling_and_shifting_a_film_scales_and_shifts_the_nodule() -> None:
    net, x = texture(), nodules()
    moved = x.clone()
    moved[:, :1] = torch.where(x[:, 1:2] > 0, 0.0, 3.0 * x[:, :1] + 500.0)

    torch.testing.assert_close(painted(net, moved), 3.0 * painted(net, x) + 500.0, rtol=1e-4, atol=3.0)


def test_what_stands_in_the_mask_is_never_seen() -> None:
    net, x = texture(), nodules()
    marked = x.clone()
    marked[:, :1][x[:, 1:2] > 0] = torch.nan

    assert torch.equal(painted(net, marked), painted(net, x))


def test_only_a_network_with_density_sees_it() -> None:
    with_density, without = texture(), texture(density=False)

    assert not torch.equal(painted(with_density, nodules(0.0)), painted(with_density, nodules(1.0)))
    assert (with_density.channels, without.channels) == (3, 2)


@pytest.mark.parametrize("stages", [1, 2])
def test_losses_see_the_prediction_and_the_earlier_stages(stages: int) -> None:
    net, x = texture(stages=stages), nodules()
    with torch.no_grad():
        predicted, early = net(x, composited=False)

    assert len(early) == stages - 1
    assert all(stage.shape == predicted.shape == x[:, :1].shape for stage in early)
    assert torch.equal(predicted[x[:, 1:2] > 0], painted(net, x)[x[:, 1:2] > 0])


def test_the_refinement_sees_the_coarse_nodule_and_the_mask_again() -> None:
    net, x, seen = texture(), nodules(), []
    net.stages[1].register_forward_hook(lambda _module, given, _output: seen.append(given[0]))
    with torch.no_grad():
        (_, (coarse,)), mask = net(x, composited=False), x[:, 1:2]

    assert torch.equal(seen[0][:, :1] * mask, coarse * mask)
    assert torch.equal(seen[0][:, 1:2], mask)


def test_the_first_stage_sees_ones_in_the_mask() -> None:
    net, x, seen = texture(), nodules(), []
    net.stages[0].register_forward_hook(lambda _module, given, _output: seen.append(given[0]))
    painted(net, x)

    assert seen[0][:, :1][x[:, 1:2] > 0].eq(1).all()


def test_a_stage_halves_twice_and_dilates_by_2_4_8_and_16() -> None:
    layers = [layer for layer in texture().stages[0].layers if isinstance(layer, GatedConv2d)]

    assert [layer.convolution.stride[0] for layer in layers].count(2) == 2
    assert [layer.convolution.dilation[0] for layer in layers if layer.convolution.dilation[0] > 1] == [2, 4, 8, 16]
    assert all(isinstance(layer.norm, nn.InstanceNorm2d) for layer in layers)


@torch.no_grad()
def test_only_nearest_upsampling_repeats_values_in_squares() -> None:
    nearest, bilinear = texture(), texture(upsampling="bilinear")
    bilinear.load_state_dict(nearest.state_dict())
    x = torch.randn(1, 3, SIDE, SIDE)

    squares, smooth = (net.stages[0].layers(x) for net in (nearest, bilinear))

    assert torch.equal(squares[..., ::2], squares[..., 1::2])
    steps = [out[..., 1:] - out[..., :-1] for out in (squares, smooth)]
    between = [step[..., 1::2].abs().mean() for step in steps]  # from one square to the next
    assert between[1] < 0.7 * between[0]
    assert steps[1][..., ::2].abs().mean() > 0.5 * between[1]


def test_a_gate_of_zero_lets_nothing_through() -> None:
    layer = GatedConv2d(1, 2, norm=False)
    with torch.no_grad():
        layer.convolution.bias[2:] = -1e4

    assert not layer(torch.randn(1, 1, 8, 8)).any()


def test_the_discriminator_has_six_spectral_layers_and_a_thirty_second_of_the_sides() -> None:
    net = TextureDiscriminator(features=2)

    assert net(torch.zeros(2, 3, 256, 128)).shape == (2, 1, 8, 4)
    assert sum(hasattr(module, "parametrizations") for module in net.modules()) == 6


def test_the_published_network_has_two_equal_stages() -> None:
    with torch.device("meta"):
        net = TextureGenerator()

    assert parameters(net.stages[0]) == parameters(net.stages[1])
    assert net.stages[0].layers[0].convolution.weight.shape == (2 * 48, 3, 5, 5)


@pytest.mark.slow
def test_the_exported_graph_takes_any_multiple_of_32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_SMALL", 10**9)  # all weights in full precision: only the graph is compared
    net = texture(limits=LIMITS)
    session = onnxruntime.InferenceSession(export.export_onnx(net, tmp_path / "model.onnx"))
    for x in (nodules(), nodules()[..., :32, :]):
        (filled,) = session.run(None, {"image": x.numpy()})

        np.testing.assert_allclose(filled, painted(net, x).numpy(), rtol=0, atol=0.1)


def test_pools_of_squeezenet_are_halved_thrice(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "squeezenet.safetensors"
    save_file(SqueezeNet().state_dict(), path)
    pools = load_pools(path)(torch.zeros(1, 1, 64, 64))

    assert [pool.shape[1] for pool in pools] == [64, 128, 256]
    assert pools[0].shape[2] > pools[1].shape[2] > pools[2].shape[2]
    assert all(pool.min() >= 0 for pool in pools)


def test_pools_of_vgg_16_are_its_first_three(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = {name: values.shape for name, values in Vgg16Pools().state_dict().items()}
    path = tmp_path / "vgg16.pth"
    torch.save({name: torch.zeros(shape) for name, shape in shapes.items()}, path)

    pools = load_pools(path)(torch.zeros(1, 1, 32, 32))

    assert [tuple(pool.shape[1:]) for pool in pools] == [(64, 16, 16), (128, 8, 8), (256, 4, 4)]
