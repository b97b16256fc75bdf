"""Crops of LIDC come back to Hounsfield units, and their masks tell whose outlines they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from training_samples import nodule_crop

from monai_inpaint.datasets.lidc_crops import (
    LUNG,
    TISSUE,
    density_of,
    hounsfield_scale,
    read_lidc_crop,
    readings_of,
)
from monai_inpaint.datasets.lidc_outlines import NoduleReading, Outline
from monai_inpaint.errors import InputError
from monai_inpaint.regions.contours import inside_contours


def chest(scale: float, shift: float) -> np.ndarray:
    """Air, lung with vessels, tissue and bone as grey levels: HU = scale * grey + shift."""
    rng = np.random.default_rng(0)
    hu = rng.normal(LUNG, 25, (128, 128))
    hu[:, 90:] = rng.normal(TISSUE, 25, (128, 38))
    hu[:, 110:116] = 700.0
    hu[::16, :90] = -100.0
    hu[:8, :20] = -1000.0
    return ((hu - shift) / scale).clip(0, 255).round().astype(np.float32)


@pytest.mark.parametrize(("scale", "shift"), [(8.0, -1024.0), (15.0, -2000.0), (5.0, -1000.0)])
def test_hounsfield_units_are_recognised_by_lung_and_tissue(scale: float, shift: float) -> None:
    found = hounsfield_scale(chest(scale, shift))
    grey = np.array([20.0, 120.0])

    np.testing.assert_allclose(found[0] * grey + found[1], scale * grey + shift, atol=60)


@pytest.mark.parametrize("grey", [np.zeros((64, 64)), np.full((64, 64), 90.0)])
def test_an_image_without_lung_and_tissue_has_no_scale(grey: np.ndarray) -> None:
    with pytest.raises(InputError, match="contains no lung|black"):
        hounsfield_scale(grey.astype(np.float32))


def test_a_crop_has_the_readers_who_saw_a_nodule_and_what_half_of_them_agree_on(tmp_path: Path) -> None:
    crop = read_lidc_crop(nodule_crop(tmp_path / "patient"))

    assert len(crop.readers) == 2
    np.testing.assert_array_equal(crop.agreement, crop.readers.any(axis=0))
    assert crop.hounsfield[crop.readers[0]].mean() == pytest.approx(TISSUE, abs=150)
    assert crop.hounsfield.dtype == np.float32


def test_a_crop_without_a_mask_or_with_one_of_another_size_is_refused(tmp_path: Path) -> None:
    image = nodule_crop(tmp_path / "patient")
    Pillow.new("L", (64, 64), 255).save(image.with_name("mask-0.png"))
    with pytest.raises(InputError, match="does not match the image in size"):
        read_lidc_crop(image)
    for mask in image.parent.glob("mask-*"):
        mask.unlink()
    with pytest.raises(InputError, match="marks a nodule"):
        read_lidc_crop(image)


def circle(middle: tuple[int, int], radius: float) -> np.ndarray:
    """A closed curve of neighbouring pixels, (points, 2)."""
    angle = np.linspace(0, 2 * np.pi, 400)
    points = np.stack((middle[0] + radius * np.sin(angle), middle[1] + 1.3 * radius * np.cos(angle)), axis=1)
    rounded = points.round().astype(int)
    return rounded[np.r_[True, (np.diff(rounded, axis=0) != 0).any(axis=1)]]


def reading(texture: int, *outlines: tuple[float, np.ndarray]) -> NoduleReading:
    curves = tuple(Outline(z, points, True) for z, points in outlines)
    return NoduleReading("made-up", 0.7, 2.5, curves, 3, texture, 1, 1)


def test_masks_are_found_among_the_outlines_of_their_slice(tmp_path: Path) -> None:
    image = nodule_crop(tmp_path / "patient")
    first, second, other = circle((60, 50), 8.0), circle((61, 50), 9.0), circle((30, 30), 12.0)
    for number, curve in enumerate((first, second)):
        inside = inside_contours([curve], (128, 128))
        inside[tuple(curve.T)] = False
        Pillow.fromarray((255 * inside).astype(np.uint8)).save(image.with_name(f"mask-{number}.png"))
    ratings = [reading(5, (1.0, first), (2.0, other)), reading(4, (1.0, second)), reading(1, (2.0, other))]

    found = readings_of(read_lidc_crop(image), ratings)

    assert found == ratings[:2]
    assert density_of(found) == pytest.approx((1.0 + 0.75) / 2)
    assert density_of(readings_of(read_lidc_crop(image), ratings[2:])) is None
