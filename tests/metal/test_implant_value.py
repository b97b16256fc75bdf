"""The values that stand for metals."""

from __future__ import annotations

import pytest

from monai_inpaint.ct.scanner import relative_to_water
from monai_inpaint.metal.implant_value import IMPLANT_HU


def test_cobalt_chromium_is_denser_than_steel_by_their_attenuation() -> None:
    pytest.importorskip("xraydb")

    ratio = relative_to_water("cobalt-chromium", 120) / relative_to_water("steel", 120)

    assert (IMPLANT_HU["cobalt-chromium"] + 1000) / (IMPLANT_HU["steel"] + 1000) == pytest.approx(ratio, rel=1e-3)
