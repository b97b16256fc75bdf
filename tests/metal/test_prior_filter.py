"""Guesses of neighbouring slices agree, anatomy keeps its edges."""

from __future__ import annotations

import numpy as np

from monai_inpaint.metal.by_projection import averaged

FLAT = np.full((4, 4), 40.0, np.float32)


def test_slices_that_agree_stay_as_they_are() -> None:
    assert np.allclose(averaged(FLAT, [FLAT, FLAT], 3.0), FLAT)


def test_a_slice_without_neighbours_stays_bit_for_bit() -> None:
    assert np.array_equal(averaged(FLAT, [], np.inf), FLAT)


def test_what_differs_a_little_from_both_neighbours_is_drawn_to_them() -> None:
    off = FLAT + 60.0

    assert (averaged(off, [FLAT, FLAT], 1.0) < off - 25.0).all()
    assert (averaged(off, [FLAT, FLAT], 6.0) > off - 15.0).all()  # far slices count little


def test_an_edge_of_bone_between_slices_stays() -> None:
    bone = FLAT + 800.0

    assert np.allclose(averaged(bone, [FLAT, bone], 1.0), bone, atol=0.1)
