"""Projections against integrals known in closed form, and back."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metal_samples import MM, SIDE, centres, disc

from monai_inpaint.ct import projector as projection
from monai_inpaint.ct.projector import FanBeam, fan_beam, parallel_beam, project, rebinned, reconstruct
from monai_inpaint.errors import InputError

SHAPE, SPACING = (SIDE, SIDE), (MM, MM)
DOWN, RIGHT, RADIUS = 20.0, -30.0, 70.0
pytest.importorskip("astra")


def chords(beam: projection.ParallelBeam) -> tuple[np.ndarray, np.ndarray]:
    """mm of each ray within the disc, and its distance from the disc's middle."""
    offset = (np.arange(beam.channels) - (beam.channels - 1) / 2) * beam.channel_mm
    middle = RIGHT * np.cos(beam.angles) - DOWN * np.sin(beam.angles)
    distance = np.abs(offset - middle[:, None])
    return 2 * np.sqrt(np.maximum(RADIUS**2 - distance**2, 0)), distance


def test_parallel_projections_are_line_integrals() -> None:
    beam = parallel_beam(SHAPE, SPACING)
    known, distance = chords(beam)

    off = project(disc(RADIUS, DOWN, RIGHT), SPACING, beam) - known

    assert np.abs(off[np.abs(distance - RADIUS) > 4 * MM]).max() < 0.01 * 2 * RADIUS
    assert abs(off.mean()) < 0.02


def test_fan_projections_rebin_to_parallel_ones() -> None:
    fan = fan_beam(SHAPE, SPACING)
    sinogram, beam = rebinned(project(disc(RADIUS, DOWN, RIGHT), SPACING, fan), fan)
    known, distance = chords(beam)

    off = sinogram - known

    assert np.abs(off[np.abs(distance - RADIUS) > 8 * MM]).max() < 0.015 * 2 * RADIUS
    assert abs(off.mean()) < 0.02


# ASTRA's rays of a fan sample pixels along lines, those of parallel views between them: the fan's are less even.
@pytest.mark.parametrize(("make", "most"), [(parallel_beam, 10), (fan_beam, 15)])
def test_a_disc_of_water_has_its_value_when_it_comes_back(make, most: float) -> None:
    beam = make(SHAPE, SPACING)
    water = disc(RADIUS, DOWN, RIGHT)

    hu = 1000.0 * reconstruct(project(water, SPACING, beam), beam, SHAPE, SPACING) - 1000.0

    y, x = centres()
    distance = np.hypot(y - DOWN, x - RIGHT)
    inside = distance < RADIUS - 8 * MM
    assert abs(hu[inside].mean()) < 1
    assert np.abs(hu[inside]).max() < most
    assert hu[inside].std() < 4
    assert abs(hu[(distance > RADIUS + 5 * MM) & (np.hypot(y, x) < 150)].mean() + 1000) < 1


def test_pixels_that_are_not_square_are_refused() -> None:
    shape, spacing = (SIDE, SIDE // 2), (MM, 2 * MM)

    with pytest.raises(InputError, match="square pixels"):
        project(disc(RADIUS)[:, ::2], spacing, parallel_beam(shape, spacing))


def test_a_mirrored_slice_has_mirrored_projections() -> None:
    beam = parallel_beam(SHAPE, SPACING)
    sinogram = project(disc(RADIUS, DOWN, RIGHT), SPACING, beam)

    mirrored = project(disc(RADIUS, DOWN, RIGHT)[::-1, ::-1], SPACING, beam)

    assert np.allclose(mirrored, sinogram[:, ::-1], atol=1e-2)


def test_a_quarter_turn_of_the_slice_is_one_of_the_fan() -> None:
    fan = FanBeam(240, 241, MM)
    slice_ = disc(RADIUS, DOWN, RIGHT)

    turned = project(np.ascontiguousarray(np.rot90(slice_)), SPACING, fan)

    away = np.abs(np.roll(project(slice_, SPACING, fan), 60, axis=0) - turned)
    assert away.mean() < 0.05


def test_a_part_projects_where_it_lies_in_the_whole() -> None:
    beam = parallel_beam(SHAPE, SPACING)
    whole = disc(20, 40, -50)
    box = (slice(80, 120), slice(30, 80))
    centre = [((part.start + part.stop) - SIDE) / 2 * MM for part in box]

    assert np.allclose(project(whole[box], SPACING, beam, centre=centre), project(whole, SPACING, beam), atol=1e-3)


def test_the_result_does_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    beam = parallel_beam(SHAPE, SPACING)
    sinogram = project(disc(RADIUS), SPACING, beam)
    many = reconstruct(sinogram, beam, SHAPE, SPACING)

    monkeypatch.setattr(projection.os, "cpu_count", lambda: 1)

    assert np.array_equal(reconstruct(sinogram, beam, SHAPE, SPACING), many)


def test_the_fan_covers_a_slice_larger_than_a_bore() -> None:
    fan = fan_beam((600, 600), (2.0, 2.0))

    assert fan.source_mm > 849
    assert fan.views % 2 == 0


def test_without_the_toolbox_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    projection._astra.cache_clear()
    monkeypatch.setitem(sys.modules, "astra", None)

    with pytest.raises(InputError, match=r"pip install 'monai-inpaint\[metal\]'"):
        project(disc(RADIUS), SPACING, parallel_beam(SHAPE, SPACING))


@given(mm=st.floats(0.4, 3.0), down=st.floats(-60, 60), right=st.floats(-60, 60), rows=st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_small_pieces_anywhere_are_projected_whatever_their_size(mm, down, right, rows) -> None:
    beam, pixel = fan_beam((192, 192), (mm / 3, mm / 3)), mm / 3

    views = project(np.ones((rows, 2), np.float32), (pixel, pixel), beam, centre=(down * mm / 2, right * mm / 2))

    # The rays of a view, summed over their width, give the piece's area; the fan magnifies what is near the source.
    assert views.sum(axis=1).mean() * beam.channel_mm == pytest.approx(2 * rows * pixel**2, rel=0.1)
