"""A regressor with a PatchGAN loss: one step of each, counted where the hole is, by configs of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch import nn
from training_samples import TINY, bundle, data_set, run_bundle

from benchmarks import formulations
from monai_inpaint.training import PatchGANLoss

RECIPES = Path(formulations.__file__).parent


def patch_gan(discriminator: nn.Module, weight: float = 0.2) -> PatchGANLoss:
    return PatchGANLoss(discriminator, torch.optim.Adam(discriminator.parameters(), 1e-3), weight)


def pair() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A smooth fill of textured images, and the hole in their middle."""
    torch.manual_seed(0)
    truth, region = torch.randn(4, 1, 64, 64), torch.zeros(4, 1, 64, 64)
    region[..., 16:48, 16:48] = 1
    return truth * (1 - region), truth, region


def test_the_adversary_learns_to_tell_a_smooth_fill_from_texture() -> None:
    fill, truth, region = pair()
    loss = patch_gan(PatchDiscriminator(spatial_dims=2, channels=8, in_channels=2))

    losses = [float(loss(fill, truth, region).detach()) for _ in range(30)]

    assert losses[-1] > 0.08  # of 0.1 where every fill is recognised
    assert losses[-1] > losses[0]


def test_the_generators_loss_counts_with_its_weight_and_pulls_at_the_fill_only_in_reach_of_the_hole() -> None:
    fill, truth, region = pair()
    region = torch.zeros_like(region)
    region[..., :4, :4] = 1
    torch.manual_seed(0)
    network = nn.Conv2d(2, 1, 4, stride=4)
    light, heavy = (patch_gan(nn.Sequential(*[_copy(network)]), weight) for weight in (0.2, 2.0))
    fill.requires_grad_()

    loss = light(fill, truth, region)
    loss.backward()

    assert float(heavy(fill, truth, region).detach()) == pytest.approx(10 * float(loss.detach()), rel=1e-5)
    assert fill.grad is not None
    assert fill.grad[..., :4, :4].abs().min() > 0
    assert not fill.grad[..., 4:, :].any()
    assert not fill.grad[..., 4:].any()


def _copy(network: nn.Conv2d) -> nn.Module:
    twin = nn.Conv2d(2, 1, 4, stride=4)
    twin.load_state_dict(network.state_dict())
    return twin


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["adversary", "before"])
def test_the_benchmarks_formulations_train(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = bundle("cxr_inpainting").path
    log = run_bundle(
        root / "configs" / "train.json", RECIPES / f"{recipe}.json", bundle_root=root,
        dataset_dir=data_set(tmp_path / "data"), output_dir=tmp_path / "out", ckpt_dir=tmp_path / "out", **TINY,
    )  # fmt: skip

    assert "Epoch[2] Complete" in log


def test_every_row_of_the_formulations_has_its_recipe() -> None:
    recipes = {row.recipe for row in formulations.ROWS if row.recipe}

    assert recipes == {path.stem for path in RECIPES.glob("*.json")}
    assert all(json.loads((RECIPES / f"{recipe}.json").read_text()) for recipe in recipes)
