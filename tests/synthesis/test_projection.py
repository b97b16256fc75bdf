"""Shadows of nodules: a sphere's is that of a sphere, whatever its slices and from wherever it is seen."""

from __future__ import annotations

import numpy as np
import pytest
from lung_samples import LEFT, RIGHT
from lung_samples import film as film_with

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.nodules.projection import grey_per_mm, hounsfield_of, project_nodule

RADIUS = 10.0  # mm


def sphere(spacing: tuple[float, float, float], radius: float = RADIUS, shift: float = 0.0) -> np.ndarray:
    axes = [np.arange(-n, n + 1) * step for n, step in ((int(radius / step) + 2, step) for step in spacing)]
    z, y, x = np.meshgrid(axes[0] + shift, *axes[1:], indexing="ij")
    stack = z**2 + y**2 + x**2 <= radius**2
    return stack[stack.any(axis=(1, 2))]


def radii(mask: np.ndarray, pixel: float) -> np.ndarray:
    centre = np.argwhere(mask).mean(axis=0)
    return np.hypot(*(np.indices(mask.shape) - centre[:, None, None])) * pixel


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("spacing", "error"), [((1.0, 0.7, 0.7), 0.7), ((2.5, 0.7, 0.7), 1.5)])
def test_a_sphere_of_water_has_the_profile_of_a_sphere(
    spacing: tuple[float, float, float], error: float, axis: int
) -> None:
    path, mask = project_nodule(sphere(spacing), spacing, hounsfield=0, lung=-1000, pixel=0.5, rim=0, axis=axis)

    away = radii(mask, 0.5)
    chord = 2 * np.sqrt(np.clip(RADIUS**2 - away**2, 0, None))
    assert np.sqrt(np.mean((path - chord)[away < RADIUS] ** 2)) < error
    assert path.max() == pytest.approx(2 * RADIUS, rel=0.06)
    assert path.sum() * 0.25 == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.05)
    assert mask.sum() * 0.25 == pytest.approx(np.pi * RADIUS**2, rel=0.05)
    assert not path[~mask].any()


def test_a_rim_takes_from_a_nodule_what_its_shell_lacks() -> None:
    spacing, rim = (0.7, 0.7, 0.7), 2.0
    hard, mask = project_nodule(sphere(spacing), spacing, hounsfield=0, lung=-1000, pixel=0.5, rim=0)
    soft, same = project_nodule(sphere(spacing), spacing, hounsfield=0, lung=-1000, pixel=0.5, rim=rim)
    radius = np.linspace(0, RADIUS, 1000)
    density = np.clip((RADIUS - radius) / (2 * rim), 0, 1)

    assert np.array_equal(mask, same)
    assert soft.sum() / hard.sum() == pytest.approx(3 * np.trapezoid(density * radius**2, radius) / RADIUS**3, rel=0.05)
    assert hard.max() - soft.max() == pytest.approx(2 * rim, rel=0.1)


def test_the_size_in_mm_does_not_depend_on_the_pixels_of_the_film() -> None:
    stack = sphere((1.25, 0.6, 0.6))
    areas = [
        project_nodule(stack, (1.25, 0.6, 0.6), hounsfield=0, pixel=pixel)[1].sum() * pixel**2
        for pixel in (0.15, 0.4, 0.8)
    ]

    assert areas == pytest.approx([areas[0]] * 3, rel=0.03)


def test_a_nodule_of_one_slice_has_the_thickness_of_the_slice() -> None:
    disc = sphere((2.0, 0.5, 0.5))[5:6]

    path, _ = project_nodule(disc, (2.0, 0.5, 0.5), hounsfield=0, lung=-1000, pixel=0.5, rim=0, axis=0)

    assert path.max() == pytest.approx(2.0, rel=0.15)


def test_rows_of_the_film_run_towards_the_feet() -> None:
    upper = np.zeros((6, 21, 21), bool)  # wide near the head
    upper[:3, 9:12, 9:12] = upper[3:, 2:19, 2:19] = True

    _, mask = project_nodule(upper, (1.0, 1.0, 1.0), hounsfield=0, pixel=1.0)

    widths = mask.sum(axis=1)[mask.any(axis=1)]
    assert widths[0] > widths[-1]


def test_the_shadow_is_the_weaker_the_less_dense_the_nodule() -> None:
    stack = sphere((1.0, 0.7, 0.7))
    shadows = [
        project_nodule(stack, (1.0, 0.7, 0.7), hounsfield=hounsfield_of(density), pixel=0.5, rim=0)[0].max()
        for density in (0.0, 0.5, 1.0)
    ]

    assert 0 < shadows[0] < shadows[1] < shadows[2]
    assert shadows[2] == pytest.approx(2 * RADIUS * 0.89, rel=0.03)  # 890 HU more than lung, along 20 mm


def test_a_gap_is_closed_by_the_surface_between_its_slices() -> None:
    small, large = np.zeros((2, 31, 31), bool)
    small[12:19, 12:19] = large[6:25, 6:25] = True

    _, mask = project_nodule(np.stack([small, large]), (8.0, 1.0, 1.0), hounsfield=0, pixel=1.0)

    widths = mask.sum(axis=1)[mask.any(axis=1)]
    assert (np.diff(widths[widths.argmax() :]) <= 0).all()
    assert len(np.unique(widths)) > 4


def test_an_empty_stack_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        project_nodule(np.zeros((3, 5, 5), bool), (1, 1, 1), hounsfield=0, pixel=1)


def test_contrast_follows_the_units_of_the_film() -> None:
    film = film_with(RIGHT, LEFT)

    grey = grey_per_mm(film)

    assert grey > 0
    assert grey_per_mm(4 * film.astype(np.float32) + 100) == pytest.approx(4 * grey, rel=1e-3)
    assert grey_per_mm(255 - film.astype(np.float32), inverted=True) == pytest.approx(-grey, rel=1e-3)


def test_a_film_without_contrast_is_refused() -> None:
    with pytest.raises(InputError, match="film"):
        grey_per_mm(np.full((128, 128), 7, np.uint8))
