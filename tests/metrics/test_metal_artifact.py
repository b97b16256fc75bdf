"""The measures of metal artifacts: nothing is wrong with the truth, and each sees what it is named after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from metal_samples import MM, disc, pelvis, rod
from scipy.ndimage import gaussian_filter

from monai_inpaint.ct.proton_range import range_shift, stopping_power
from monai_inpaint.metrics.metal_artifact import BONE, MEASURES, MetalCase, measure

pytest.importorskip("xraydb")
METAL_HU = 8000.0


@pytest.fixture(scope="module")
def case() -> MetalCase:
    """A pelvis with noise and a rod in its right hip; as scanned, a dark band runs from the rod across the body."""
    truth = pelvis() + np.random.default_rng(0).normal(0, 10, pelvis().shape).astype(np.float32)
    metal = rod(10, 10, 85)[1]
    truth[metal] = METAL_HU
    scanned = truth.copy()
    scanned[82:88, 30:115] -= 200
    return MetalCase(scanned, truth, metal, (MM, MM))


def test_the_truth_is_without_error_in_every_measure(case: MetalCase) -> None:
    assert all(value == pytest.approx(0, abs=1e-9) for value in measure(case, case.truth).values())


def test_every_measure_of_the_challenge_is_taken(case: MetalCase) -> None:
    assert MEASURES.keys() <= measure(case, case.scanned).keys()


def test_an_offset_is_the_error_in_hu(case: MetalCase) -> None:
    assert measure(case, case.truth + 15)["rmse"] == pytest.approx(15, rel=1e-5)


def test_errors_are_reported_by_their_distance_from_the_metal(case: MetalCase) -> None:
    near = case.truth + np.where(case.band(0, 10), 100, 0)
    figures = measure(case, near)

    assert figures["rmse 0-10 mm"] == pytest.approx(100)
    assert figures["rmse 10-30 mm"] == figures["rmse from 30 mm"] == 0
    assert figures["ssim 0-10 mm"] > figures["ssim from 30 mm"]


def test_noise_is_the_deviation_in_an_even_circle_off_the_streaks(case: MetalCase) -> None:
    noisier = case.truth + np.random.default_rng(1).normal(0, 24, case.truth.shape)

    assert case.even is not None
    assert np.abs(case.truth[case.even]).max() < 150
    assert (case.scanned == case.truth)[case.even].all()
    assert measure(case, noisier)["noise"] == pytest.approx(np.hypot(10, 24) - 10, abs=3)


def test_blur_loses_sharpness_at_the_edges_of_bone_and_fat(case: MetalCase) -> None:
    lost = [measure(case, gaussian_filter(case.truth, sigma))["sharpness"] for sigma in (0.4, 0.75, 1.0)]

    assert 0 < lost[0] < lost[1] < lost[2] < 1
    assert len(case.edges) == 2
    assert max((case.truth > 2 * BONE)[square].mean() for square in case.edges) > 0.05


def test_streaks_are_measured_where_the_scan_is_worst(case: MetalCase) -> None:
    half = (case.scanned + case.truth) / 2

    assert (case.scanned != case.truth)[case.streaked].mean() > 0.2
    assert measure(case, case.scanned)["streaks"] == pytest.approx(200)
    assert measure(case, half)["streaks"] == pytest.approx(100)


def test_bone_that_is_lost_and_metal_that_grows_are_seen(case: MetalCase) -> None:
    soft = np.where((case.truth > BONE) & ~case.metal, 100, case.truth)
    swollen = np.where((case.away <= 4) & case.patient, METAL_HU, case.truth)

    assert measure(case, soft)["bone"] == pytest.approx(1)
    assert measure(case, soft)["metal"] == 0
    assert measure(case, swollen)["metal"] > 0.3


def test_what_a_slice_does_not_show_is_left_open(case: MetalCase) -> None:
    boneless = replace(case, truth=np.where(case.metal, METAL_HU, np.minimum(case.truth, 100)))

    assert np.isnan(measure(boneless, boneless.truth)["bone"])


# --- protons


def test_stopping_powers_are_those_of_the_tissues() -> None:
    air, fat, water, muscle, bone = stopping_power(np.array([-1000.0, -74.0, 0.0, 43.0, 1479.0]))

    assert (air, water) == (0, 1)
    assert fat == pytest.approx(0.97, abs=0.01)
    assert muscle == pytest.approx(1.04, abs=0.01)
    assert bone == pytest.approx(1.69, abs=0.03)  # cortical, ICRU: 1.68 to 1.71


def test_protons_behind_a_band_that_looks_like_air_go_too_far() -> None:
    truth = np.where(disc(100) > 0.5, 0.0, -1000.0)
    metal = disc(6) > 0.5
    gap = truth.copy()
    gap[:, 60:65] = np.where(truth[:, 60:65] > -500, -1000.0, truth[:, 60:65])  # 5 pixels of 2 mm, left of the metal

    shift = range_shift(truth, gap, metal, (MM, MM))

    # Of four beams the one from the left goes 10 mm of water too far, in all of its rays; that from the right ends
    # 30 mm behind the metal, just short of the band; those along the columns meet it with a part of their rays.
    assert shift > 0.45 * 10
    assert range_shift(truth, truth, metal, (MM, MM)) == 0


def test_metal_itself_is_no_error_of_range() -> None:
    truth = np.where(disc(100) > 0.5, 0.0, -1000.0)
    metal = disc(6) > 0.5

    assert range_shift(truth, np.where(metal, 9000.0, truth), metal, (MM, MM)) == 0
