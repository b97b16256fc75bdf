"""Units become stored values that the type and the file can hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_inpaint import Image

DTYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("error")
def test_what_lies_beyond_the_type_becomes_its_limit(dtype: str) -> None:
    limits, image = np.iinfo(dtype), Image(np.zeros((1, 4), dtype))
    beyond = np.array([[limits.max, 1e30, limits.min - 1.0, -1e30]], np.float32)
    assert image.stored(beyond).tolist() == [[limits.max, limits.max, limits.min, limits.min]]
    assert image.stored(beyond).dtype == dtype


@given(st.sampled_from(DTYPES), st.floats(-(2.0**65), 2.0**65, width=32))
def test_stored_values_are_rounded_as_whole_numbers(dtype: str, units: float) -> None:
    limits = np.iinfo(dtype)
    stored = Image(np.zeros((1, 1), dtype)).stored(np.array([[units]], np.float32))
    assert stored.item() == min(max(round(units), limits.min), limits.max)


def test_the_range_that_a_file_may_hold_is_kept() -> None:
    image = Image(np.zeros((1, 3), np.int64), stored_range=(-5, 2**40))
    assert image.stored(np.array([[-9, 7, 2.0**50]], np.float32)).tolist() == [[-5, 7, 2**40]]
