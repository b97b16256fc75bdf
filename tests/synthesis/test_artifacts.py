"""Simulated artifacts: seeded, seen, marked exactly; and the network that learns to find them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from cli_samples import smooth

from monai_inpaint.losses import DiceBCE
from monai_inpaint.networks import ArtifactUNet
from monai_inpaint.synthesis.artifacts import KINDS, contrast_of, draw_artifact, draw_bars, draw_text, random_artifact
from monai_inpaint.synthesis.artifacts.contrast import DENSEST
from monai_inpaint.training import FalseAlarms
from monai_inpaint.transforms import RandArtifactd
from monai_inpaint.transforms.artifact import middle, seen_artifact

SEEDS = range(12)
CASES = [(modality, kind) for modality, kinds in KINDS.items() for kind in kinds]


def clean(modality: str, side: int = 96) -> np.ndarray:
    """An image without any artifact, float32 in units."""
    low, high = {"cxr": (0, 200), "ct": (-1000, 800), "mr": (100, 3000)}[modality]
    return (low + (high - low) * smooth((side, side + 16))).astype(np.float32)


def drawn(modality: str, kind: str, seed: int, side: int = 96) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """An image with the artifact of that seed, its region, and the parameters."""
    image = clean(modality, side)
    params = random_artifact(kind, image.shape, np.random.default_rng(seed), contrast_of(image, modality))
    return *draw_artifact(image, kind, params), params


@pytest.mark.parametrize(("modality", "kind"), CASES)
def test_the_same_seed_gives_the_same_artifact_and_json_replays_it(modality: str, kind: str) -> None:
    for seed in SEEDS:
        image, region, params = drawn(modality, kind, seed)
        again, same, _ = drawn(modality, kind, seed)
        replayed, kept = draw_artifact(clean(modality), kind, json.loads(json.dumps(params)))

        assert np.array_equal(image, again)
        assert np.array_equal(image, replayed)
        assert np.array_equal(region, same)
        assert np.array_equal(region, kept)


@pytest.mark.parametrize(("modality", "kind"), CASES)
def test_the_region_is_what_changed(modality: str, kind: str) -> None:
    before = clean(modality)
    dark, bright = contrast_of(before, modality)
    seen = 0
    for seed in SEEDS:
        image, region, params = drawn(modality, kind, seed)
        change = np.abs(image - before)

        assert image.dtype == np.float32
        assert region.dtype == bool
        assert region.shape == image.shape
        if not params.get("streaks"):
            assert not change[~region].any()
        if region.any():
            seen += 1
            assert (change[region] > 0.02 * (bright - dark)).mean() > 0.5
    assert seen >= len(SEEDS) * 2 / 3


def test_metal_in_ct_is_denser_than_bone_and_mostly_limited_to_12_bits() -> None:
    peaks = [
        image[region].max() for image, region, _ in (drawn("ct", "metal", seed) for seed in range(30)) if region.any()
    ]

    assert min(peaks) > 1000
    assert 0.3 < np.mean([peak == DENSEST for peak in peaks]) < 0.9
    assert max(peaks) > DENSEST


def test_streaks_fade_with_the_distance_from_the_metal() -> None:
    image = np.zeros((128, 128), np.float32)
    params = next(
        params
        for seed in range(50)
        if (params := random_artifact("metal", image.shape, np.random.default_rng(seed), (-1000.0, 1000.0)))["streaks"]
    )
    params["metal"], params["wires"] = [], []
    params["rings"] = [{"centre": [64, 64], "radii": [0, 4], "stretch": 1.0, "angle": 0.0}]
    after, _ = draw_artifact(image, "metal", params)

    near, far = np.abs(after[50:56, 40:88]).mean(), np.abs(after[2:8, 40:88]).mean()
    assert near > 2 * far > 0


def test_voids_are_dark_with_a_bright_rim() -> None:
    before = clean("mr")
    dark, bright = contrast_of(before, "mr")
    image, region, _ = drawn("mr", "voids", 3)

    assert image[region].min() < dark + 0.1 * (bright - dark)
    assert image[region].max() > bright


def test_a_bar_lies_where_its_parameters_say() -> None:
    image = np.full((40, 60), 100.0, np.float32)
    bar = {"centre": [19.5, 29.5], "size": [20.0, 6.0], "angle": 0.0}

    after, region = draw_bars(image, bars=[bar], level=0.0, opacity=1.0, least=1.0)

    assert np.array_equal(np.argwhere(region)[[0, -1]], [[17, 20], [22, 39]])
    assert (after[region] == 0).all()
    assert region.sum() == 20 * 6


@pytest.mark.parametrize("font", [-1, 0, 3])
def test_text_is_about_as_high_as_its_parameters_say(font: int) -> None:
    image = np.zeros((120, 160), np.float32)
    line = {"words": "H", "centre": [60, 80]}

    _, region = draw_text(
        image, lines=[line], font=font, height=40.0, thickness=3, angle=0.0, outline=0, plate=None, level=1.0,
        behind=0.0, opacity=1.0, least=0.02,
    )  # fmt: skip

    rows = np.flatnonzero(region.any(axis=1))
    assert 0.7 * 40 < rows[-1] - rows[0] + 1 < 1.3 * 40
    assert abs(rows.mean() - 60) < 12


def test_nothing_is_marked_where_an_artifact_is_not_seen() -> None:
    black = np.zeros((40, 60), np.float32)
    bar = {"centre": [19.5, 29.5], "size": [20.0, 6.0], "angle": 0.3}

    after, region = draw_bars(black, bars=[bar], level=0.0, opacity=1.0, least=0.1)

    assert not region.any()
    assert np.array_equal(after, black)


def test_training_shows_artifacts_and_clean_windows_too() -> None:
    transform = RandArtifactd("image", modality="cxr", clean=0.3).set_random_state(seed=0)
    window = clean("cxr", 64)
    window[:5] = np.nan

    shown = [transform({"image": window}) for _ in range(60)]

    assert all(pair["image"].shape == pair["label"].shape == (1, 64, 80) for pair in shown)
    assert all(torch.isfinite(pair["image"]).all() for pair in shown)
    marked = [float(pair["label"].mean()) for pair in shown]
    assert 0.15 < np.mean([share == 0 for share in marked]) < 0.55
    assert max(marked) < 1


def test_no_artifact_covers_more_than_half_of_a_window() -> None:
    image = clean("mr", 64)
    shares = [
        seen_artifact(image, "voids", np.random.default_rng(s), contrast_of(image, "mr"), 400)[1].mean() for s in SEEDS
    ]

    assert max(shares) <= 0.5


def test_the_middle_of_a_film_leaves_its_margins_out() -> None:
    film = np.arange(100 * 60).reshape(100, 60)

    assert np.array_equal(middle(film, 0.7), film[15:85, 9:51])


def untrained() -> ArtifactUNet:
    torch.manual_seed(0)
    return ArtifactUNet(features=(4, 4, 4, 8, 8, 4)).eval()


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 1000.0), (0.01, 0.0), (64.0, -5000.0)])
@torch.no_grad()
def test_scaling_and_shifting_an_image_changes_no_probability(scale: float, shift: float) -> None:
    image = torch.from_numpy(clean("mr", 64)[None, None, :, :64].copy())
    network = untrained()

    torch.testing.assert_close(network(scale * image + shift), network(image), rtol=0, atol=1e-4)


@torch.no_grad()
def test_the_normalisation_hardly_sees_a_small_artifact() -> None:
    from monai_inpaint.networks.block_unets import robust_statistics

    image = torch.from_numpy(clean("mr", 96)[None, None].copy())
    mean, deviation = robust_statistics(image)
    image[..., :4, :40] = 65535.0
    spoiled_mean, spoiled_deviation = robust_statistics(image)

    assert abs(spoiled_mean - mean) < 0.15 * deviation
    assert 0.9 < spoiled_deviation / deviation < 1.2


def test_the_loss_is_smaller_the_better_a_region_is_marked() -> None:
    region = torch.zeros(2, 1, 8, 8)
    region[0, :, 2:5, 2:5] = 1
    loss = DiceBCE()

    losses = [
        float(loss(marked, region)) for marked in (region, 0.8 * region + 0.1, torch.full_like(region, 0.5), 1 - region)
    ]

    assert losses == sorted(losses)
    assert losses[0] < 0.01


def test_false_alarms_are_counted_on_clean_images_alone() -> None:
    region = torch.zeros(3, 1, 16, 16)
    region[0, :, 2:9, 2:9] = 1
    marked = torch.zeros_like(region)
    marked[1, :, :5, :5] = 1  # of the two clean images one has an alarm
    marked[2, :, 0, :3] = 1  # a speck is none
    metric = FalseAlarms()
    metric(marked, region)

    assert float(metric.aggregate()) == 0.5
