"""Hole makers: seeded, replayable from JSON, within their ranges, and clear about bad arguments."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, label

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis import holes

MAKERS = {
    "square": (lambda shape, rng: holes.random_square(shape, rng, side=(1, max(1, min(shape) - 1))), holes.draw_square),
    "boxes": (holes.random_boxes, holes.draw_boxes),
    "blobs": (holes.random_blobs, holes.draw_blobs),
    "strokes": (holes.random_strokes, holes.draw_strokes),
    "scattered": (holes.random_scattered, holes.draw_scattered),
    "wires": (holes.random_wires, holes.draw_wires),
    "metal": (holes.random_metal, holes.draw_metal),
    "free_form": (
        lambda shape, rng: holes.random_free_form(shape, rng, fraction=(0.05, 0.5)),
        holes.draw_free_form,
    ),
}

shapes = st.one_of(
    st.tuples(st.integers(2, 48), st.integers(2, 48)),
    st.tuples(st.integers(2, 14), st.integers(2, 14), st.integers(2, 14)),
)
thin_shapes = st.sampled_from([(1, 2), (2, 1), (1, 30), (1, 1, 9), (20, 20, 1), (3, 1, 2)])
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=60, deadline=None)


def through_json(params: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(params))


@pytest.mark.parametrize("kind", MAKERS)
@quick
@given(shape=shapes, seed=seeds)
def test_the_same_seed_gives_the_same_hole_and_json_replays_it(kind: str, shape: tuple[int, ...], seed: int) -> None:
    random, draw = MAKERS[kind]
    params = random(shape, np.random.default_rng(seed))
    assert params == random(shape, np.random.default_rng(seed))
    hole = draw(shape, **params)
    assert hole.dtype == bool
    assert hole.shape == shape
    assert hole.any()
    assert through_json(params) == params
    np.testing.assert_array_equal(hole, draw(shape, **through_json(params)))


@pytest.mark.parametrize("kind", MAKERS)
def test_another_seed_gives_another_hole(kind: str) -> None:
    random, draw = MAKERS[kind]
    drawn = [draw((64, 64), **random((64, 64), np.random.default_rng(seed))) for seed in range(8)]
    assert len({hole.tobytes() for hole in drawn}) == 8


@pytest.mark.parametrize("kind", ["boxes", "blobs", "strokes", "free_form", "scattered", "wires", "metal"])
@quick
@given(shape=thin_shapes, seed=seeds)
def test_images_one_voxel_thin_have_holes_too(kind: str, shape: tuple[int, ...], seed: int) -> None:
    random = {"free_form": lambda *a: holes.random_free_form(*a, fraction=(0, 1))}.get(kind, MAKERS[kind][0])
    assert MAKERS[kind][1](shape, **random(shape, np.random.default_rng(seed))).any()


@quick
@given(shape=st.one_of(shapes, thin_shapes), seed=seeds, bounds=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_random_hole_keeps_its_fraction_and_leaves_something_known(
    shape: tuple[int, ...], seed: int, bounds: tuple[float, float]
) -> None:
    low, high = sorted(bounds)
    total = math.prod(shape)
    if max(1, math.ceil(low * total)) > min(total - 1, math.floor(high * total)):
        return
    for kinds in (holes.KINDS, *((kind,) for kind in holes.KINDS)):
        kind, params = holes.random_hole(shape, np.random.default_rng(seed), kinds=kinds, fraction=(low, high))
        assert kind in (*kinds, "free_form")
        hole = holes.draw_hole(shape, kind, through_json(params))
        assert 0 < hole.sum() < total
        assert low - 1e-6 <= hole.mean() <= high + 1e-6


@pytest.mark.parametrize("shape", [(128, 128), (96, 160), (24, 24, 24)])
def test_training_holes_run_from_tiny_to_sixty_per_cent_in_every_kind(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    drawn = [holes.random_hole(shape, rng) for _ in range(200)]
    covered = np.array([holes.draw_hole(shape, *hole).mean() for hole in drawn])
    assert {kind for kind, _ in drawn} == set(holes.KINDS)
    assert covered.min() < 0.005
    assert 0.45 < covered.max() <= 0.6
    assert 0.1 < (covered > 0.25).mean() < 0.5


def test_a_free_form_covers_one_to_twentyfive_per_cent_of_the_image() -> None:
    rng = np.random.default_rng(0)
    covered = [holes.draw_free_form((96, 80), **holes.random_free_form((96, 80), rng)).mean() for _ in range(100)]
    assert min(covered) >= 0.01
    assert max(covered) <= 0.25


def test_a_range_too_narrow_for_random_parts_is_met_to_the_voxel() -> None:
    params = holes.random_free_form((40, 30), np.random.default_rng(1), fraction=(0.5, 0.5), kinds=("blobs",))
    assert holes.draw_free_form((40, 30), **params).sum() == 600


@pytest.mark.parametrize("kind", holes.KINDS)
def test_a_fraction_up_to_one_still_leaves_a_known_voxel(kind: str) -> None:
    for seed in range(20):
        hole = holes.random_hole((3, 4), np.random.default_rng(seed), kinds=(kind,), fraction=(0.9, 1.0))
        assert holes.draw_hole((3, 4), *hole).sum() == 11


@quick
@given(shape=shapes, seed=seeds)
def test_a_square_is_whole_and_lies_in_the_image(shape: tuple[int, ...], seed: int) -> None:
    side = max(1, min(shape) - 1)
    params = holes.random_square(shape, np.random.default_rng(seed), side=side)
    assert holes.draw_square(shape, **params).sum() == side ** len(shape)


@quick
@given(seed=seeds, radius=st.integers(12, 30))
def test_a_square_inside_the_body_has_half_of_itself_in_it(seed: int, radius: int) -> None:
    rows, columns = np.ogrid[:90, :70]
    body = (rows - 40) ** 2 + (columns - 30) ** 2 <= radius**2
    params = holes.random_square((90, 70), np.random.default_rng(seed), side=16, inside=body)
    hole = holes.draw_square((90, 70), **params)
    assert hole.sum() == 256
    assert (hole & body).sum() >= 128


def test_a_square_in_a_body_smaller_than_itself_is_centred_in_it() -> None:
    body = np.zeros((50, 50), bool)
    body[20:23, 30:33] = True
    params = holes.random_square((50, 50), np.random.default_rng(0), side=20, inside=body)
    row, column = (first + 10 for first in params["start"])
    assert body[row, column]


def test_every_place_inside_the_body_can_hold_the_square() -> None:
    body = np.zeros((12, 12), bool)
    body[:, 6:] = True
    rng = np.random.default_rng(0)
    starts = {tuple(holes.random_square((12, 12), rng, side=4, inside=body)["start"]) for _ in range(2000)}
    assert starts == {(row, column) for row in range(9) for column in range(4, 9)}


def test_the_centre_square_lies_in_the_middle() -> None:
    hole = holes.draw_square((128, 128), **holes.centre_square((128, 128), side=64))
    assert hole[32:96, 32:96].all()
    assert hole.sum() == 64 * 64


@pytest.mark.parametrize(("shape", "volume"), [((101, 101), math.pi), ((61, 61, 61), 4 * math.pi / 3)])
def test_a_blob_without_waves_is_an_ellipse(shape: tuple[int, ...], volume: float) -> None:
    ndim = len(shape)
    radii = [20.0, 12.0, 9.0][:ndim]
    blob = {"centre": [size // 2 for size in shape], "radii": radii, "axes": np.eye(ndim).tolist(), "waves": []}
    hole = holes.draw_blobs(shape, blobs=[blob])
    assert hole.sum() == pytest.approx(volume * math.prod(radii), rel=0.02)
    spans = [np.flatnonzero(hole.any(tuple(a for a in range(ndim) if a != axis))) for axis in range(ndim)]
    assert [int(span[-1] - span[0]) for span in spans] == [int(2 * radius) for radius in radii]


def test_a_wave_swings_the_radius_of_a_blob() -> None:
    blob = {"centre": [50, 50], "radii": [20, 20], "axes": [[1, 0], [0, 1]], "waves": [[2, 0.5, [1, 0]]]}
    hole = holes.draw_blobs((101, 101), blobs=[blob])
    assert hole[:, 50].sum() == 2 * 30 + 1
    assert hole[50, :].sum() == 2 * 10 + 1


@pytest.mark.parametrize("shape", [(40, 50), (30, 30, 20)])
def test_a_stroke_is_every_voxel_near_its_line(shape: tuple[int, ...]) -> None:
    a, b = np.full(len(shape), 8.0), np.asarray(shape) - 6.5
    hole = holes.draw_strokes(shape, strokes=[{"points": [a.tolist(), b.tolist()], "thickness": 7}])
    grid = np.moveaxis(np.indices(shape), 0, -1)
    samples = np.linspace(a, b, 400)
    near = np.min([np.linalg.norm(grid - sample, axis=-1) for sample in samples], axis=0)
    assert hole[near < 3.45].all()
    assert not hole[near > 3.55].any()


@pytest.mark.parametrize("shape", [(40, 50), (30, 30, 20)])
@pytest.mark.parametrize("thickness", [1.0, 2.5, 6.0])
def test_a_wire_is_the_voxels_near_its_curve_without_a_gap(shape: tuple[int, ...], thickness: float) -> None:
    along = np.linspace(0, 1, 15)[:, None]
    points = 6 + (np.asarray(shape) - 12) * np.sin(1.4 * along * np.arange(1, len(shape) + 1) / len(shape))
    hole = holes.draw_wires(shape, wires=[{"points": points.tolist(), "thickness": thickness}])
    grid = np.moveaxis(np.indices(shape), 0, -1)
    curve = np.concatenate([np.linspace(a, b, 20) for a, b in zip(points[:-1], points[1:], strict=True)])
    near = np.min([np.linalg.norm(grid - point, axis=-1) for point in curve], axis=0)
    assert hole[near < thickness / 2 - 0.15].all()
    assert not hole[near > max(thickness / 2, math.sqrt(len(shape)) / 2) + 0.01].any()
    assert label(hole, np.ones((3,) * len(shape)))[1] == 1


def test_wires_are_long_thin_and_turn_slowly() -> None:
    rng = np.random.default_rng(0)
    wires = [wire for _ in range(60) for wire in holes.random_wires((24, 96, 96), rng)["wires"]]
    steps = [np.diff(wire["points"], axis=0) for wire in wires]
    lengths = [np.linalg.norm(step, axis=1) for step in steps]
    turns = [(step[1:] * step[:-1]).sum(1) / (size[1:] * size[:-1]) for step, size in zip(steps, lengths, strict=True)]
    assert {1 <= wire["thickness"] <= 6 for wire in wires} == {True}
    assert 40 < min(size.sum() for size in lengths) < max(size.sum() for size in lengths) < 290
    assert np.percentile(np.concatenate(turns), 1) > math.cos(math.radians(30))


def test_most_wires_in_a_slab_run_through_most_of_its_slices() -> None:
    rng = np.random.default_rng(0)
    drawn = [holes.draw_wires((24, 96, 96), **holes.random_wires((24, 96, 96), rng)) for _ in range(40)]
    assert np.median([hole.any(axis=(1, 2)).sum() for hole in drawn]) > 12


def test_some_wires_run_side_by_side() -> None:
    params = [holes.random_wires((96, 96), np.random.default_rng(seed), count=(1, 1)) for seed in range(60)]
    strands = [np.array([wire["points"] for wire in one["wires"]]) for one in params]
    assert {len(courses) for courses in strands} == {1, 2, 4, 6}
    for courses in strands:
        apart = courses - courses[0]
        np.testing.assert_allclose(apart, np.broadcast_to(apart[:, :1], apart.shape), atol=0.011)


@pytest.mark.parametrize(("ndim", "ball"), [(2, math.pi), (3, 4 * math.pi / 3)])
def test_a_rim_widens_every_rod_by_so_many_voxels(ndim: int, ball: float) -> None:
    shape = (41,) * ndim
    head = [[20.0] * ndim, [20.0] * ndim, [9.0, 9.0]]
    hole = holes.draw_metal(shape, metal=[{"rods": [head], "rim": 3.0}])
    assert hole.sum() == pytest.approx(ball * 12**ndim, rel=0.03)

    stem = [[8.0] + [20.0] * (ndim - 1), [32.0] + [20.0] * (ndim - 1), [6.0, 2.0]]
    hole = holes.draw_metal(shape, metal=[{"rods": [stem], "rim": 2.0}])
    widths = hole[(slice(None), slice(None), *(20,) * (ndim - 2))].sum(axis=1)
    assert [int(widths[row]) for row in (8, 20, 32)] == [17, 13, 9]
    assert np.flatnonzero(widths)[[0, -1]].tolist() == [0, 36]


@pytest.mark.parametrize("shape", [(96, 96), (12, 16, 16)])
def test_every_implant_has_one_to_four_voxels_of_rim(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    room = 1.5 * max(shape)  # for what leaves the image
    canvas = [int(size + 2 * room) for size in shape]
    for _ in range(20):
        (implant,) = holes.random_metal(shape, rng, count=(1, 1))["metal"]
        assert 1 <= implant["rim"] <= 4
        rods = [[(np.array(end) + room).tolist() for end in rod[:2]] + rod[2:] for rod in implant["rods"]]
        thin, wide = (holes.draw_metal(canvas, metal=[{"rods": rods, "rim": rim}]) for rim in (1.0, 4.0))
        away = distance_transform_edt(~thin)
        assert wide[away < 2].all()
        assert not wide[away > 4.5].any()


def test_scattered_holes_are_many_small_ones() -> None:
    rng = np.random.default_rng(0)
    drawn = [holes.draw_scattered((128, 128), **holes.random_scattered((128, 128), rng)) for _ in range(60)]
    assert np.median([label(hole)[1] for hole in drawn]) >= 10
    assert 0.001 < np.min([hole.mean() for hole in drawn]) < np.max([hole.mean() for hole in drawn]) < 0.1


@quick
@given(seed=seeds, gap=st.integers(0, 4), solid=st.booleans())
def test_a_moved_lesion_keeps_its_shape_and_stays_away_from_its_source(seed: int, gap: int, solid: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = (40, 36, 6) if solid else (48, 40)
    lesion = np.zeros(shape, bool)
    lesion[10:20, 8:15] = rng.random((10, 7, *shape[2:])) < 0.6
    lesion.flat[np.ravel_multi_index((12, 9, 3)[: len(shape)], shape)] = True
    allowed = np.ones(shape, bool)
    allowed[:, 30:] = False
    params = holes.random_moved_lesion(lesion, np.random.default_rng(seed), allowed=allowed, gap=gap)
    assert params == holes.random_moved_lesion(lesion, np.random.default_rng(seed), allowed=allowed, gap=gap)
    hole = holes.draw_moved_lesion(lesion, **through_json(params))
    assert hole.sum() == lesion.sum()
    assert not (hole & ~allowed).any()
    sources, targets = np.argwhere(lesion), np.argwhere(hole)
    apart = np.abs(sources[:, None] - targets[None]).max(-1).min()
    assert apart > gap


def test_a_moved_lesion_finds_the_only_place_there_is() -> None:
    lesion = np.zeros((200, 200), bool)
    lesion[50:60, 50:54] = True
    lesion[50, 54] = True
    allowed = np.zeros_like(lesion)
    allowed[120:124, 90:100] = True
    allowed[119, 99] = True
    params = holes.random_moved_lesion(lesion, np.random.default_rng(0), allowed=allowed)
    np.testing.assert_array_equal(holes.draw_moved_lesion(lesion, **params), allowed)


def test_a_lesion_moves_in_every_mirrored_and_turned_form() -> None:
    lesion = np.zeros((30, 30), bool)
    lesion[10:14, 10] = True
    lesion[10, 10:12] = True
    rng = np.random.default_rng(0)
    moved = [holes.random_moved_lesion(lesion, rng, allowed=np.ones_like(lesion)) for _ in range(200)]
    assert len({(*params["mirrored"], params["turned"]) for params in moved}) == 8


SHAPE = (20, 30)
RNG = np.random.default_rng(0)
LESION = np.zeros(SHAPE, bool)
LESION[5:8, 5:8] = True
NONE = np.zeros(SHAPE, bool)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: holes.random_square(SHAPE, RNG, side=21), "side 21 does not fit"),
        (lambda: holes.random_square((8, 8), RNG, side=8), "something known"),
        (lambda: holes.random_square(SHAPE, RNG, side=0), "side=(0, 0)"),
        (lambda: holes.random_square(SHAPE, RNG, side=4, inside=NONE), "larger region"),
        (lambda: holes.random_square(SHAPE, RNG, side=4, inside=NONE.T), "inside has the shape (30, 20)"),
        (lambda: holes.draw_square(SHAPE, start=[18, 0], side=4), "does not lie in the shape (20, 30)"),
        (lambda: holes.draw_boxes(SHAPE, boxes=[[[0, 0], [4, 31]]]), "does not lie in the shape"),
        (lambda: holes.random_boxes(SHAPE, RNG, count=(3, 1)), "count=(3, 1) is not a range"),
        (lambda: holes.random_blobs(SHAPE, RNG, size=(0.2, 2)), "size=(0.2, 2) is not a range"),
        (lambda: holes.random_blobs(SHAPE, RNG, swing=(0, 1)), "swing=(0, 1) is not a range"),
        (lambda: holes.random_strokes(SHAPE, RNG, thickness=(-1, 1)), "thickness=(-1, 1) is not a range"),
        (lambda: holes.draw_strokes(SHAPE, strokes=[{"points": [], "thickness": 3}]), "no points"),
        (lambda: holes.random_scattered(SHAPE, RNG, size=(0, 2)), "size=(0, 2) is not a range"),
        (lambda: holes.draw_scattered(SHAPE, scattered=[[4, 30, 2]]), "does not lie in the shape (20, 30)"),
        (lambda: holes.random_wires(SHAPE, RNG, thickness=(0, 1)), "thickness=(0, 1) is not a range"),
        (lambda: holes.draw_wires(SHAPE, wires=[{"points": [[-9, 4], [-5, 2]], "thickness": 3}]), "No wire lies"),
        (lambda: holes.random_metal(SHAPE, RNG, rim=(0, 4)), "rim=(0, 4) is not a range"),
        (lambda: holes.draw_metal(SHAPE, metal=[]), "No metal lies"),
        (lambda: holes.random_free_form(SHAPE, RNG, kinds=("stars",)), "choose from blobs, strokes, boxes"),
        (lambda: holes.random_free_form(SHAPE, RNG, fraction=(0.5, 0.1)), "fraction=(0.5, 0.1) is not a range"),
        (lambda: holes.random_hole((2, 2), RNG, fraction=(0.8, 0.9)), "contains no whole number of voxels"),
        (lambda: holes.random_hole((2, 2), RNG, fraction=(1, 1)), "leaves something known"),
        (lambda: holes.random_hole(SHAPE, RNG, kinds=()), "choose from square"),
        (lambda: holes.random_hole((4,), RNG), "give 2 or 3 axes"),
        (lambda: holes.draw_hole(SHAPE, "star", {}), "kinds=('star',)"),
        (lambda: holes.random_moved_lesion(NONE, RNG, allowed=~NONE), "lesion is empty"),
        (lambda: holes.random_moved_lesion(LESION, RNG, allowed=LESION), "fits nowhere"),
        (lambda: holes.random_moved_lesion(LESION, RNG, allowed=~LESION.T), "one shape"),
        (lambda: holes.random_moved_lesion(LESION, RNG, allowed=~LESION, gap=-1), "gap=-1 is negative"),
    ],
)
def test_bad_arguments_get_one_sentence_that_says_what_to_do(call: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
