"""LI and NMAR on simulated slices whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from metal_samples import MM, pelvis, rmse, rod
from scipy.ndimage import binary_dilation

from monai_inpaint.ct.scanner import Scanner
from monai_inpaint.metal.sinogram_correction import li, nmar, prior_of
from monai_inpaint.synthesis.metal.scan import clean_slice, with_metal

pytest.importorskip("astra")
pytest.importorskip("xraydb")
SPACING = (MM, MM)


@pytest.fixture(scope="module")
def hips() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two artificial hips: truth, metal, and the slice with artifacts."""
    truth = pelvis()
    covers = [rod(14.0, 10.0, right) for right in (-85.0, 85.0)]
    metal = covers[0][1] | covers[1][1]
    rng = np.random.default_rng(0)
    placed = [(cover, "cobalt-chromium") for cover, _ in covers]
    slice_ = with_metal(clean_slice(truth, SPACING), placed, Scanner(), rng)
    return truth, metal, np.clip(slice_, -1024, 3071)


def test_nmar_is_nearer_to_the_truth_than_li_and_li_than_nothing(hips) -> None:
    truth, metal, artifact = hips
    # not at the metal's edge, which the scanner blurs over a pixel or two and no method gives back
    outside = ~binary_dilation(metal, iterations=2) & (truth > -900)

    before = rmse(artifact, truth, outside)
    linear = rmse(li(artifact, metal, SPACING), truth, outside)
    normalised = rmse(nmar(artifact, metal, SPACING), truth, outside)

    assert normalised < linear < before
    assert normalised < 0.6 * before


@pytest.mark.parametrize("method", [li, nmar])
def test_the_metal_comes_back_as_it_was(method, hips) -> None:
    _, metal, artifact = hips

    result = method(artifact, metal, SPACING)

    assert result.dtype == np.float32
    assert np.array_equal(result[metal], artifact[metal])


@pytest.mark.parametrize("method", [li, nmar])
def test_without_metal_the_slice_comes_back_bit_for_bit(method, hips) -> None:
    truth = hips[0] + np.random.default_rng(1).normal(0, 10, hips[0].shape).astype(np.float32)

    assert np.array_equal(method(truth, np.zeros(truth.shape, bool), SPACING), truth)


def test_metal_that_is_not_kept_becomes_tissue(hips) -> None:
    _, metal, artifact = hips

    filled = nmar(artifact, metal, SPACING, keep_metal=False)

    assert np.median(artifact[metal]) > 2500
    assert abs(np.median(filled[metal])) < 300


def test_a_slice_without_artifacts_hardly_changes_around_metal() -> None:
    truth = pelvis()
    _, metal = rod(6.0, -60.0, 0.0)
    slice_ = np.where(metal, 3000.0, truth).astype(np.float32)

    result = nmar(slice_, metal, SPACING)

    assert rmse(result, truth, ~metal) < 10


def test_noise_far_from_the_trace_stays(hips) -> None:
    truth, metal, artifact = hips
    noise = np.random.default_rng(2).normal(0, 20, truth.shape).astype(np.float32)

    change = nmar(artifact + noise, metal, SPACING) - (artifact + noise)
    quiet = nmar(artifact, metal, SPACING) - artifact

    assert rmse(change, quiet, ~metal) < 12  # of 20 HU of noise, a part lies in the rays that are replaced


def test_not_a_number_stays_where_it_was(hips) -> None:
    _, metal, artifact = hips
    unknown = artifact.copy()
    unknown[:3] = np.nan

    result = nmar(unknown, metal, SPACING)

    assert np.isnan(result[:3]).all()
    assert np.isfinite(result[3:]).all()


def test_the_prior_tells_tissues_apart() -> None:
    truth = pelvis()

    prior = prior_of(truth, np.zeros(truth.shape, bool), SPACING)

    assert prior[0, 0] == pytest.approx(-1000, abs=10)
    assert prior[80, 80] == 0
    assert prior[85, 80 - 42 + 17] > 300
