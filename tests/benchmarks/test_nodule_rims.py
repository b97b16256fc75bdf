"""How fast nodules get denser below their outline: the profile that a nodule was made with is found."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.nodule_rims import DEPTHS, profile
from monai_inpaint.datasets.lidc_crops import LUNG, LidcCrop

SPACING = 0.25  # mm


def ball(radius: float, rim: float) -> LidcCrop:
    """A nodule that gets evenly denser from its outline on, up to 600 HU above lung at a depth of twice the rim."""
    rows, columns = np.indices((128, 128)) - 63.5
    depth = radius - SPACING * np.hypot(rows, columns)
    share = np.clip(depth / max(2 * rim, 1e-6), 0, 1)
    return LidcCrop((LUNG + 600 * share).astype(np.float32), (depth >= 0)[None], 1.0, 0.0)


@pytest.mark.parametrize("rim", [0.0, 0.5, 1.0])
def test_the_profile_is_that_of_the_nodule(rim: float) -> None:
    middles = np.array(DEPTHS[:-1]) + 0.25
    expected = np.clip(middles / (2 * rim), 0, 1) if rim else (middles > 0).astype(float)

    assert profile(ball(10.0, rim), SPACING) == pytest.approx(expected.tolist(), abs=0.1)


def test_a_nodule_without_an_inside_has_no_profile() -> None:
    assert profile(ball(2.0, 0.5), SPACING) is None
