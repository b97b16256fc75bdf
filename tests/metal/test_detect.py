"""Finding metal in CT and MR: what is taken for metal, what is not, and what is said about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from metal_scans import HIP, IMPLANT, SHAPE, dice, head_mr, hip_scan, hip_truth, pelvis, scan, with_metal

from monai_inpaint.errors import InputError
from monai_inpaint.metal.detect_ct import find_metal
from monai_inpaint.metal.detect_mr import find_voids


@pytest.mark.parametrize("limit", [3071.0, 3095.0, None])
def test_an_implant_is_found_with_its_edge_on_every_scale(limit: float | None) -> None:
    found = find_metal(hip_scan(limit=limit))

    # The scanner's blur spreads metal, and a cut scale hides where it ends: a voxel of rim is part of it.
    assert found.metal[hip_truth()].all()
    assert not found.metal[~hip_truth(radius=5.1)].any()
    assert found.saturated is (limit is not None)
    assert [piece.slices for piece in found.pieces] == [(1, 4)]
    assert found.pieces[0].mm3 == pytest.approx(np.count_nonzero(found.metal) * 12.0)
    assert np.allclose(found.pieces[0].centre, (*HIP, 2.5), atol=0.3)
    assert not (found.metal & found.affected).any()


def test_several_pieces_are_told_apart_the_largest_first() -> None:
    places = [(HIP, 4.0), ((36.0, 52.0), 2.0), ((56.0, 60.0), 1.2)]
    metal = with_metal(pelvis(), places, IMPLANT)

    found = find_metal(scan([metal] * 4))

    assert [tuple(round(place) for place in piece.centre[:2]) for piece in found.pieces] == [
        (76, 52),
        (36, 52),
        (56, 60),
    ]
    assert found.pieces[0].mm3 > found.pieces[1].mm3 > found.pieces[2].mm3


@pytest.mark.parametrize("extras", [{}, {"vessel": 500.0}, {"dense": 1900.0}, {"vessel": 2700.0}, {"dense": 2700.0}])
def test_contrast_agent_and_dense_bone_are_no_metal(extras: dict[str, float]) -> None:
    found = find_metal(scan([pelvis(seed=k, **extras) for k in range(6)]))

    assert not found.metal.any()
    assert not found.affected.any()
    assert found.pieces == []


def test_what_was_bright_but_taken_for_something_else_is_said() -> None:
    found = find_metal(scan([pelvis(seed=k, dense=2700.0) for k in range(6)]))

    assert "taken for contrast agent, teeth or dense bone" in found.warnings[0]


def test_metal_in_the_table_and_beside_the_patient_is_left_out() -> None:
    clean = pelvis()
    clean[20:30, 89:92] = FAR = 3071.0
    clean[104:106, 10:12] = FAR

    found = find_metal(scan([clean] * 4))

    assert not found.metal.any()
    assert "outside the patient" in found.warnings[0]


def test_streaks_are_affected_and_what_lies_far_off_is_not() -> None:
    found = find_metal(hip_scan())

    dark, far = found.affected[60, 52, 2], found.affected[30, 20, 2]
    assert dark
    assert not far
    assert found.affected[..., 1:5].any(axis=(0, 1)).all()
    assert not found.affected[..., [0, 5]].any()


def test_a_threshold_of_the_caller_marks_all_from_there_on() -> None:
    image = hip_scan(dense=1900.0)

    found = find_metal(image, threshold=1500.0)

    assert found.threshold == 1500.0
    assert np.array_equal(found.metal, (image.voxels >= 1500))
    assert {piece.slices for piece in found.pieces} == {(0, 5)}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_volume_gives_the_flipped_metal(axis: int) -> None:
    image = hip_scan()
    affine = np.diag([*(-1.0 if a == axis else 1.0 for a in range(3)), 1.0]) @ image.affine

    found, flipped = find_metal(image), find_metal(replace(image, voxels=np.flip(image.voxels, axis), affine=affine))

    assert np.array_equal(np.flip(flipped.metal, axis), found.metal)
    # Streaks are looked for along rays whose grid has a direction: a few voxels at their edges may differ.
    assert dice(np.flip(flipped.affected, axis), found.affected) > 0.97


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_the_order_of_the_axes_does_not_matter(order: tuple[int, int, int]) -> None:
    image = hip_scan()
    affine = image.affine[:, [*order, 3]]

    found, turned = find_metal(image), find_metal(replace(image, voxels=image.voxels.transpose(order), affine=affine))

    assert np.array_equal(turned.metal, found.metal.transpose(order))
    assert dice(turned.affected, found.affected.transpose(order)) > 0.97


def test_a_single_slice_has_an_area_and_no_volume() -> None:
    image = hip_scan()
    single = replace(image, voxels=image.voxels[..., 2])

    found = find_metal(single)

    assert found.metal.shape == SHAPE[:2]
    assert found.pieces[0].mm3 is None
    assert found.pieces[0].mm2 == pytest.approx(np.count_nonzero(found.metal) * 4.0)


@pytest.mark.filterwarnings("error")
def test_values_that_are_no_numbers_are_no_metal() -> None:
    image = hip_scan()
    voxels = image.voxels.astype(np.float32)
    voxels[:20] = voxels[..., 5] = np.nan

    found = find_metal(replace(image, voxels=voxels))

    assert np.array_equal(found.metal, find_metal(image).metal)


def test_a_patient_cut_by_the_field_of_view_gets_a_warning() -> None:
    image = hip_scan()
    cut = replace(image, voxels=image.voxels[:, 20:].copy())

    assert not [text for text in find_metal(image).warnings if "field of view" in text]
    assert [text for text in find_metal(cut).warnings if "field of view cuts the patient" in text]


def test_values_cut_within_bone_ask_for_a_threshold() -> None:
    found = find_metal(hip_scan(limit=2000.0))

    assert not found.metal.any()
    assert "set a threshold" in found.warnings[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda image: replace(image, voxels=(image.voxels + 1024).astype(np.uint16)),
            r"look like HU \+1000 or \+1024",
        ),
        (lambda image: replace(image, voxels=np.zeros(SHAPE, np.uint8)), "8-bit"),
        (lambda image: replace(image, modality="mr"), "is not a CT"),
    ],
)
def test_an_image_that_is_not_in_hu_is_refused_with_the_reason(change, words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_metal(change(hip_scan()))


# --- MR


def test_a_void_with_piled_up_signal_is_found_and_air_is_only_offered() -> None:
    found = find_voids(head_mr())

    assert found.metal[62, 61].all()
    assert not found.metal[48, 22].any()
    assert found.perhaps[48, 22].all()
    assert [piece.certainty for piece in found.pieces] == ["found", "perhaps"]
    assert found.affected[53, 60].any()


def test_a_void_without_piled_up_signal_is_offered_not_assumed() -> None:
    found = find_voids(head_mr(piled=False))

    assert not found.metal.any()
    assert found.perhaps[62, 61].all()
    assert "may be metal or not" in found.warnings[0]


def test_a_flipped_head_gives_the_flipped_voids() -> None:
    image = head_mr()

    flipped = find_voids(replace(image, voxels=image.voxels[::-1].copy()))

    assert np.array_equal(flipped.metal[::-1], find_voids(image).metal)


def test_voids_do_not_depend_on_the_scale_of_an_mr() -> None:
    image = head_mr()

    assert np.array_equal(find_voids(replace(image, slope=3.5)).metal, find_voids(image).metal)
