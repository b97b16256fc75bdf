"""MAT attends to what is valid only, sees the whole window, and draws the same from the same noise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F

from monai_inpaint.networks import MAT, MaskedDiscriminator
from monai_inpaint.networks.contextual_attention import ContextualAttention, maps_of, windows_of
from monai_inpaint.networks.export import export_onnx
from monai_inpaint.networks.mat import AdjustedBlock
from monai_inpaint.networks.style_modulation import StyledConv2d
from monai_inpaint.registry import find_bundle

SIDE = 64


def small(**changes: object) -> MAT:
    torch.manual_seed(0)
    sizes = {"features": 16, "heads": 2, "depths": (2, 2, 2, 2, 2), "windows": (4, 4, 4, 4, 4)}
    widths = {"widths": (16, 8, 8), "refining": (8, 16, 16), "style": 8, "side": SIDE, "limits": (0.0, 255.0)}
    return MAT(**(sizes | widths | changes)).eval()  # type: ignore[arg-type]


def film(known: tuple[slice, slice] = (slice(20, 36), slice(8, 24)), seed: int = 1) -> torch.Tensor:
    """A window of which one box is known, and noise."""
    torch.manual_seed(seed)
    x = torch.stack((255 * torch.rand(SIDE, SIDE), torch.ones(SIDE, SIDE), torch.randn(SIDE, SIDE)))[None]
    x[0, 1][known] = 0
    x[:, 0] *= 1 - x[:, 1]
    return x


@pytest.mark.parametrize("shifted", [False, True])
def test_a_window_with_a_valid_token_becomes_valid_and_no_other(shifted: bool) -> None:
    torch.manual_seed(2)
    valid = (torch.rand(1, 1, 12, 12) > 0.94).float()
    block = AdjustedBlock(8, 2, 4, shifted=shifted)

    _, after = block(torch.randn(1, 8, 12, 12), valid, None)

    start, expected = (2 if shifted else 0), torch.zeros(12, 12)
    for row in range(0, 12, 4):
        for column in range(0, 12, 4):
            cells = [((row + r + start) % 12, (column + c + start) % 12) for r in range(4) for c in range(4)]
            if any(valid[0, 0, r, c] for r, c in cells):
                for r, c in cells:
                    expected[r, c] = 1
    assert after is not None
    assert 0 < expected.sum() < 144
    torch.testing.assert_close(after[0, 0], expected)


def test_invalid_tokens_change_nothing() -> None:
    torch.manual_seed(3)
    block, valid = AdjustedBlock(8, 2, 4, shifted=True), (torch.rand(1, 1, 8, 8) > 0.8).float()
    tokens = torch.randn(1, 8, 8, 8)

    first, _ = block(tokens, valid, None)
    second, _ = block(tokens + 100 * torch.randn_like(tokens) * (1 - valid), valid, None)

    assert torch.equal(first, second)


def test_attention_is_a_mean_of_valid_values_and_nothing_where_there_are_none() -> None:
    torch.manual_seed(4)
    attention, tokens = ContextualAttention(8, 2), torch.randn(2, 5, 8)
    valid = torch.tensor([[1.0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])

    found, after = attention(tokens, valid)

    values = attention.value(tokens)[0, [0, 2]].view(2, 2, 4)
    query, key = (F.normalize(layer(tokens)[0].view(5, 2, 4), dim=-1) for layer in (attention.query, attention.key))
    for head in range(2):
        scores = query[:, head] @ key[[0, 2], head].T * attention.sharpness[head].exp()
        expected = scores.softmax(dim=1) @ values[:, head]
        torch.testing.assert_close(found[0, :, 4 * head : 4 * head + 4], expected)
    assert not found[1].any()
    assert after is not None
    assert after.tolist() == [[1.0] * 5, [0.0] * 5]


def test_windows_are_put_together_again() -> None:
    maps = torch.randn(2, 3, 8, 12)

    assert torch.equal(maps_of(windows_of(maps, 4), 8, 12), maps)


def test_a_styled_convolution_is_one_with_modulated_and_demodulated_weights() -> None:
    torch.manual_seed(5)
    layer, x, style = StyledConv2d(3, 4, 6), torch.randn(1, 3, 8, 8), torch.randn(1, 6)
    noise = torch.randn(1, 1, 16, 16)
    torch.nn.init.normal_(layer.noise)

    weights = layer.weight * layer.scale(style)[0][None, :, None, None]
    weights = weights * ((weights**2).sum(dim=(1, 2, 3), keepdim=True) + 1e-8).rsqrt()
    grain = 2 * F.avg_pool2d(noise, 2) * layer.noise[:, None, None]
    expected = F.leaky_relu(F.conv2d(x, weights, padding=1) + grain, 0.2)

    torch.testing.assert_close(layer(x, style, noise), expected)


def test_doubling_within_the_convolution_of_training_gives_what_doubling_before_it_does() -> None:
    torch.manual_seed(6)
    layer, style = StyledConv2d(3, 4, 6, up=True).double(), torch.randn(2, 6, dtype=torch.float64)
    x, noise = torch.randn(2, 3, 5, 5, dtype=torch.float64), torch.randn(2, 1, 20, 20, dtype=torch.float64)

    torch.testing.assert_close(layer.train()(x, style, noise), layer.eval()(x, style, noise), rtol=0, atol=1e-6)


def test_known_pixels_come_back_bit_for_bit_and_fills_stay_grey_levels() -> None:
    x = film()
    with torch.no_grad():
        drawn = small()(x)
    known = x[:, 1:2] == 0

    assert torch.equal(drawn[known], x[:, :1][known])
    assert drawn.min() >= 0
    assert drawn.max() <= 255


def test_the_same_noise_draws_the_same_film_and_other_noise_another() -> None:
    net, x = small(places=True), film()
    other, none = x.clone(), x.clone()
    other[:, 2] = torch.randn(SIDE, SIDE)
    none[:, 2] = 0
    with torch.no_grad():
        drawn = [net(of) for of in (x, x, other, none, none)]

    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[3], drawn[4])


def test_before_it_has_learned_noise_counts_and_no_stage_fades_or_swells() -> None:
    net, x = small(places=True), film().repeat(8, 1, 1, 1)
    x[:, 2] = torch.randn(8, SIDE, SIDE)
    sizes: list[float] = []
    for stage in net.stages:
        stage.register_forward_hook(lambda _, _given, found: sizes.append(float(found[0].std())))
    with torch.no_grad():
        drawn = net(x, composited=False)[0]

    assert drawn.std(dim=0).mean() > 0.1 * drawn.std()
    assert min(sizes) > 0.2
    assert max(sizes) < 5


def test_every_pixel_that_is_drawn_depends_on_all_that_is_known() -> None:
    net, x = small(), film((slice(0, 8), slice(0, 8)))
    x[:, 2] = 0  # the noise lets every token speak
    x.requires_grad_(True)

    (slope,) = torch.autograd.grad(net(x, composited=False)[0][0, 0, -1, -1], x)

    assert (slope[0, 0, :8, :8] != 0).float().mean() > 0.9


def test_every_pixel_that_the_shipped_network_draws_depends_on_all_that_is_known() -> None:
    settings = json.loads((find_bundle("cxr_lesion_painting").path / "configs" / "train.json").read_text("utf-8"))
    torch.manual_seed(0)
    net = MAT(**{name: value for name, value in settings["network_def"].items() if name != "_target_"}).eval()
    x = torch.zeros(1, 3, net.side, net.side)
    x[0, 1, 8:, :], x[0, 1, :, 8:] = 1, 1
    x[0, 0, :8, :8] = 255 * torch.rand(8, 8)
    x.requires_grad_(True)

    (slope,) = torch.autograd.grad(net(x, composited=False)[0][0, 0, -1, -1], x)

    assert net.side == settings["side"]
    assert (slope[0, 0, :8, :8] != 0).float().mean() > 0.9


def test_every_weight_learns() -> None:
    net = small(places=True).train()
    predicted, stages = net(torch.cat((film(), film(seed=2))), composited=False)
    (predicted.square().mean() + stages[0].square().mean()).backward()

    idle = [name for name, weights in net.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert idle == []


def test_the_published_size_draws_at_half_a_thousand_pixels() -> None:
    net = MAT()

    assert net.side == 512
    assert 40e6 < sum(weights.numel() for weights in net.parameters()) < 60e6
    assert [len(stage.blocks) for stage in net.stages] == [2, 3, 4, 3, 2]  # type: ignore[arg-type]


def test_the_exported_graph_draws_what_the_network_does(tmp_path: Path) -> None:
    net = small(places=True)
    x = torch.cat((film(), film((slice(40, 60), slice(3, 50)), 7), film(seed=9)))
    # weights are kept in half precision
    net.load_state_dict({name: weights.half().float() for name, weights in net.state_dict().items()})

    session = onnxruntime.InferenceSession(export_onnx(net, tmp_path / "mat.onnx"))
    exported = np.asarray(session.run(["pred"], {"image": x.numpy()})[0])

    with torch.no_grad():
        np.testing.assert_allclose(exported, net(x).numpy(), atol=0.05)


@pytest.mark.parametrize("side", [32, 64])
def test_the_discriminator_rates_films_of_any_side_by_their_hole_too(side: int) -> None:
    torch.manual_seed(0)
    discriminator, shown = MaskedDiscriminator(4, 3), torch.randn(3, 2, side, side)
    other = shown.clone()
    other[:, :1] += 1.0

    assert discriminator(shown).shape == (3, 1)
    assert not torch.equal(discriminator(shown), discriminator(other))
