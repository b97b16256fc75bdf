"""A CT that is not in Hounsfield units is refused, with its offset where it has a usual one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_inpaint import Filler, Image, InputError
from monai_inpaint.imaging.hounsfield import check_hounsfield_units, offset_of


def thorax(seed: int = 0, size: int = 64) -> np.ndarray:
    """A body of soft tissue with lungs and a spine, in air, HU."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    hu = np.full((size, size), -1000.0)
    hu[(x / 0.9) ** 2 + (y / 0.7) ** 2 < 1] = 40
    hu[((np.abs(x) - 0.4) / 0.25) ** 2 + (y / 0.4) ** 2 < 1] = -750
    hu[(x / 0.12) ** 2 + ((y - 0.5) / 0.12) ** 2 < 1] = 700
    return np.round(hu + np.random.default_rng(seed).normal(0, 12, hu.shape))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.sampled_from([1000, 1024, 8192, 32768, 33792, -32768]))
def test_the_usual_offsets_are_recognised(seed: int, offset: int) -> None:
    stored = thorax(seed) + offset
    image = Image(np.maximum(stored, 0) if offset > 0 else stored)
    found = offset_of(image)
    assert found is not None
    assert abs(found - offset) <= 24  # 1000 and 1024 are both within the noise of air
    with pytest.raises(InputError, match="look like HU"):
        check_hounsfield_units(image)


@pytest.mark.parametrize("crop", [np.s_[:], np.s_[28:40, 2:8], np.s_[20:44, 14:26], np.s_[46:50, 30:34], np.s_[:6, :6]])
def test_no_part_of_a_patient_looks_like_one_with_an_offset(crop) -> None:
    check_hounsfield_units(Image(thorax()[crop]))


def test_padding_metal_and_what_was_cut_to_a_window_are_valid() -> None:
    for padding in (-2000, -3024, -32768):
        padded = thorax()
        padded[:20] = padding
        check_hounsfield_units(Image(padded))
    metal = thorax()
    metal[20:44, 20:44] = 3071
    check_hounsfield_units(Image(metal))
    check_hounsfield_units(Image(np.clip(thorax(), 0, 80)))
    check_hounsfield_units(Image(np.zeros((8, 8), np.int16)))
    check_hounsfield_units(Image(np.full((8, 8), np.nan)))


def test_padding_with_zeros_does_not_hide_an_offset() -> None:
    padded = thorax() + 32768
    padded[:, :40] = 0
    with pytest.raises(InputError, match=r"HU \+32768; subtract 32768"):
        check_hounsfield_units(Image(padded.astype(np.uint16)))


def test_a_scale_that_the_file_tells_is_followed() -> None:
    stored = (thorax() + 1024).astype(np.uint16)
    check_hounsfield_units(Image(stored, intercept=-1024.0))


def test_offsets_that_the_values_do_not_tell_apart_are_both_reported() -> None:
    with pytest.raises(InputError, match=r"HU \+1000 or \+1024; subtract 1000 or 1024, whichever was added, and give"):
        check_hounsfield_units(Image((thorax() + 1024).astype(np.uint16)))


def test_values_far_from_any_are_refused_without_an_offset() -> None:
    with pytest.raises(InputError, match="far from those of air and water"):
        check_hounsfield_units(Image(np.full((8, 8), 20000.0)))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_shades_of_a_picture_are_refused_in_any_type(dtype: str) -> None:
    shades = np.interp(thorax(), [-1000, 700], [0, 255]).round().astype(dtype)
    with pytest.raises(InputError, match="8-bit grey values"):
        check_hounsfield_units(Image(shades))


@pytest.mark.parametrize("ends", [(0, 1), (-1, 1), (0.0, 0.035)], ids=["0 to 1", "-1 to 1", "per mm"])
def test_normalised_values_and_attenuation_coefficients_are_refused(ends) -> None:
    with pytest.raises(InputError, match="normalised or attenuation coefficients"):
        check_hounsfield_units(Image(np.interp(thorax(), [-1000, 700], ends).astype(np.float32)))


def test_a_filler_of_ct_asks_for_hounsfield_units_and_one_of_mr_does_not() -> None:
    image = (thorax(size=96) + 32768).astype(np.uint16)
    hole = np.zeros(image.shape, bool)
    hole[40:50, 40:50] = True
    with pytest.raises(InputError, match=r"looks? like HU \+32768"):
        Filler("ct")(image, hole)
    Filler("mr")(image, hole)
    assert Filler("ct")(image.astype(np.int32) - 32768, hole).image[45, 45] < 500


@pytest.mark.parametrize("name", ["glcic", "ip_medgan"])
def test_a_bundle_for_ct_and_mr_refuses_grey_values_of_what_says_it_is_ct(name: str) -> None:
    shades = np.interp(thorax(size=256), [-1000, 700], [0, 255]).round().astype(np.uint8)
    hole = np.zeros(shades.shape, bool)
    hole[120:130, 120:130] = True
    filler = Filler(name)

    with pytest.raises(InputError, match="8-bit grey values"):
        filler(Image(shades, modality="ct"), hole)
    assert filler(Image(shades, modality="mr"), hole).image.voxels.dtype == np.uint8
