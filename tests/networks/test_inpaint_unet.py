"""The network's contract: known voxels stay, units pass through, and the exported graph is the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from network_samples import windows

from monai_inpaint.networks import InpaintUNet
from monai_inpaint.networks.export import export_onnx
from monai_inpaint.networks.known_voxels import masked_statistics, push_pull_fill

SMALL = {"channels": (8, 12, 16), "encoder_blocks": (1, 1, 1), "decoder_blocks": (1, 1), "upsampling": "bilinear"}
CT = SMALL | {"limits": (-1024.0, 2000.0), "upsampling": "nearest"}


def network(**arguments: object) -> InpaintUNet:
    """With random weights everywhere: it starts with zeros where a fill would be added."""
    torch.manual_seed(0)
    made = InpaintUNet(**arguments).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0.0, 0.1).copy_(parameter.half())  # as the exported graph keeps it
    return made


def with_state(x: torch.Tensor, time: float, seed: int = 0) -> torch.Tensor:
    """The windows with noise, a state and a time: what a sampler gives."""
    hole = x[:, 1:]
    noise = torch.randn(hole.shape, generator=torch.Generator().manual_seed(seed)) * hole
    return torch.cat((x, noise, 300.0 * hole, torch.full_like(hole, time)), dim=1)


@torch.no_grad()
def fill(net: InpaintUNet, x: torch.Tensor) -> torch.Tensor:
    return net(x)


@pytest.mark.parametrize("arguments", [SMALL, CT], ids=["any", "limited"])
def test_known_voxels_come_back_bit_for_bit(arguments: dict) -> None:
    x = windows(low=-3000.0, high=5000.0)  # beyond the limits
    known = x[:, 1:] == 0
    filled = fill(network(**arguments), x)

    assert torch.equal(filled[known], x[:, :1][known])
    assert filled[~known].std() > 0
    assert torch.isfinite(filled).all()


@pytest.mark.parametrize(("scale", "shift"), [(3.0, 500.0), (0.01, -2.0), (1.0, 1e4)])
def test_scaling_and_shifting_the_image_scales_and_shifts_its_fill(scale: float, shift: float) -> None:
    net, x = network(**SMALL), windows()
    changed = x.clone()
    changed[:, :1] = torch.where(x[:, 1:] > 0, 0.0, scale * x[:, :1] + shift)
    expected = scale * fill(net, x) + shift

    torch.testing.assert_close(fill(net, changed), expected, rtol=1e-5, atol=1e-3 * scale * 1000.0)


def test_what_stands_in_the_hole_is_never_seen() -> None:
    net, x = network(**SMALL), windows()
    marked = x.clone()
    marked[:, :1][x[:, 1:] > 0] = torch.nan

    assert torch.equal(fill(net, marked), fill(net, x))


@pytest.mark.parametrize("value", [0.0, 700.0])
def test_a_flat_image_gives_a_finite_fill(value: float) -> None:
    x = windows()
    x[:, :1] = torch.where(x[:, 1:] > 0, 0.0, value)

    torch.testing.assert_close(fill(network(**SMALL), x), torch.full((2, 1, 64, 64), value), rtol=0, atol=1e-3)


def test_without_noise_state_and_time_the_network_gives_its_best_estimate() -> None:
    net, x = network(**SMALL), windows()
    empty = torch.cat((x, torch.zeros(2, 3, 64, 64)), dim=1)

    assert torch.equal(fill(net, empty), fill(net, x))


def test_noise_state_and_time_change_the_fill_and_nothing_else() -> None:
    net, x = network(**SMALL), windows()
    known = x[:, 1:] == 0
    first, other = fill(net, with_state(x, 0.5)), fill(net, with_state(x, 0.5, seed=1))

    assert torch.equal(first[known], x[:, :1][known])
    assert not torch.equal(first, other)
    assert not torch.equal(first, fill(net, with_state(x, 0.8)))


@pytest.mark.parametrize(("scale", "shift"), [(3.0, 500.0), (0.01, -2.0)])
def test_scaling_and_shifting_image_and_state_scales_and_shifts_a_sample(scale: float, shift: float) -> None:
    net, x = network(**SMALL), with_state(windows(), 0.6)
    changed = x.clone()
    changed[:, :1] = torch.where(x[:, 1:2] > 0, 0.0, scale * x[:, :1] + shift)
    changed[:, 3:4] = torch.where(x[:, 1:2] > 0, scale * x[:, 3:4] + shift, 0.0)

    torch.testing.assert_close(fill(net, changed), scale * fill(net, x) + shift, rtol=1e-5, atol=1e-3 * scale * 1000.0)


def test_at_the_end_of_the_flow_the_state_is_the_fill() -> None:
    net, x = network(**SMALL), with_state(windows(), 1.0)

    torch.testing.assert_close(fill(net, x)[x[:, 1:2] > 0], x[:, 3:4][x[:, 1:2] > 0], rtol=0, atol=1e-2)


def test_a_limited_network_fills_within_its_limits() -> None:
    x = windows(low=-3000.0, high=5000.0)
    filled = fill(network(**CT), x)[x[:, 1:] > 0]

    assert filled.min() >= -1024.0
    assert filled.max() <= 2000.0


STARTS = SMALL | {"starts": True}


def started(time: float = 0.0, near: float = 0.5, start: float = 700.0) -> torch.Tensor:
    """Windows with all inputs of a network for a slice of a volume; the image holds the start in the hole."""
    x = with_state(windows(), time)
    hole = x[:, 1:2]
    return torch.cat((torch.where(hole > 0, start, x[:, :1]), x[:, 1:], near * hole), dim=1)


@pytest.mark.parametrize("time", [0.0, 0.6])
def test_a_start_that_is_not_near_counts_for_nothing(time: float) -> None:
    net = network(**STARTS)

    assert torch.equal(fill(net, started(time, near=0.0)), fill(net, with_state(windows(), time)))


@pytest.mark.parametrize("near", [0.1, 1.0])
def test_a_network_that_has_learned_nothing_fills_with_the_start(near: float) -> None:
    net = InpaintUNet(**STARTS).eval()
    x = started(near=near)

    torch.testing.assert_close(fill(net, x)[x[:, 1:2] > 0], x[:, :1][x[:, 1:2] > 0], rtol=0, atol=1e-2)


def test_a_network_hears_how_near_the_start_is() -> None:
    net = network(**STARTS)
    one, other = (fill(net, started(near=near)) for near in (0.2, 0.9))

    assert (one - other).abs().max() > 1.0


def test_the_start_is_moved_and_scaled_with_the_image() -> None:
    net, x = network(**STARTS), started()
    moved = torch.cat((2.0 * x[:, :1] + 100.0, x[:, 1:]), dim=1)
    moved[:, :1] = torch.where((x[:, 1:2] > 0) & (x[:, 5:] == 0), 0.0, moved[:, :1])

    torch.testing.assert_close(fill(net, moved), 2.0 * fill(net, x) + 100.0, rtol=1e-3, atol=0.5)


def test_known_voxels_beside_a_start_come_back_bit_for_bit() -> None:
    x = started(0.5)
    known = x[:, 1:2] == 0

    assert torch.equal(fill(network(**STARTS), x)[known], x[:, :1][known])


def test_the_exported_graph_with_starts_is_the_same_network(tmp_path: Path) -> None:
    net = network(**STARTS)
    session = onnxruntime.InferenceSession(export_onnx(net, tmp_path / "model.onnx"))

    for x in (started(0.5), started(near=0.0)):
        (filled,) = session.run(None, {"image": x.numpy()})
        np.testing.assert_allclose(filled, fill(net, x).numpy(), rtol=0, atol=0.05)


def test_statistics_are_those_of_the_known_voxels() -> None:
    x = windows()
    mean, spread = masked_statistics(x[:, :1], 1.0 - x[:, 1:])
    known = x[0, 0][x[0, 1] == 0].numpy().astype(np.float64)

    assert mean[0].item() == pytest.approx(known.mean(), rel=1e-5)
    assert spread[0].item() == pytest.approx(known.std(), rel=1e-5)


def test_the_smooth_continuation_keeps_known_voxels() -> None:
    x = windows()

    continued = push_pull_fill(x[:, :1], 1.0 - x[:, 1:])[0]

    assert torch.equal(continued[x[:, 1:] == 0], x[:, :1][x[:, 1:] == 0])


def test_the_smooth_continuation_of_a_constant_is_that_constant() -> None:
    known = torch.ones(1, 1, 128, 128)
    known[..., 20:100, 33:105] = 0  # holds whole cells of the coarsest level
    known[..., 100:, 90:120] = 0

    torch.testing.assert_close(push_pull_fill(5.0 * known, known)[0], torch.full_like(known, 5.0))


def test_the_smooth_continuation_stays_between_the_known_values() -> None:
    x = windows(high=1.0)
    continued = push_pull_fill(x[:, :1], 1.0 - x[:, 1:])[0]

    assert continued.min() >= 0
    assert continued.max() <= 1


@pytest.mark.parametrize("arguments", [SMALL, CT], ids=["any", "limited"])
def test_the_exported_graph_is_the_same_network(arguments: dict, tmp_path: Path) -> None:
    net = network(**arguments)
    session = onnxruntime.InferenceSession(export_onnx(net, tmp_path / "model.onnx"))

    for side in (32, 64, 96):  # batch and sides are free
        x = with_state(torch.cat((windows(side), windows(side)[:1])), 0.5)
        (filled,) = session.run(None, {"image": x.numpy()})

        np.testing.assert_allclose(filled, fill(net, x).numpy(), rtol=0, atol=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
