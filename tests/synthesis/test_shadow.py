"""The shadow of a nodule on a film: that of a ball where its outline is a circle, soft, and over what was there."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.synthesis.nodules.projection import RIM
from monai_inpaint.synthesis.nodules.shadow import cast_shadow, poisson_height, shadowed


def disc(radius: float, spacing: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    counts = [int(radius / step) + 2 for step in spacing]
    rows, columns = (np.arange(-n, n + 1) * step for n, step in zip(counts, spacing, strict=True))
    return np.hypot(rows[:, None], columns[None]) <= radius


def mean_shadow(radius: float, density: float, draws: int = 20) -> np.ndarray:
    shape = disc(radius)
    drawn = [cast_shadow(shape, (1.0, 1.0), density, np.random.default_rng(seed)) for seed in range(draws)]
    return np.mean(drawn, axis=0)


@pytest.mark.parametrize(("radius", "spacing"), [(20.0, (1.0, 1.0)), (20.0, (0.5, 1.0)), (90.0, (1.0, 1.0))])
def test_the_surface_over_a_circle_is_a_ball(radius: float, spacing: tuple[float, float]) -> None:
    shape = disc(radius, spacing)
    height = poisson_height(shape, spacing)
    rows, columns = ((np.arange(n) - n // 2) * step for n, step in zip(shape.shape, spacing, strict=True))
    ball = 2 * np.sqrt(np.clip((radius + 0.5) ** 2 - (rows[:, None] ** 2 + columns[None] ** 2), 0, None))

    assert np.abs(4 * np.sqrt(height) - ball)[shape].mean() < 0.06 * radius
    assert 4 * np.sqrt(height.max()) == pytest.approx(2 * radius, rel=0.05)
    assert not height[~shape].any()


def test_the_path_through_a_ball_is_the_integral_of_its_density_along_the_ray() -> None:
    radius = 8.0
    path = mean_shadow(radius, 1.0, draws=400)
    middle = path[path.shape[0] // 2, path.shape[1] // 2 :]
    ball = radius + 0.5  # whose outline is drawn at the centres of pixels
    soft = 1 - (1 - 2 * RIM / ball) ** 2
    z = np.linspace(-ball, ball, 4001)
    for away in (0.0, 3.0, 6.0):
        density = np.clip((1 - (away**2 + z**2) / ball**2) / soft, 0, 1)
        assert middle[int(away)] == pytest.approx(0.89 * np.trapezoid(density, z), rel=0.08)


def test_a_solid_ball_adds_the_water_of_its_diameter() -> None:
    path = mean_shadow(12.0, 1.0)

    # 890 HU more than lung along 24 mm, but for the rim and what is drawn
    assert path.max() == pytest.approx(0.89 * 24, rel=0.3)


def test_a_shadow_fades_towards_its_outline() -> None:
    path = mean_shadow(12.0, 1.0)
    middle = path[path.shape[0] // 2]
    inside = middle[middle > 0]

    assert inside[0] < 0.25 * inside.max()
    assert inside[3] > 2 * inside[0]


def test_shadows_are_the_weaker_the_less_dense() -> None:
    ground_glass, part_solid, solid = (mean_shadow(10.0, density).sum() for density in (0.0, 0.5, 1.0))

    assert 0 < ground_glass < part_solid < solid


def test_the_film_stays_under_the_shadow() -> None:
    film = np.random.default_rng(0).normal(100, 10, (64, 64)).astype(np.float32)
    film[:, 20:40] += 60  # contrast
    mask = np.zeros(film.shape, bool)
    mask[20:43, 22:45] = disc(9.5)

    made = shadowed(film, mask, (1.0, 1.0), 1.0, np.random.default_rng(1))

    np.testing.assert_array_equal(made[~mask], film[~mask])
    change = (made - film)[mask]
    assert change.min() >= 0
    assert change.max() > 1
    assert np.corrcoef((film - film[mask].mean())[mask], change)[0, 1] < 0.5
