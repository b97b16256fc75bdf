"""Closed contours become the pixels whose centres they enclose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_inpaint.regions.contours import distinct, inside_contours

SHAPE = (40, 50)
corner = st.tuples(st.floats(-5, 45), st.floats(-5, 55))
polygon = st.lists(corner, min_size=3, max_size=12).map(np.array)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], points: int = 400) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.array(centre) + np.stack([radii[0] * np.cos(turn), radii[1] * np.sin(turn)], axis=1)


def centres() -> tuple[np.ndarray, np.ndarray]:
    return np.ogrid[: SHAPE[0], : SHAPE[1]]  # type: ignore[return-value]


def by_winding(contour: np.ndarray) -> np.ndarray:
    """The same by counting, for each centre, the edges that a ray from it crosses, one by one."""
    result = np.zeros(SHAPE, bool)
    for a in range(SHAPE[0]):
        for b in range(SHAPE[1]):
            for (a0, b0), (a1, b1) in zip(contour, np.roll(contour, -1, axis=0), strict=True):
                if (a0 <= a) != (a1 <= a) and b >= b0 + (a - a0) / (a1 - a0) * (b1 - b0):
                    result[a, b] = not result[a, b]
    return result


def test_an_ellipse_is_the_pixels_whose_centres_satisfy_its_equation() -> None:
    a, b = centres()
    level = ((a - 19.3) / 12.2) ** 2 + ((b - 24.6) / 17.7) ** 2

    marked = inside_contours([ellipse((19.3, 24.6), (12.2, 17.7))], SHAPE)

    clear = np.abs(level - 1) > 1e-3  # the polygon lies just inside of the curve
    assert np.array_equal(marked[clear], (level < 1)[clear])
    assert marked.sum() == pytest.approx(np.pi * 12.2 * 17.7, rel=0.01)


def test_a_rectangle_counts_centres_on_its_lower_edges_only() -> None:
    marked = inside_contours([np.array([[2, 3], [2, 8], [6, 8], [6, 3]])], SHAPE)

    expected = np.zeros(SHAPE, bool)
    expected[2:6, 3:8] = True
    assert np.array_equal(marked, expected)


def test_a_contour_within_another_cuts_a_cavity() -> None:
    outer, inner = ellipse((20, 25), (15, 15)), ellipse((20, 25), (6, 6))

    marked = inside_contours([outer, inner], SHAPE)

    assert np.array_equal(marked, inside_contours([outer], SHAPE) & ~inside_contours([inner], SHAPE))
    assert not marked[20, 25]


def test_a_keyhole_cuts_the_same_cavity_and_its_channel_marks_and_hides_nothing() -> None:
    outer, inner = ellipse((20, 25), (15, 15)), ellipse((20, 25), (6, 6))
    keyhole = np.concatenate([outer, outer[:1], inner[::-1], inner[-1:]])

    assert np.array_equal(inside_contours([keyhole], SHAPE), inside_contours([outer, inner], SHAPE))


def test_a_contour_that_runs_out_of_the_image_is_cut_there() -> None:
    marked = inside_contours([np.array([[-100, -100], [-100, 10.5], [100, 10.5], [100, -100]])], SHAPE)

    assert marked[:, :11].all()
    assert not marked[:, 11:].any()


def test_a_contour_between_centres_marks_nothing() -> None:
    assert not inside_contours([np.array([[2.2, 3.2], [2.2, 3.8], [2.8, 3.8], [2.8, 3.2]])], SHAPE).any()


@settings(deadline=None, max_examples=10)
@given(polygon)
def test_any_polygon_agrees_with_counting_crossings_one_by_one(contour: np.ndarray) -> None:
    away = np.ones(SHAPE, bool)  # rounding may decide about centres on an edge
    a, b = centres()
    for start, end in zip(contour, np.roll(contour, -1, axis=0), strict=True):
        along = end - start
        length = max(float(along @ along), 1e-12)
        t = np.clip(((a - start[0]) * along[0] + (b - start[1]) * along[1]) / length, 0, 1)
        away &= np.hypot(a - start[0] - t * along[0], b - start[1] - t * along[1]) > 1e-6
    assert np.array_equal(inside_contours([contour], SHAPE)[away], by_winding(contour)[away])


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 39 * 16), st.integers(0, 49 * 16))
def test_contours_that_share_an_edge_tile_a_region_without_gap_or_overlap(sixteenths: int, right: int) -> None:
    middle = np.array([sixteenths, right]) / 16
    corners = np.array([[-1, -1], [-1, 60], [60, 60], [60, -1]])
    parts = [np.stack([corners[n], corners[(n + 1) % 4], middle]) for n in range(4)]

    marked = np.sum([inside_contours([part], SHAPE) for part in parts], axis=0)

    assert (marked == 1).all()


@settings(deadline=None, max_examples=50)
@given(polygon, st.integers(-8, 8), st.integers(-8, 8))
def test_a_moved_contour_marks_moved_pixels(contour: np.ndarray, down: int, right: int) -> None:
    contour = np.rint(contour * 16) / 16  # numbers that stay exact when moved
    wide = (SHAPE[0] + 32, SHAPE[1] + 32)
    here = inside_contours([contour + 16], wide)
    there = inside_contours([contour + 16 + [down, right]], wide)

    assert np.array_equal(np.roll(here, (down, right), (0, 1)), there)


@settings(deadline=None, max_examples=50)
@given(polygon)
def test_the_direction_and_the_first_point_of_a_contour_do_not_matter(contour: np.ndarray) -> None:
    marked = inside_contours([contour], SHAPE)

    assert np.array_equal(marked, inside_contours([contour[::-1]], SHAPE))
    assert np.array_equal(marked, inside_contours([np.roll(contour, 2, axis=0)], SHAPE))


@settings(deadline=None, max_examples=50)
@given(polygon, st.integers(0, 11), st.booleans(), st.integers(0, 3), st.integers(0, 99))
def test_a_contour_written_again_counts_once(contour, start: int, backwards: bool, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    again = np.roll(contour, start, axis=0)[:: -1 if backwards else 1]
    for _ in range(more):  # corners that change nothing
        n = int(rng.integers(len(again)))
        share = rng.random()
        again = np.insert(again, n + 1, share * again[n] + (1 - share) * again[(n + 1) % len(again)], axis=0)
    again = again + rng.uniform(-0.01, 0.01, again.shape)

    kept = distinct([contour, again, contour.copy()])

    assert len(kept) == 1
    assert np.array_equal(inside_contours(kept, SHAPE), inside_contours([contour], SHAPE))


def test_contours_that_differ_somewhere_are_two() -> None:
    outer, inner = ellipse((20, 25), (15, 15)), ellipse((20, 25), (14.8, 14.8))
    bent = outer.copy()
    bent[7] += 0.5
    keyhole = np.concatenate([outer, outer[:1], inner[::-1], inner[-1:]])
    parts = [outer, inner, bent, keyhole, outer[:200]]

    assert len(distinct(parts)) == 5
    assert len(distinct([*parts, *parts])) == 5
