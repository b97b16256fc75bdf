"""The network's contract: known voxels stay, units pass through, and the exported graph is the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from cli_samples import smooth

from monai_inpaint.imaging.biharmonic import solve_biharmonic
from monai_inpaint.networks import InpaintUNet
from monai_inpaint.networks.export import export_onnx
from monai_inpaint.networks.known import known_statistics, plane_continuation
from monai_inpaint.networks.lattice import slab_continuation
from monai_inpaint.networks.slices import Neighbours

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


def told(x: torch.Tensor, time: float, seed: int = 0) -> torch.Tensor:
    """The windows with noise, a state and a time: what a sampler gives."""
    hole = x[:, 1:]
    noise = torch.randn(hole.shape, generator=torch.Generator().manual_seed(seed)) * hole
    return torch.cat((x, noise, 300.0 * hole, torch.full_like(hole, time)), dim=1)


def windows(side: int = 64, low: float = 0.0, high: float = 1000.0) -> torch.Tensor:
    """Two windows with holes of two sizes: the image with the hole zeroed, then the hole."""
    image = np.stack([low + (high - low) * smooth((side, side), seed) for seed in (1, 2)])
    hole = np.zeros_like(image)
    hole[0, side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    hole[1, 3:9, -12:] = 1
    return torch.from_numpy(np.stack((np.where(hole > 0, 0.0, image), hole), axis=1)).float()


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
    first, other = fill(net, told(x, 0.5)), fill(net, told(x, 0.5, seed=1))

    assert torch.equal(first[known], x[:, :1][known])
    assert not torch.equal(first, other)
    assert not torch.equal(first, fill(net, told(x, 0.8)))


@pytest.mark.parametrize(("scale", "shift"), [(3.0, 500.0), (0.01, -2.0)])
def test_scaling_and_shifting_image_and_state_scales_and_shifts_a_sample(scale: float, shift: float) -> None:
    net, x = network(**SMALL), told(windows(), 0.6)
    changed = x.clone()
    changed[:, :1] = torch.where(x[:, 1:2] > 0, 0.0, scale * x[:, :1] + shift)
    changed[:, 3:4] = torch.where(x[:, 1:2] > 0, scale * x[:, 3:4] + shift, 0.0)

    torch.testing.assert_close(fill(net, changed), scale * fill(net, x) + shift, rtol=1e-5, atol=1e-3 * scale * 1000.0)


def test_at_the_end_of_the_flow_the_state_is_the_fill() -> None:
    net, x = network(**SMALL), told(windows(), 1.0)

    torch.testing.assert_close(fill(net, x)[x[:, 1:2] > 0], x[:, 3:4][x[:, 1:2] > 0], rtol=0, atol=1e-2)


def test_a_limited_network_fills_within_its_limits() -> None:
    x = windows(low=-3000.0, high=5000.0)
    filled = fill(network(**CT), x)[x[:, 1:] > 0]

    assert filled.min() >= -1024.0
    assert filled.max() <= 2000.0


VOLUMES = SMALL | {"volumes": True}


def slab(depth: int, ratio: float, time: float = 0.0, side: int = 64) -> torch.Tensor:
    """Two slabs with a hole in their middle slices, and all that a network of volumes is told."""
    planes = [told(windows(side), time, seed=k) for k in range(depth)]
    for k in {0, depth - 1} if depth > 2 else ():
        planes[k][:, 1:] = 0
        planes[k][:, :1] = windows(side)[:, :1] + 3.0
    stack = torch.stack(planes, dim=2)
    return torch.cat((stack, torch.full_like(stack[:, :1], ratio)), dim=1)


@pytest.mark.parametrize("time", [0.0, 0.6])
def test_a_slab_of_one_slice_is_filled_as_that_slice(time: float) -> None:
    net, x = network(**VOLUMES), slab(1, 2.0, time)

    torch.testing.assert_close(fill(net, x)[:, :, 0], fill(net, x[:, :5, 0]), rtol=1e-5, atol=1e-2)


def test_neighbouring_slices_matter_and_near_ones_most() -> None:
    net, x = network(**VOLUMES), slab(3, 1.0)
    changed = x.clone()
    changed[:, :1, 0] += 200.0
    far, far_changed = x.clone(), changed.clone()
    far[:, 5], far_changed[:, 5] = 50.0, 50.0

    def moved(one: torch.Tensor, other: torch.Tensor) -> float:
        return (fill(net, one) - fill(net, other))[:, :, 1].abs().mean().item()

    assert moved(x, changed) > 1.0
    assert moved(x, changed) != pytest.approx(moved(far, far_changed), rel=1e-3)


def test_known_voxels_of_a_slab_come_back_bit_for_bit() -> None:
    x = slab(4, 3.0, 0.5)
    known = x[:, 1:2] == 0

    assert torch.equal(fill(network(**VOLUMES), x)[known], x[:, :1][known])


def holed(image: torch.Tensor, slices: slice, side: slice = slice(20, 44)) -> tuple[torch.Tensor, torch.Tensor]:
    """A slab (1, 1, D, 64, 64) with a hole, zeroed, and what is known of it."""
    known = torch.ones_like(image)
    known[:, :, slices, side, side] = 0.0
    return image * known, known


def wavy(depth: int) -> torch.Tensor:
    places = torch.meshgrid(*(torch.arange(float(n)) for n in (depth, 64, 64)), indexing="ij")
    return (torch.sin(places[0] / 8) + torch.cos(places[1] / 9) * torch.sin(places[2] / 7))[None, None]


def test_the_continuation_of_a_slab_runs_straight_between_the_nearest_known_slices() -> None:
    image = torch.arange(9.0).view(1, 1, 9, 1, 1).expand(1, 1, 9, 64, 64).clone()
    start = slab_continuation(*holed(image, slice(3, 6), slice(None)))

    torch.testing.assert_close(start.smooth, image, rtol=0, atol=0.02)
    torch.testing.assert_close(start.before[0, 0, 3:6, 0, 0], torch.full((3,), 2.0))
    torch.testing.assert_close(start.after[0, 0, 3:6, 0, 0], torch.full((3,), 6.0))
    torch.testing.assert_close(start.near_before[0, 0, 2:7, 0, 0], torch.tensor([0, 1, 1 / 2, 1 / 3, 0]))
    torch.testing.assert_close(start.near_after[0, 0, 2:7, 0, 0], torch.tensor([0, 1 / 3, 1 / 2, 1, 0]))


def test_the_continuation_of_a_slab_comes_close_to_the_biharmonic_fill() -> None:
    image = wavy(12)
    voided, known = holed(image, slice(3, 9))
    hole = known == 0
    start = slab_continuation(voided, known)
    biharmonic = torch.from_numpy(solve_biharmonic(voided[0, 0].numpy(), hole[0, 0].numpy())).float()

    def off(fill: torch.Tensor) -> float:
        return (fill[hole] - biharmonic).abs().mean().item()

    assert off(start.smooth) < 0.7 * min(off(start.plane), off(start.before), off(start.after))


def test_the_continuation_of_a_slab_keeps_known_voxels() -> None:
    voided, known = holed(wavy(6), slice(2, 5))

    assert torch.equal(slab_continuation(voided, known).smooth[known == 1], voided[known == 1])


def test_the_continuation_of_a_slab_of_one_slice_is_that_of_the_slice() -> None:
    voided, known = holed(wavy(1), slice(0, 1))
    start = slab_continuation(voided, known)

    for values in (start.smooth, start.before, start.after):
        torch.testing.assert_close(values[:, :, 0], plane_continuation(voided[:, :, 0], known[:, :, 0])[0])


def test_slabs_of_a_batch_are_continued_each_by_itself() -> None:
    first, known = holed(wavy(6), slice(1, 4))
    other, known_of_other = holed(5.0 * wavy(6).flip(2), slice(2, 6))
    together = slab_continuation(torch.cat((first, other)), torch.cat((known, known_of_other)))

    torch.testing.assert_close(together.smooth[:1], slab_continuation(first, known).smooth)
    torch.testing.assert_close(together.smooth[1:], slab_continuation(other, known_of_other).smooth)


def test_slices_of_a_slab_only_hear_of_their_own_slab() -> None:
    neighbours = Neighbours(3, torch.tensor([1.0, 1.0]), torch.ones(6, 1, 4, 4))
    features = torch.cat((torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2)))

    for told in (neighbours.before(4, features), neighbours.after(4, features), neighbours.between(2, features)):
        torch.testing.assert_close(told, features)


def test_before_and_after_are_the_slices_on_either_side() -> None:
    features = torch.arange(3.0)[:, None, None, None].expand(3, 1, 2, 2)
    neighbours = Neighbours(3, torch.tensor([5.0]), torch.ones(3, 1, 4, 4))  # thick slices: only the next one counts

    torch.testing.assert_close(
        neighbours.before(1, features)[:, 0, 0, 0], torch.tensor([0.0, 0.0, 1.0]), atol=0.05, rtol=0
    )
    torch.testing.assert_close(
        neighbours.after(1, features)[:, 0, 0, 0], torch.tensor([1.0, 2.0, 2.0]), atol=0.05, rtol=0
    )


def test_features_are_carried_across_a_hole_from_the_known_cells_on_either_side() -> None:
    features = torch.tensor([0.0, 77.0, 77.0, 77.0, 4.0])[:, None, None, None].expand(5, 1, 2, 2)
    known = torch.ones(5, 1, 4, 4)
    known[1:4, :, :2] = 0.0  # the upper cells
    told = Neighbours(5, torch.tensor([3.0]), known).between(2, features)

    torch.testing.assert_close(told[1:4, 0, 0, 0], torch.tensor([1.0, 2.0, 3.0]))
    assert (told[1:4, 0, 1] > 10).all()  # what is known there counts


def test_features_without_a_known_cell_before_or_after_stay_as_they_are() -> None:
    features = torch.rand(3, 2, 2, 2)

    assert torch.equal(Neighbours(3, torch.tensor([1.0]), torch.zeros(3, 1, 4, 4)).between(2, features), features)


def test_the_exported_graph_of_volumes_is_the_same_network(tmp_path: Path) -> None:
    net = network(**VOLUMES)
    slices = export_onnx(net, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(export_onnx(net, tmp_path / "slabs.onnx", weights_of=slices))

    for depth, side in ((1, 64), (3, 32), (5, 64)):
        x = slab(depth, 2.5, 0.5, side)
        (filled,) = session.run(None, {"image": x.numpy()})

        np.testing.assert_allclose(filled, fill(net, x).numpy(), rtol=0, atol=0.05)


def test_statistics_are_those_of_the_known_voxels() -> None:
    x = windows()
    mean, spread = known_statistics(x[:, :1], 1.0 - x[:, 1:])
    known = x[0, 0][x[0, 1] == 0].numpy().astype(np.float64)

    assert mean[0].item() == pytest.approx(known.mean(), rel=1e-5)
    assert spread[0].item() == pytest.approx(known.std(), rel=1e-5)


def test_the_smooth_continuation_keeps_known_voxels() -> None:
    x = windows()

    continued = plane_continuation(x[:, :1], 1.0 - x[:, 1:])[0]

    assert torch.equal(continued[x[:, 1:] == 0], x[:, :1][x[:, 1:] == 0])


def test_the_smooth_continuation_of_a_constant_is_that_constant() -> None:
    known = torch.ones(1, 1, 128, 128)
    known[..., 20:100, 33:105] = 0  # holds whole cells of the coarsest level
    known[..., 100:, 90:120] = 0

    torch.testing.assert_close(plane_continuation(5.0 * known, known)[0], torch.full_like(known, 5.0))


def test_the_smooth_continuation_stays_between_the_known_values() -> None:
    x = windows(high=1.0)
    continued = plane_continuation(x[:, :1], 1.0 - x[:, 1:])[0]

    assert continued.min() >= 0
    assert continued.max() <= 1


@pytest.mark.parametrize("arguments", [SMALL, CT], ids=["any", "limited"])
def test_the_exported_graph_is_the_same_network(arguments: dict, tmp_path: Path) -> None:
    net = network(**arguments)
    session = onnxruntime.InferenceSession(export_onnx(net, tmp_path / "model.onnx"))

    for side in (32, 64, 96):  # batch and sides are free
        x = told(torch.cat((windows(side), windows(side)[:1])), 0.5)
        (filled,) = session.run(None, {"image": x.numpy()})

        np.testing.assert_allclose(filled, fill(net, x).numpy(), rtol=0, atol=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
