"""Losses of the published systems: the papers' equations on tensors small enough to compute by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from monai_inpaint.errors import InputError
from monai_inpaint.losses import (
    AdversarialLoss,
    BorderWeightedL2,
    FeatureLoss,
    PartialConvLoss,
    StyleLoss,
)
from monai_inpaint.losses.feature_losses import gram
from monai_inpaint.losses.hole_losses import region_mean
from monai_inpaint.losses.partial_conv_loss import total_variation
from monai_inpaint.networks import SqueezeNetFeatures, Vgg19Features
from monai_inpaint.networks.image_features import ImageFeatures, SqueezeNet, Vgg19


def target(truth: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    return torch.cat((truth, region), dim=1)


def test_a_mean_over_a_region_counts_small_and_large_holes_alike() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0, 9.0], [5.0, 9.0, 9.0, 9.0]]).view(2, 1, 2, 2)
    region = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]).view(2, 1, 2, 2)

    assert region_mean(values, region).tolist() == [2.0, 5.0]
    assert region_mean(values, torch.zeros_like(region)).tolist() == [0.0, 0.0]


def square(side: int, hole: int) -> torch.Tensor:
    region, first = torch.zeros(1, 1, side, side), (side - hole) // 2
    region[..., first : first + hole, first : first + hole] = 1.0
    return region


@pytest.mark.parametrize("side", [128, 64], ids=["in a window", "the patch alone"])
def test_four_pixels_at_the_border_of_the_square_count_ten_times(side: int) -> None:
    region = square(side, 64)
    truth, fill = torch.zeros_like(region), torch.full_like(region, 0.5)
    expected = 0.25 * (10 * (64**2 - 56**2) + 56**2) / 64**2

    assert BorderWeightedL2()(fill, target(truth, region)).item() == pytest.approx(expected)


def test_errors_outside_the_region_do_not_count() -> None:
    region = square(32, 16)

    assert BorderWeightedL2()(1.0 - region, target(torch.zeros_like(region), region)).item() == 0.0


def test_one_wrong_pixel_counts_by_its_place() -> None:
    region = square(32, 16)
    at_border, inside = torch.zeros_like(region), torch.zeros_like(region)
    at_border[..., 11, 15] = inside[..., 12, 15] = 2.0  # the fourth and the fifth row of the square
    truth = target(torch.zeros_like(region), region)

    assert BorderWeightedL2()(at_border, truth).item() == pytest.approx(10 * 4 / 256)
    assert BorderWeightedL2()(inside, truth).item() == pytest.approx(4 / 256)


REAL, FILLED = torch.tensor([[2.0, 0.0]]), torch.tensor([[-1.0, 3.0]])


def probability(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


@pytest.mark.parametrize(
    ("criterion", "discriminator", "generator"),
    [
        (
            "bce",
            -(math.log(probability(2)) + math.log(probability(0))) / 2
            - (math.log(1 - probability(-1)) + math.log(1 - probability(3))) / 2,
            -(math.log(probability(-1)) + math.log(probability(3))) / 2,
        ),
        ("hinge", (0 + 1) / 2 + (0 + 4) / 2, -(-1 + 3) / 2),
        ("least_squares", 0.5 * (1 + 1) / 2 + 0.5 * (1 + 9) / 2, 0.5 * (4 + 4) / 2),
    ],
)
def test_adversarial_losses_are_those_of_the_papers(criterion: str, discriminator: float, generator: float) -> None:
    loss = AdversarialLoss(criterion)

    assert loss.for_discriminator(REAL, FILLED).item() == pytest.approx(discriminator, rel=1e-5)
    assert loss.for_generator(FILLED).item() == pytest.approx(generator, rel=1e-5)


def test_where_nothing_can_be_told_apart_the_game_is_worth_minus_log_4() -> None:
    undecided = torch.zeros(3, 1, 30, 30)

    assert AdversarialLoss("bce").for_discriminator(undecided, undecided).item() == pytest.approx(math.log(4))


def test_a_discriminator_that_is_sure_still_tells_the_generator_where_to_go() -> None:
    sure = torch.full((1, 1), -200.0, requires_grad=True)
    AdversarialLoss("bce").for_generator(sure).backward()

    assert sure.grad is not None
    assert sure.grad.item() == pytest.approx(-1.0)


def test_an_unknown_criterion_is_said_plainly() -> None:
    with pytest.raises(ValueError, match="bce, hinge or least_squares"):
        AdversarialLoss("wasserstein")  # pyright: ignore[reportArgumentType]


def test_a_gram_matrix_holds_how_features_go_together() -> None:
    features = torch.tensor([[1.0, 2.0], [3.0, 0.0]]).view(1, 2, 1, 2)

    torch.testing.assert_close(gram(features)[0], torch.tensor([[5.0, 3.0], [3.0, 9.0]]) / 4)


def two_layers(image: torch.Tensor) -> list[torch.Tensor]:
    """The image itself, and beside it twice the image."""
    return [image, torch.cat((image, 2.0 * image), dim=1)]


def test_style_is_equation_3() -> None:
    fill, truth = torch.tensor([[1.0, 3.0]]).view(1, 1, 1, 2), torch.tensor([[1.0, 1.0]]).view(1, 1, 1, 2)
    first = (10 / 2 - 2 / 2) ** 2 / (4 * 1)
    ones = 10 / 4 - 2 / 4  # what the Gram matrices of (f, 2f) differ by, times 1, 2, 2 and 4
    second = (1 + 4 + 4 + 16) * ones**2 / (4 * 4)

    assert StyleLoss(two_layers)(fill, truth).item() == pytest.approx(first + second)
    assert StyleLoss(two_layers, weights=(0.5, 2.0))(fill, truth).item() == pytest.approx(0.5 * first + 2 * second)


def test_style_does_not_see_where_a_texture_lies() -> None:
    image = torch.rand(2, 1, 8, 8)

    assert StyleLoss(two_layers)(image.flip(3), image).item() == pytest.approx(0.0, abs=1e-6)


def test_a_gram_matrix_does_not_overflow_in_half_precision() -> None:
    assert torch.isfinite(gram(torch.full((1, 4, 128, 128), 30.0, dtype=torch.float16))).all()


def test_perceptual_is_equation_4_from_the_raw_image_on() -> None:
    images = torch.tensor([1.0, -1.0]).view(1, 1, 1, 2), torch.zeros(1, 1, 1, 2)
    features = torch.tensor([[5.0], [2.0]]).view(1, 2, 1, 1), torch.tensor([[1.0], [2.0]]).view(1, 2, 1, 1)
    fill, truth = [images[0], features[0]], [images[1], features[1]]

    assert FeatureLoss()(fill, truth).item() == pytest.approx(1.0 + 2.0)
    assert FeatureLoss(weights=(1.0, 0.25))(fill, truth).item() == pytest.approx(1.0 + 0.5)


def test_weights_must_be_as_many_as_layers() -> None:
    with pytest.raises(ValueError, match="zip"):
        FeatureLoss(weights=(1.0,))(two_layers(torch.zeros(1, 1, 2, 2)), two_layers(torch.zeros(1, 1, 2, 2)))


def test_total_variation_is_that_of_the_hole_and_one_voxel_around() -> None:
    image = torch.arange(5.0).expand(1, 1, 5, 5)
    hole = torch.zeros(1, 1, 5, 5)
    hole[..., 2, 2] = 1.0

    assert total_variation(image, hole).item() == pytest.approx(3 * 2 / 25)  # three rows, two steps of 1


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_the_loss_of_partial_convolutions_is_equation_7_whatever_the_scale_of_the_features(scale: float) -> None:
    truth = torch.zeros(1, 1, 1, 4)
    hole = torch.tensor([0.0, 0.0, 0.0, 1.0]).view(1, 1, 1, 4)
    fill = torch.tensor([1.0, 0.0, 0.0, 2.0]).view(1, 1, 1, 4)  # composited: 0, 0, 0, 2
    perceptual = 3 / 4 + 2 / 4
    style = (15 - 4) / 4 + (12 - 4) / 4  # features 2, 1, 1, 3 and 1, 1, 1, 3; of the truth 1, 1, 1, 1

    loss = PartialConvLoss(lambda image: [scale * (image + 1.0)])(fill, target(truth, hole))
    assert loss.item() == pytest.approx(1 / 4 + 6 * 2 / 4 + 0.05 * perceptual + 120 * style + 0.1 * 2 / 4)


@pytest.fixture
def squeezenet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_file(SqueezeNet().state_dict(), tmp_path / "squeezenet.safetensors")
    return tmp_path / "squeezenet.safetensors"


def test_features_of_grey_images_let_the_slope_through_and_do_not_learn(squeezenet: Path) -> None:
    network = SqueezeNetFeatures(squeezenet)
    image = torch.rand(1, 1, 32, 32, requires_grad=True)
    StyleLoss(network)(image, torch.zeros(1, 1, 32, 32)).backward()

    assert len(network(image)) == 7
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_images_enter_the_network_as_imagenet_does() -> None:
    class Seen(nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [x]

    (rgb,) = ImageFeatures(Seen())(torch.full((1, 1, 1, 1), 0.0))
    torch.testing.assert_close(
        rgb.flatten(), torch.tensor([(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225])
    )


def test_vgg19_gives_the_five_activations_of_style_transfer(tmp_path: Path) -> None:
    torch.save(Vgg19().state_dict() | {"classifier.0.bias": torch.zeros(4)}, tmp_path / "vgg19.pth")
    features = Vgg19Features(tmp_path / "vgg19.pth")(torch.rand(1, 1, 32, 32))

    assert [f.shape[1] for f in features] == [64, 128, 256, 512, 512]
    assert [f.shape[2] for f in features] == [32, 16, 8, 4, 2]
    assert all((f >= 0).all() for f in features)


@pytest.mark.parametrize("content", [None, b"", b"no weights"], ids=["missing", "empty", "other"])
def test_weights_that_cannot_be_read_are_said_plainly(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "vgg19.pth"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(InputError, match="VGG-19"):
        Vgg19Features(file)


def test_weights_of_another_network_are_said_plainly(tmp_path: Path, squeezenet: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")

    with pytest.raises(InputError, match="VGG-19"):
        Vgg19Features(tmp_path / "other.pth")
    with pytest.raises(InputError, match="SqueezeNet"):
        SqueezeNetFeatures(squeezenet.with_name("missing.safetensors"))
