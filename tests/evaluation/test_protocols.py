"""Protocols: which hole is cut where; those of slices."""

from __future__ import annotations

import re

import numpy as np
import pytest
from evaluation_samples import phantom_ct, phantom_head, smooth, square_hole

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from monai_inpaint.evaluation.image_region import body_of
from monai_inpaint.evaluation.protocol_table import PROTOCOLS, find_protocol
from monai_inpaint.imaging.resize import resized


def cases_of(protocol: str, image: Image, modality: str, *, seed: int = 0, lesion: np.ndarray | None = None):
    return find_protocol(protocol).cases(image, lesion, modality=modality, name="a.nii", patient="", seed=seed)[0]


@pytest.fixture
def image_for():
    film = Image(np.rint(smooth((600, 560))).astype(np.uint8))
    slice_ct = Image(phantom_ct())
    films = {"cxr-centre": (film, "cxr"), "cxr-patch": (film, "cxr"), "cxr-lungs": (film, "cxr")}
    return {**films, "ellipsoid": (phantom_head(), "mr")} | {
        name: (slice_ct, "ct") for name in ("slice-square", "free-form", "lesion")
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_seeded_protocol_repeats_itself(protocol, image_for):
    image, modality = image_for[protocol]
    first, second = (cases_of(protocol, image, modality, seed=7) for _ in range(2))
    assert [case.name for case in first] == [case.name for case in second]
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.truth, other.truth)
        np.testing.assert_array_equal(one.hole, other.hole)


@pytest.mark.parametrize("protocol", ["cxr-patch", "cxr-lungs", "slice-square", "free-form", "lesion", "ellipsoid"])
def test_another_seed_gives_another_case(protocol, image_for):
    image, modality = image_for[protocol]
    one, other = (cases_of(protocol, image, modality, seed=seed)[0] for seed in (0, 1))
    assert not (np.array_equal(one.hole, other.hole) and np.array_equal(one.truth, other.truth))


def test_cxr_centre_hides_the_centre_with_and_without_its_ring(image_for):
    hidden, ring = cases_of("cxr-centre", *image_for["cxr-centre"])
    assert hidden.truth.shape == ring.truth.shape == (128, 128)
    np.testing.assert_array_equal(hidden.hole, square_hole((128, 128), 32, 32, 64))
    np.testing.assert_array_equal(ring.hole, square_hole((128, 128), 36, 36, 56))
    assert (hidden.low, hidden.high) == (0, 255)


def test_cxr_patches_are_pieces_of_the_film_at_full_resolution(image_for):
    film, modality = image_for["cxr-patch"]
    for case in cases_of("cxr-patch", film, modality):
        places = np.lib.stride_tricks.sliding_window_view(film.voxels, (128, 128))
        corner = np.argwhere(places[..., 0, 0] == case.truth[0, 0])
        assert any(np.array_equal(places[row, column], case.truth) for row, column in corner)


@pytest.mark.parametrize("side", [40, 90])
def test_cxr_lungs_compares_places_on_a_lesion_with_places_off_it(side: int, image_for) -> None:
    film, modality = image_for["cxr-lungs"]
    assert {case.variant for case in cases_of("cxr-lungs", film, modality)} == {"lungs"}

    lesion = square_hole(film.voxels.shape, 300, 380, side)
    cases = cases_of("cxr-lungs", film, modality, lesion=lesion)

    assert [case.variant for case in cases] == ["on the finding"] * 8 + ["off the finding"] * 8
    assert len({case.name for case in cases}) == 16
    for case in cases:
        top, left = (int(number) for number in case.name.rpartition("@")[2].split(","))
        np.testing.assert_array_equal(case.truth, film.voxels[top : top + 128, left : left + 128])
        np.testing.assert_array_equal(case.hole, square_hole((128, 128), 32, 32, 64))
        shown = lesion[top : top + 128, left : left + 128]
        assert shown[case.hole].sum() == min(side, 64) ** 2 if case.variant == "on the finding" else not shown.any()


def test_slice_square_lies_in_the_body_of_a_slice_of_at_most_256_pixels():
    (case,) = cases_of("slice-square", Image(phantom_ct()), "ct")
    assert case.truth.shape == (256, 239)
    assert case.hole.sum() == 64 * 64
    assert (case.truth[case.hole] > -500).mean() > 0.97


def test_slices_are_never_enlarged_and_small_ones_are_refused_with_a_reason():
    (case,) = cases_of("slice-square", Image(phantom_ct((150, 110))), "ct")
    assert case.truth.shape == (150, 110)
    cases, reasons = find_protocol("slice-square").cases(
        Image(phantom_ct((150, 90))), None, modality="ct", name="a", patient="", seed=0
    )
    assert cases == []
    assert reasons == ["150x90 pixels, and the protocol needs at least 96 a side."]


@pytest.mark.parametrize("seed", range(8))
def test_free_form_holes_cover_one_to_twenty_five_percent(seed):
    (case,) = cases_of("free-form", Image(phantom_ct()), "ct", seed=seed)
    assert 0.01 <= case.hole.mean() <= 0.25


def test_a_lesion_on_one_side_is_mirrored_to_the_other():
    lesion = square_hole((200, 200), 80, 50, 20)
    (case,) = cases_of("lesion", Image(phantom_ct((200, 200))), "ct", lesion=lesion)
    assert case.name.endswith("@mirrored")
    np.testing.assert_array_equal(case.hole, lesion[:, ::-1])


@pytest.mark.parametrize("side", [20, 110])
def test_a_lesion_in_the_middle_is_moved_and_made_smaller_where_it_must(side):
    lesion = square_hole((200, 200), 100 - side // 2, 100 - side // 2, side)
    (case,) = cases_of("lesion", Image(phantom_ct((200, 200))), "ct", lesion=lesion)
    assert case.name.endswith("@moved")
    assert not (case.hole & lesion).any()
    assert body_of(phantom_ct((200, 200)), "ct")[case.hole].all()
    assert 20 <= case.hole.sum() <= lesion.sum()


def test_slices_of_a_volume_hold_body_and_are_shown_from_the_front():
    volume = np.full((140, 150, 9), -1000, np.float32)
    volume[..., 3:7] = phantom_ct((140, 150))[..., None]
    volume[10:20, 60:90, 3:7] = 1000  # towards the first of axis 0
    affine = np.diag([-0.7, -0.8, 2.0, 1.0])  # axis 0 runs to the left, axis 1 to the back
    cases = cases_of("free-form", Image(volume, affine), "ct")
    assert [re.fullmatch(r"a\.nii#[3-6]", case.name) is not None for case in cases] == [True] * 3
    for case in cases:
        assert case.truth.shape == (150, 140)
        assert case.spacing == pytest.approx((0.8, 0.7))
        assert (case.truth[60:90, 10:20] == 1000).all()


def test_a_mask_is_no_anatomy():
    with pytest.raises(InputError, match="grey values"):
        cases_of("free-form", Image(square_hole((200, 200), 10, 10, 50).astype(np.uint8)), "ct")


@pytest.mark.parametrize("protocol", ["slice-square", "free-form", "lesion"])
def test_an_8_bit_picture_of_ct_holds_no_hounsfield_units(protocol):
    grey = np.clip(phantom_ct() / 8 + 128, 0, 255).astype(np.uint8)
    with pytest.raises(InputError, match="Hounsfield"):
        cases_of(protocol, Image(grey), "ct")
    assert cases_of(protocol, Image(grey), "mr")
    scaled = cases_of(protocol, Image(grey, slope=8.0, intercept=-1024.0), "ct")  # units stored in 8 bits
    assert [(case.low, case.high) for case in scaled] == [(-1000, 1000)] * len(scaled) != []


def test_unknown_voxels_in_the_truth_are_a_reason_not_to_measure():
    pixels = phantom_ct()
    pixels[3, 3] = np.nan
    cases, reasons = find_protocol("free-form").cases(Image(pixels), None, modality="ct", name="a", patient="", seed=0)
    assert cases == []
    assert "NaN" in reasons[0]


def test_reducing_averages_over_areas():
    pixels = np.arange(64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_allclose(resized(pixels, (4, 2)), pixels.reshape(4, 2, 2, 4).mean((1, 3)))
