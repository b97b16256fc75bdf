"""Ellipsoidal holes in volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_samples import phantom_head
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.ellipsoids import draw_ellipsoid, random_ellipsoid
from monai_inpaint.evaluation.protocol_table import find_protocol
from monai_inpaint.imaging.image import Image


def cut(image: Image, seed: int = 0, modality: str = "mr"):
    return find_protocol("ellipsoid").cases(image, None, modality=modality, name="a.nii", patient="", seed=seed)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), diameter=st.sampled_from([20.0, 35.0]))
def test_an_ellipsoid_has_the_volume_of_a_ball_of_its_diameter_whatever_the_spacing(seed, diameter):
    parameters = random_ellipsoid(np.random.default_rng(seed), diameter)
    assert np.prod(parameters["axes"]) == pytest.approx(diameter**3)
    assert all(0.75 * diameter <= axis <= 4 / 3 * diameter for axis in parameters["axes"])
    for spacing in ((1.0, 1.0, 1.0), (0.7, 0.8, 2.5)):
        form = draw_ellipsoid(spacing, **parameters)
        assert form.sum() * np.prod(spacing) == pytest.approx(np.pi / 6 * diameter**3, rel=0.05)
        np.testing.assert_array_equal(form, form[::-1, ::-1, ::-1])


def test_an_ellipsoid_turned_by_a_quarter_is_the_same_with_axes_swapped():
    lying = draw_ellipsoid((1, 1, 1), axes=(30, 20, 15), quaternion=(0, 0, 0, 1))
    standing = draw_ellipsoid((1, 1, 1), axes=(30, 20, 15), quaternion=(0, 0, np.sqrt(0.5), np.sqrt(0.5)))
    assert lying.shape == (31, 21, 15)
    np.testing.assert_array_equal(standing, lying.swapaxes(0, 1))


@pytest.mark.parametrize("seed", range(4))
def test_two_holes_of_each_size_lie_in_the_body(seed):
    image = phantom_head()
    cases, reasons = cut(image, seed)
    assert [case.variant for case in cases] == ["20 mm", "20 mm", "35 mm", "35 mm"]
    assert reasons == []
    assert len({case.name for case in cases}) == 4
    for case, diameter in zip(cases, (20, 20, 35, 35), strict=True):
        assert case.hole.sum() * 1.5 * 1.5 * 3 == pytest.approx(np.pi / 6 * diameter**3, rel=0.1)
        assert (case.truth[case.hole] > 0).mean() > 0.9  # what counts as body has a soft border


def test_a_case_is_a_part_of_the_volume_around_its_hole_in_its_own_place_and_spacing():
    image = phantom_head((200, 160, 80))
    for case in cut(image)[0]:
        assert case.spacing == (1.5, 1.5, 3.0)
        assert case.affine is not None
        start = np.rint(np.linalg.solve(image.affine, case.affine[:, 3])[:3]).astype(int)
        box = tuple(slice(first, first + size) for first, size in zip(start, case.truth.shape, strict=True))
        np.testing.assert_array_equal(case.truth, image.voxels[box])
        np.testing.assert_array_equal(case.affine[:3, :3], image.affine[:3, :3])
        place, _, _ = case.name.removeprefix("a.nii@").partition("#")
        assert [int(c) for c in place.split("-")] == [s + c for s, c in zip(start, case.centre, strict=True)]
        for axis, margin in enumerate((32, 32, 16)):
            inside = np.flatnonzero(case.hole.any(axis=tuple(other for other in range(3) if other != axis)))
            before, after = inside[0], case.hole.shape[axis] - 1 - inside[-1]
            assert (
                min(before, after) >= margin
                or case.hole.shape[axis] == image.voxels.shape[axis]
                or (max(before, after) >= margin and (start[axis] == 0 or box[axis].stop == image.voxels.shape[axis]))
            )


def test_a_size_that_fits_nowhere_is_left_out_with_the_reason():
    image = phantom_head((60, 60, 14))
    cases, reasons = cut(replace(image, affine=np.diag([0.6, 0.6, 3.0, 1.0])))
    assert {case.variant for case in cases} == {"20 mm"}
    assert reasons == ["100 ellipsoids of 35 mm were drawn, and none lay in the body."]


def test_slices_of_air_and_noise_hold_no_body():
    image = phantom_head()
    noise = np.random.default_rng(0).integers(0, 3, image.voxels.shape)
    voxels = np.where(np.arange(40) < 20, image.voxels, noise).astype(np.int16)
    for case in cut(replace(image, voxels=voxels))[0]:
        assert (case.truth[case.hole] > 50).mean() > 0.9


@pytest.mark.parametrize(
    ("image", "modality", "words"),
    [
        (Image(np.arange(10000, dtype=np.int16).reshape(100, 100)), "mr", "1 slices"),
        (phantom_head((96, 88, 7)), "mr", "7 slices"),
        (phantom_head((40, 88, 40)), "mr", "40x88 voxels"),
        (replace(phantom_head(), affine=None), "mr", "spacing"),
        (replace(phantom_head(), inverted=True), "mr", "bright"),
        (replace(phantom_head(), voxels=np.ones((96, 88, 40), np.int16)), "mr", "grey values"),
        (replace(phantom_head(), voxels=phantom_head().voxels.astype(np.uint8)), "ct", "Hounsfield"),
    ],
    ids=["2D", "few slices", "small", "no spacing", "inverted", "mask", "8-bit CT"],
)
def test_images_that_are_no_volumes_to_measure_in_are_refused_with_the_reason(image, modality, words):
    with pytest.raises(InputError, match=words):
        cut(image, modality=modality)


def test_voxels_that_are_no_numbers_near_a_hole_are_a_reason_not_to_measure():
    image = phantom_head()
    voxels = image.voxels.astype(np.float32)
    voxels[48, 44, 20] = np.nan
    cases, reasons = cut(replace(image, voxels=voxels))
    assert cases == []
    assert all("NaN" in reason for reason in reasons)


def test_a_case_of_a_coarse_volume_keeps_at_least_64_voxels_in_plane():
    coarse = replace(phantom_head(), affine=np.diag([3.0, 3.0, 3.0, 1.0]))
    assert {case.truth.shape[:2] for case in cut(coarse)[0]} == {(64, 64)}
