"""The Frechet distance, and the three numbers of a nodule's texture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from training_samples import image_features

from monai_inpaint.metrics.frechet_distance import SqueezeNetPool3, frechet_distance
from monai_inpaint.metrics.texture_profile import texture_profile


def test_the_frechet_distance_is_that_of_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(50, 6)), 2.0 + rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6))
    one, other = np.cov(first.T), np.cov(second.T)
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(one + other - 2 * sqrtm(one @ other).real)

    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)


def test_a_set_is_no_distance_from_itself_however_few_its_vectors() -> None:
    few = np.random.default_rng(0).normal(size=(3, 10))

    assert frechet_distance(few, few[::-1]) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(few, few + 1.0) == pytest.approx(10.0)


def test_features_do_not_depend_on_how_an_image_is_turned(tmp_path: Path) -> None:
    features = SqueezeNetPool3(image_features(tmp_path))
    image = 255 * np.random.default_rng(0).random((48, 48))
    upright, turned = (np.sort(features(one, 255.0), axis=0) for one in (image, np.rot90(image)))

    assert upright.shape == (8, 256)
    np.testing.assert_allclose(upright, turned, atol=1e-5)
    assert torch.is_grad_enabled()


def disc(blur: float) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices((64, 64))
    distance = np.hypot(rows - 32, columns - 32)
    return -850.0 + 850.0 / (1 + np.exp((distance - 10) / blur)), distance < 10


def test_a_profile_tells_mean_spread_and_how_sharp_the_rim_is() -> None:
    (sharp, mask), (soft, _) = disc(0.1), disc(2.0)
    first, second = texture_profile(sharp, mask), texture_profile(soft, mask)

    assert first.mean == pytest.approx(0.0, abs=60)
    assert first.spread < second.spread
    assert first.rim > 2 * second.rim
    assert texture_profile(3 * sharp + 7, mask).rim == pytest.approx(first.rim)


def test_a_profile_needs_a_nodule() -> None:
    with pytest.raises(ValueError, match="mark a nodule"):
        texture_profile(np.zeros((8, 8)), np.zeros((8, 8), bool))
