"""Volumes whose thick slices do not lie along the last axis are filled slice by slice all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cli_samples import smooth

from monai_inpaint import Filler, Image
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.slice_axis import in_own_order, slice_axis, with_slices_last

ORDERS = [(0, 1, 2), (0, 2, 1), (2, 0, 1)]  # where the axes go: slices along k, j and i
SHAPE = (48, 40, 10)


def volume() -> tuple[Image, np.ndarray]:
    """Slices of 5 mm along k, and a hole."""
    voxels = (1000 * smooth(SHAPE, 0)).astype(np.int16)
    hole = np.zeros(SHAPE, bool)
    hole[20:30, 14:26, 3:7] = True
    return Image(voxels, np.diag([1.0, 1.1, 5.0, 1.0])), hole


def turned(image: Image, order: tuple[int, ...]) -> Image:
    """The same volume with its axes in another order, at the same places in the patient."""
    assert image.affine is not None
    affine = image.affine.copy()
    affine[:3, :3] = affine[:3, list(order)]
    return replace(image, voxels=image.voxels.transpose(order), affine=affine)


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [
        ((1, 1, 5), 2), ((1, 5, 1), 1), ((5, 1, 1.2), 0), ((1, 1, 1), 2), ((1, 1, 0.4), 2), ((1.4, 1, 1), 2),
        ((3, 3, 1), 2),  # two thick axes: no way to tell
    ],
)  # fmt: skip
def test_slices_lie_along_the_axis_of_much_larger_spacing_or_the_last(spacing: tuple[float, ...], axis: int) -> None:
    assert slice_axis(Image(np.zeros((4, 4, 4)), np.diag([*spacing, 1.0]))) == axis


@pytest.mark.parametrize(("shape", "axis"), [((1, 9, 8), 0), ((9, 1, 8), 1), ((9, 8, 1), 2), ((1, 1, 8), 2)])
@pytest.mark.parametrize("spacing", [(1, 1, 1), (5, 1, 1), (1, 5, 1), (1, 1, 5)])
def test_a_single_slice_is_taken_whole_whatever_its_spacing(shape, axis: int, spacing) -> None:
    image = Image(np.zeros(shape), np.diag([*spacing, 1.0]))
    if shape.count(1) == 1:
        assert slice_axis(image) == axis
        assert with_slices_last(image, axis).voxels.shape == (9, 8, 1)
        assert with_slices_last(replace(image, affine=None), axis).voxels.shape == (9, 8, 1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_sagittal_coronal_or_axial_slice_is_filled_as_the_picture_it_is(axis: int) -> None:
    pixels = (1000 * smooth((96, 80), 3)).astype(np.int16)
    hole = np.zeros(pixels.shape, bool)
    hole[40:52, 30:46] = True
    filler = Filler("mr")
    expected = filler(pixels[..., None], hole[..., None]).image[..., 0]

    filled = filler(np.expand_dims(pixels, axis), np.expand_dims(hole, axis))

    assert filled.report["windows"]["count"] == 1
    off = np.abs(np.squeeze(filled.image, axis).astype(float) - expected)
    assert off[hole].mean() < 40  # shown from another side, so the network sees it mirrored
    assert np.array_equal(np.squeeze(filled.image, axis)[~hole], pixels[~hole])


def test_pictures_and_volumes_without_geometry_are_taken_as_they_lie() -> None:
    assert slice_axis(Image(np.zeros((4, 4)))) == 1
    assert slice_axis(Image(np.zeros((4, 4, 4)))) == 2


@pytest.mark.parametrize("order", ORDERS)
def test_the_axis_of_the_slices_becomes_the_last_one_at_the_same_places_and_units(order: tuple[int, ...]) -> None:
    image, _ = volume()
    image = replace(image, slope=np.linspace(1, 2, SHAPE[2])[None, None])
    mine = replace(turned(image, order), slope=np.broadcast_to(image.slope, SHAPE).transpose(order))

    back = with_slices_last(mine, slice_axis(mine))

    assert np.array_equal(back.units(), image.units())
    assert np.array_equal(back.affine, image.affine)
    assert np.shares_memory(back.voxels, image.voxels)


@pytest.mark.parametrize("order", ORDERS)
def test_patches_come_back_in_the_images_own_order(order: tuple[int, ...]) -> None:
    image, _ = volume()
    patch = Patch((slice(2, 9), slice(3, 11), 4), np.ones((7, 8), bool), np.zeros((7, 8)))
    mine = turned(image, order)

    placed = in_own_order(patch, slice_axis(mine))

    assert np.array_equal(mine.voxels[placed.index], image.voxels[patch.index])


@pytest.mark.parametrize("order", ORDERS[1:])
def test_a_turned_volume_is_filled_as_the_volume_itself(order: tuple[int, ...]) -> None:
    image, hole = volume()
    filler = Filler("mr")

    plain = filler(image, hole, samples=2, seed=1)
    other = filler(turned(image, order), hole.transpose(order), samples=2, seed=1)

    assert np.array_equal(other.image.voxels, plain.image.voxels.transpose(order))
    assert np.array_equal(other.spread, plain.spread.transpose(order))
    assert np.array_equal(other.difference, plain.difference.transpose(order))
    assert other.report["doubt"] == pytest.approx(plain.report["doubt"])
    assert other.report["untouched"]["before"] == other.report["untouched"]["after"]
