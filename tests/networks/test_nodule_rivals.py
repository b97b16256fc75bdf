"""The systems that the nodule paper compares with keep the network's contract, and learn with their own terms."""

from __future__ import annotations

import pytest
import torch
from cli_samples import smooth
from network_samples import fill, windows
from torch import nn

from monai_inpaint.losses import HoleL1
from monai_inpaint.networks import (
    CTSDG,
    EdgeConnect,
    PartialConvUNet,
    SpectralPatchDiscriminator,
    TwoStreamDiscriminator,
)
from monai_inpaint.networks.edges import edges_of, known_edges
from monai_inpaint.networks.generator import WindowGenerator
from monai_inpaint.training import (
    DiscriminatorTask,
    EdgeDiscriminatorTask,
    EdgesAndImage,
    ImageAndEdges,
    ImageOnly,
    IntermediateLoss,
)
from monai_inpaint.training.edge_terms import as_edges
from monai_inpaint.training.filled_batch import FilledBatch

SIDE = 64
RIVALS = {
    EdgeConnect: {"features": 2},
    CTSDG: {"features": 2, "levels": 6},
    PartialConvUNet: {"features": 2, "levels": 6},
}
every_rival = pytest.mark.parametrize("kind", RIVALS, ids=[kind.__name__ for kind in RIVALS])


def rival(kind: type[WindowGenerator], **arguments: object) -> WindowGenerator:
    torch.manual_seed(0)
    made = kind(**RIVALS[kind] | arguments)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        made.train()(windows(SIDE))
    return made.eval()


def batch_of(net: WindowGenerator) -> FilledBatch:
    x = windows(SIDE)
    truth = torch.stack([torch.from_numpy(1000 * smooth((SIDE, SIDE), seed))[None] for seed in (1, 2)]).float()
    given = net.train()(x, composited=False)
    predicted, stages = given if isinstance(given, tuple) else (given, ())
    return FilledBatch.of(predicted, x, torch.cat((truth, x[:, 1:]), dim=1), net.intensity_range(x), stages)


@every_rival
def test_outside_the_hole_the_image_comes_back_bit_for_bit(kind: type[WindowGenerator]) -> None:
    net, x = rival(kind, limits=(-1000.0, 500.0)), windows(SIDE, low=-3000.0, high=2000.0)
    known = x[:, 1:] == 0
    filled = fill(net, x)

    assert torch.equal(filled[known], x[:, :1][known])
    assert filled[~known].std() > 0


@every_rival
def test_what_stands_in_the_hole_is_never_seen(kind: type[WindowGenerator]) -> None:
    net, x = rival(kind), windows(SIDE)
    marked = x.clone()
    marked[:, :1][x[:, 1:] > 0] = torch.nan

    assert torch.equal(fill(net, marked), fill(net, x))


def test_edges_lie_on_a_step_and_nowhere_else() -> None:
    image = torch.full((1, 1, 40, 40), -0.5)
    image[..., 20:] = 0.5
    edges = edges_of(image)[0, 0]

    assert edges[5:-5].sum(dim=1).eq(1).all()
    assert edges[5:-5, 19:21].any(dim=1).all()
    assert not edges_of(torch.zeros(1, 1, 16, 16)).any()


def test_the_rim_of_a_hole_is_no_edge() -> None:
    known = torch.ones(1, 1, 40, 40)
    known[..., 10:25, 10:25] = 0.0

    assert edges_of(0.8 * known).any()
    assert not known_edges(0.8 * known, known).any()


def test_edge_connect_trains_its_edges_by_their_own_discriminator_alone() -> None:
    net = rival(EdgeConnect)
    HoleL1()((batch := batch_of(net)).fill, torch.cat((batch.truth, batch.region), dim=1)).backward()

    assert all(values.grad is None for values in net.edges.parameters())
    assert any(values.grad is not None and values.grad.any() for values in net.image.parameters())

    discriminator = SpectralPatchDiscriminator(2, 2)
    task = DiscriminatorTask(
        discriminator, torch.optim.Adam(discriminator.parameters(), 1e-3), EdgesAndImage(), 1.0, perceptual=10.0,
        layers=[0, 1, 1, 1, 1, 0], summed=False,
    )  # fmt: skip
    edges = EdgeDiscriminatorTask(task)
    shares = edges.learn(batch_of(net).detached())
    edges.term(batch_of(net)).backward()

    assert 0 < shares["real"] < 1
    assert any(values.grad is not None and values.grad.any() for values in net.edges.parameters())


def test_ctsdg_trains_each_stream_through_the_other() -> None:
    net = rival(CTSDG)
    IntermediateLoss()(batch_of(net)).backward()

    for stream in (net.texture, net.structure):
        assert all(values.grad is not None for values in stream.parameters())


def test_the_discriminators_of_ctsdg_see_the_edges_that_belong_to_the_image() -> None:
    batch = batch_of(rival(CTSDG))
    _, real = ImageAndEdges()(batch.truth, batch)
    image, made = ImageAndEdges()(batch.fill, batch)

    assert torch.equal(real, edges_of(batch.truth))
    assert torch.equal(made, as_edges(batch).fill)
    assert TwoStreamDiscriminator(2)(image, made).shape[:2] == (2, 1)
    assert ImageOnly()(image, batch)[0] is image
