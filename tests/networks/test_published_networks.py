"""The published generators keep the network's contract, and have the sizes that were published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from network_samples import SLIM, fill, network, parameters, windows
from torch import nn

from monai_inpaint.networks import GLCIC, CasNet, ContextEncoder, GLCICDiscriminator, PartialConvUNet, export
from monai_inpaint.networks.casnet import UBlock
from monai_inpaint.networks.generator import WindowGenerator

every_generator = pytest.mark.parametrize("kind", SLIM, ids=[kind.__name__ for kind in SLIM])


@every_generator
@pytest.mark.parametrize("limits", [None, (-1024.0, 2000.0)], ids=["any", "limited"])
def test_known_voxels_come_back_bit_for_bit(kind: type[WindowGenerator], limits: tuple | None) -> None:
    x = windows(kind.side, low=-3000.0, high=5000.0)  # beyond the limits
    known = x[:, 1:] == 0
    filled = fill(network(kind, limits=limits), x)

    assert torch.equal(filled[known], x[:, :1][known])
    assert torch.isfinite(filled).all()
    assert filled[~known].std() > 0


@every_generator
@pytest.mark.parametrize(("scale", "shift"), [(3.0, 500.0), (0.01, -2.0)])
def test_scaling_and_shifting_the_image_scales_and_shifts_its_fill(
    kind: type[WindowGenerator], scale: float, shift: float
) -> None:
    net, x = network(kind), windows(kind.side)
    changed = x.clone()
    changed[:, :1] = torch.where(x[:, 1:] > 0, 0.0, scale * x[:, :1] + shift)

    torch.testing.assert_close(fill(net, changed), scale * fill(net, x) + shift, rtol=1e-5, atol=scale)


@every_generator
def test_what_stands_in_the_hole_is_never_seen(kind: type[WindowGenerator]) -> None:
    net, x = network(kind), windows(kind.side)
    marked = x.clone()
    marked[:, :1][x[:, 1:] > 0] = torch.nan

    assert torch.equal(fill(net, marked), fill(net, x))


@every_generator
def test_a_flat_image_is_filled_flat(kind: type[WindowGenerator]) -> None:
    x = windows(kind.side)
    x[:, :1] = torch.where(x[:, 1:] > 0, 0.0, 700.0)

    torch.testing.assert_close(
        fill(network(kind), x), torch.full((2, 1, kind.side, kind.side), 700.0), rtol=0, atol=1e-3
    )


@every_generator
def test_a_limited_network_fills_within_its_limits(kind: type[WindowGenerator]) -> None:
    x = windows(kind.side, low=-3000.0, high=5000.0)
    filled = fill(network(kind, limits=(-1024.0, 2000.0)), x)[x[:, 1:] > 0]

    assert filled.min() >= -1024.0
    assert filled.max() <= 2000.0


@every_generator
def test_losses_see_all_that_is_predicted(kind: type[WindowGenerator]) -> None:
    net, x = network(kind), windows(kind.side)
    inside = x[:, 1:] > 0
    predicted, filled = fill(net, x, composited=False), fill(net, x)

    assert torch.equal(predicted[inside], filled[inside])
    if kind is not ContextEncoder:  # which predicts the centre only
        assert not torch.equal(predicted[~inside], filled[~inside])


@every_generator
def test_truth_and_fill_come_to_the_range_of_the_losses(kind: type[WindowGenerator]) -> None:
    x = windows(kind.side)
    known = x[:, 1:] == 0
    centre, reach = network(kind).intensity_range(x)
    normal = ((x[:, :1] - centre) / reach)[0][known[0]]

    assert normal.mean().item() == pytest.approx(0.0, abs=1e-5)
    assert normal.std().item() == pytest.approx(1 / 3, rel=1e-3)


def test_limits_are_the_ends_of_the_range() -> None:
    centre, reach = network(GLCIC, limits=(-1000.0, 2000.0)).intensity_range(windows(256))

    assert (centre - reach, centre + reach) == (-1000.0, 2000.0)


@every_generator
@pytest.mark.slow
def test_the_exported_graph_is_the_same_network(
    kind: type[WindowGenerator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_SMALL", 10**9)  # all weights in full precision: only the graph is compared
    net = network(kind, limits=(-500.0, 1500.0) if kind is GLCIC else None)
    session = onnxruntime.InferenceSession(export.export_onnx(net, tmp_path / "model.onnx"))

    x = torch.cat((windows(kind.side), windows(kind.side)[:1]))
    (filled,) = session.run(None, {"image": x.numpy()})
    expected = fill(net, x).numpy()

    assert session.get_inputs()[0].shape[2:] == [kind.side, kind.side]
    np.testing.assert_allclose(filled, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("kind", "published"),
    [(ContextEncoder, 357_069_824), (CasNet, 326_446_854), (GLCIC, 6_068_353), (PartialConvUNet, 32_852_298)],
)
def test_generators_have_as_many_parameters_as_published(kind: type[WindowGenerator], published: int) -> None:
    with torch.device("meta"):
        assert parameters(kind()) == published


def test_a_block_of_casnet_is_the_u_net_of_pix2pix() -> None:
    of_two_colours = 2 * 64 * 16 + 2 * (128 * 16 + 1)  # in the first and in the last convolution
    with torch.device("meta"):
        assert parameters(UBlock()) == 54_413_955 - of_two_colours  # what pix2pix has for RGB


def test_a_block_of_casnet_looks_at_all_of_256x256_through_one_cell() -> None:
    block = UBlock(2).eval()
    cells = []
    block.down[-1].register_forward_hook(lambda _module, _inputs, output: cells.append(output.shape))

    assert block(torch.zeros(1, 1, 256, 256)).shape == (1, 1, 256, 256)
    assert cells == [(1, 16, 1, 1)]


def test_casnet_does_not_see_where_the_hole_is() -> None:
    net, x = network(CasNet), windows(256)
    image = torch.rand(1, 1, 256, 256)

    assert torch.equal(net.predict(image, x[:1, 1:]), net.predict(image, torch.ones_like(image)))


def test_casnet_has_as_many_blocks_as_asked_for() -> None:
    one, three = CasNet(blocks=1, features=2), CasNet(blocks=3, features=2)

    assert parameters(three) == 3 * parameters(one)


def test_the_generator_of_glcic_has_seventeen_layers_and_a_norm_after_all_but_the_last() -> None:
    net = GLCIC(features=4)
    layers = [type(module) for module in net.layers]

    assert layers.count(nn.Conv2d) + layers.count(nn.ConvTranspose2d) == 17
    assert layers.count(nn.BatchNorm2d) == 16
    assert [m.dilation[0] for m in net.layers if isinstance(m, nn.Conv2d)][6:10] == [2, 4, 8, 16]


def test_the_discriminators_of_glcic_describe_image_and_patch_by_1024_numbers_each() -> None:
    with torch.device("meta"):
        discriminator = GLCICDiscriminator()
        image, patch = torch.zeros(3, 1, 256, 256), torch.zeros(3, 1, 128, 128)

        assert discriminator.whole(image).shape == discriminator.local(patch).shape == (3, 1024)
        assert discriminator.whole[:-3](image).shape == discriminator.local[:-3](patch).shape == (3, 512, 4, 4)
        assert discriminator(image, patch).shape == (3, 1)
        assert parameters(discriminator) == 45_057_281


def test_the_discriminators_of_glcic_take_smaller_images() -> None:
    assert GLCICDiscriminator(side=128, features=2)(torch.zeros(2, 1, 128, 128), torch.zeros(2, 1, 64, 64)).shape == (
        2,
        1,
    )


@pytest.mark.parametrize(("layers", "channels", "seen", "side", "patches"), [(3, 2, 70, 256, 30), (2, 1, 34, 64, 14)])
def test_patch_discriminators_see_70x70_of_image_and_context_and_34x34_of_a_hole(
    layers: int, channels: int, seen: int, side: int, patches: int
) -> None:
    torch.manual_seed(0)
    discriminator = (
        PatchDiscriminator(spatial_dims=2, channels=4, in_channels=channels, num_layers_d=layers).double().eval()
    )
    image = torch.randn(1, channels, side, side, dtype=torch.float64, requires_grad=True)
    features = discriminator(image)
    scores = features[-1]
    scores[0, 0, patches // 2, patches // 2].backward()
    assert image.grad is not None
    touched = image.grad[0] != 0

    assert scores.shape == (1, 1, patches, patches)
    assert touched.any(dim=2).sum(dim=1).tolist() == touched.any(dim=1).sum(dim=1).tolist() == [seen] * channels
    assert [f.shape[1] for f in features] == [4 * 2**n for n in range(layers + 1)] + [1]  # for the perceptual loss
    norms = [any(isinstance(m, nn.BatchNorm2d) for m in layer.modules()) for layer in discriminator.children()]
    assert norms == [False] + [True] * layers + [False]
