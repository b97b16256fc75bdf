"""The bounding box of a hole, in any memory order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from monai_inpaint.imaging.bounding_box import extent

holes = st.sampled_from([np.uint8, bool, np.int16, np.float32]).flatmap(
    lambda dtype: arrays(
        dtype, array_shapes(min_dims=2, max_dims=3, max_side=7), elements=st.sampled_from([0, 0, 0, 1])
    )
)
orders = st.sampled_from(["C", "F", "middle"])


def laid_out(hole: np.ndarray, order: str) -> np.ndarray:
    if order == "middle":  # the second axis is the fastest in memory
        return np.ascontiguousarray(np.moveaxis(hole, 1, -1)).swapaxes(1, -1) if hole.ndim == 3 else hole[::-1, ::-1]
    return np.asarray(hole, order=order)


@given(holes, orders)
def test_the_extent_is_the_bounding_box_of_the_nonzero_elements(hole: np.ndarray, order: str) -> None:
    hole = laid_out(hole, order)
    places = np.nonzero(hole)
    expected = tuple(slice(int(p.min()), int(p.max()) + 1) for p in places) if places[0].size else None
    assert extent(hole) == expected
