"""The context encoder fills the centre of a window from what lies around it."""

from __future__ import annotations

import pytest
import torch
from network_samples import fill, network, parameters, windows

from monai_inpaint.networks import ContextEncoder, ContextEncoderDiscriminator
from monai_inpaint.networks.known_voxels import masked_statistics, push_pull_fill


def centre(hole: slice = slice(32, 96)) -> torch.Tensor:
    """A window of 128x128 with a square hole."""
    x = windows(128)[1:]
    x[:, 1] = 0.0
    x[:, 1, hole, hole] = 1.0
    x[:, :1] = torch.where(x[:, 1:] > 0, 0.0, torch.linspace(0, 900, 128).expand(128, 128) + torch.rand(128, 128))
    return x


def changed(x: torch.Tensor, rows: slice, columns: slice) -> torch.Tensor:
    """The same with other values in a rectangle, of the same mean and deviation."""
    other = x.clone()
    other[:, 0, rows, columns] = x[:, 0, rows, columns].flip(1, 2)
    return other


def test_the_encoder_ends_in_one_cell_and_the_decoder_in_64x64() -> None:
    net = ContextEncoder(features=4).eval()
    code = net.encoder(torch.zeros(1, 1, 128, 128))

    assert code.shape == (1, 4 * 32, 1, 1)
    assert net.decoder(code).shape == (1, 1, 64, 64)
    assert [m.out_channels for m in ContextEncoder(2).encoder if hasattr(m, "out_channels")] == [2, 4, 8, 16, 32, 64]


def test_small_holes_are_filled_as_a_part_of_the_square() -> None:
    net, x = network(ContextEncoder), centre(slice(50, 60))
    other = changed(x, slice(64, 90), slice(64, 90))

    torch.testing.assert_close(
        fill(net, other), torch.where(x[:, 1:] > 0, fill(net, x), other[:, :1]), rtol=0, atol=0.01
    )


def test_what_lies_around_the_square_is_seen() -> None:
    net, x = network(ContextEncoder), centre()
    inside = x[:, 1:] > 0

    assert (fill(net, x) - fill(net, changed(x, slice(0, 20), slice(0, 128))))[inside].abs().max() > 1.0


def test_a_ring_of_the_square_is_seen_where_it_is_left_visible() -> None:
    x = centre(slice(36, 92))
    inside = x[:, 1:] > 0
    other = changed(x, slice(32, 36), slice(32, 96))

    def moved(net: ContextEncoder) -> float:
        return (fill(net, x) - fill(net, other))[inside].abs().max().item()

    assert moved(network(ContextEncoder, ring=4)) > 0.1
    assert moved(network(ContextEncoder)) == pytest.approx(0.0, abs=0.01)


def test_with_a_ring_all_of_the_square_is_predicted_for_the_losses() -> None:
    net, x = network(ContextEncoder, ring=4), centre(slice(36, 92))
    predicted = fill(net, x, composited=False)
    differs = (predicted - x[:, :1]).abs()[0, 0] > 1e-2

    assert differs[32:96, 32:96].float().mean() > 0.95
    differs[32:96, 32:96] = False
    assert not differs.any()


def test_beyond_the_square_a_hole_is_filled_with_the_smooth_continuation() -> None:
    x = centre(slice(20, 50))
    known = 1.0 - x[:, 1:]
    mean, _ = masked_statistics(x[:, :1], known)
    expected = push_pull_fill((x[:, :1] - mean) * known, known)[0] + mean
    filled = fill(network(ContextEncoder), x)

    torch.testing.assert_close(filled[..., 20:32, 20:50], expected[..., 20:32, 20:50], rtol=0, atol=0.01)
    assert (filled - expected)[..., 32:50, 32:50].abs().max() > 1.0


def test_the_discriminator_looks_at_all_of_a_patch_and_has_doubled_channels() -> None:
    with torch.device("meta"):
        assert parameters(ContextEncoderDiscriminator()) == 11_032_064
    discriminator = ContextEncoderDiscriminator(features=2).double().eval()
    patch = torch.randn(2, 1, 64, 64, dtype=torch.float64, requires_grad=True)
    scores = discriminator(patch)
    scores[0].sum().backward()
    assert patch.grad is not None

    assert scores.shape == (2, 1, 1, 1)
    assert (patch.grad[0] != 0).all()
    assert (patch.grad[1] == 0).all()
    assert [m.out_channels for m in discriminator if hasattr(m, "out_channels")] == [2, 4, 8, 16, 1]
