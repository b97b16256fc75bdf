"""A slice is shown to the network the same way, however the file stores it."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monai_inpaint.imaging.display import display_axes, displayed

VOLUME = np.arange(4 * 5 * 6).reshape(4, 5, 6)  # axes to the right, to the front, to the head
SPACING = (0.7, 0.8, 2.5)
orders = st.sampled_from(list(permutations(range(3))))
flips = st.tuples(st.booleans(), st.booleans(), st.booleans())


def as_stored(order: tuple[int, ...], flipped: tuple[bool, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The volume with its axes in another order and some of them reversed, and the affine that says so."""
    voxels = VOLUME.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flipped)]
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (anatomical, flip) in enumerate(zip(order, flipped, strict=True)):
        affine[anatomical, axis] = (-1 if flip else 1) * SPACING[anatomical]
    return voxels, affine


def as_read(normal: int, k: int) -> np.ndarray:
    """Slice k across an anatomical axis: the head is up (axial: the front), the patient's right is on the left."""
    return VOLUME[::-1, ::-1, ::-1].take(VOLUME.shape[normal] - 1 - k, axis=normal).T


@given(order=orders, flipped=flips)
def test_any_storage_order_shows_the_same_anatomy_the_same_way(order: tuple[int, ...], flipped: tuple) -> None:
    voxels, affine = as_stored(order, flipped)
    depth = voxels.shape[2]
    for k in range(depth):
        shown = displayed(voxels[:, :, k], affine)

        np.testing.assert_array_equal(shown, as_read(order[2], depth - 1 - k if flipped[2] else k))


@given(
    order=orders,
    flipped=flips,
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1),
    angle=st.floats(-0.3, 0.3),
)
def test_an_oblique_slice_is_shown_as_the_straight_one_next_to_it(
    order: tuple[int, ...], flipped: tuple, axis: tuple[float, ...], angle: float
) -> None:
    _, affine = as_stored(order, flipped)
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turned = affine.copy()
    turned[:3] = (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross) @ affine[:3]

    assert display_axes(turned) == display_axes(affine)


def test_a_picture_without_geometry_is_shown_as_it_lies() -> None:
    picture = VOLUME[:, :, 0]

    np.testing.assert_array_equal(displayed(picture, None), picture)
