"""Regions are painted, erased, thresholded, grown, loaded, hidden and undone, by clicks and drags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from person import Person

from monai_inpaint.slicer.nifti import read_nifti, write_nifti

BALL = 700  # the head's bright ball is above, all else below


def _millilitres(region: str) -> float:
    return float(region.rpartition(": ")[2].removeprefix("filled, ").removesuffix(" ml"))


def test_a_stroke_is_painted_erased_undone_and_redone(person: Person, head: Path) -> None:
    person.load(head)
    assert person.regions() == ["Region 1: empty"]

    person.stroke()
    (painted,) = person.regions()
    person.stroke(length=10, tool="erase")
    (erased,) = person.regions()
    person.picture("painted")
    person.page.keyboard.press("Control+z")
    person.wait_for_regions(painted)
    person.page.keyboard.press("Control+z")
    person.wait_for_regions("Region 1: empty")
    person.page.keyboard.press("Control+Shift+z")
    person.page.keyboard.press("Control+y")
    person.wait_for_regions(erased)

    assert 0 < _millilitres(erased) < _millilitres(painted)


def test_a_larger_brush_and_a_ball_mark_more(person: Person, head: Path) -> None:
    person.load(head)
    person.stroke()
    (disc,) = person.regions()
    person.page.click("#undo")
    person.wait_for_regions("Region 1: empty")
    person.page.click("#ball")
    person.stroke()
    (ball,) = person.regions()

    assert _millilitres(ball) > 2 * _millilitres(disc)


def test_a_brush_that_is_made_larger_by_its_slider_marks_more(person: Person, head: Path) -> None:
    person.load(head)
    person.stroke()
    (fine,) = person.regions()
    person.page.click("#undo")
    person.wait_for_regions("Region 1: empty")

    person.slide("brush", 0.3)
    person.page.wait_for_function("trame.state.get('brush') > 25")
    assert person.page.inner_text(".row:has(#brush)").split()[:2] == [
        str(person.page.evaluate("trame.state.get('brush')")),
        "mm",
    ]
    person.stroke()
    (wide,) = person.regions()

    # 40 pixels of the view are 17 mm: the stroke is as long, and the brush's diameter more and more of it
    assert _millilitres(wide) > 2.5 * _millilitres(fine)


def test_what_a_threshold_would_mark_is_shown_while_its_values_change_and_no_longer(person: Person, head: Path) -> None:
    person.load(head)
    before = person.pixels()

    def shown() -> float:
        """The share of the view that is shown otherwise than before."""
        return float((np.abs(person.pixels() - before).max(axis=2) > 12).mean())

    person.page.click("#threshold")
    person.enter("low", BALL)
    ball = shown()
    person.slide("values", 0.5)
    person.page.wait_for_function("trame.state.get('values')[0] < 550")
    more = shown()
    person.picture("threshold")
    person.page.click("#look")

    assert 0.005 < ball < 0.1
    assert more > 3 * ball
    assert shown() < 0.002
    assert person.regions() == ["Region 1: empty"]


def test_a_stroke_that_goes_back_and_on_marks_no_short_cut(person: Person, head: Path) -> None:
    """Places where the brush was before are not remembered again; the way goes on from them all the same."""
    corner, right, below = (-0.05, -0.05), (0.1, -0.05), (-0.05, 0.1)
    person.load(head)
    person.outline("paint", right, corner, below)
    (angle,) = person.regions()
    person.page.click("#undo")
    person.wait_for_regions("Region 1: empty")
    person.outline("paint", corner, right, corner, below)
    (there_and_back,) = person.regions()

    assert abs(_millilitres(there_and_back) / _millilitres(angle) - 1) < 0.05  # a short cut would add a third


def test_a_lasso_marks_what_it_runs_around_and_a_box_its_rectangle_in_the_slice_or_deeper(
    person: Person, head: Path
) -> None:
    person.load(head)
    square = ((-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1), (-0.1, -0.1))
    person.outline("lasso", *square)
    (lasso,) = person.regions()
    person.page.click("#undo")
    person.wait_for_regions("Region 1: empty")
    person.outline("box", square[0], square[2])
    (box,) = person.regions()
    person.page.click("#undo")
    person.wait_for_regions("Region 1: empty")
    person.page.click("#ball")  # the brush is 10 mm: five slices of 2.5 mm
    person.outline("box", square[0], square[2])
    (deep,) = person.regions()
    person.picture("box")

    assert abs(_millilitres(lasso) - _millilitres(box)) < 0.15 * _millilitres(box)
    assert 3.5 < _millilitres(deep) / _millilitres(box) < 5.5


def test_a_lasso_follows_the_hand(person: Person, pelvis: Path) -> None:
    person.load(pelvis)
    person.choose("bundle", "CT")
    person.choose("preset", "Soft tissue")
    turns = np.linspace(0, 2 * np.pi, 25)
    radii = 0.085 + 0.012 * np.sin(3 * turns) + 0.008 * np.cos(5 * turns)

    person.outline("lasso", *zip(radii * np.cos(turns), radii * np.sin(turns), strict=True))
    (region,) = person.regions()
    person.picture("lasso")

    box = person.page.locator("img").filter(visible=True).first.bounding_box()
    area = 0.5 * (radii**2 * np.gradient(turns)).sum() * box["width"] * box["height"]  # pixels of the page
    mm = 256 * 1.6 / min(box["width"], box["height"])
    assert _millilitres(region) == pytest.approx(area * mm**2 * 5 / 1000, rel=0.25)


def test_a_threshold_marks_what_its_numbers_say_and_is_grown_and_shrunk_in_mm(person: Person, head: Path) -> None:
    person.load(head)
    voxels = (read_nifti(head) > BALL).sum() * 2.5 / 1000

    person.page.click("#threshold")
    person.enter("low", BALL)
    person.page.click("#mark")
    person.reads("voxels are marked")
    person.wait_for_regions(f"Region 1: {voxels:.3g} ml")
    person.enter("margin", 3)
    (grown,) = person.change("grow")
    (shrunk,) = person.change("shrink")

    assert _millilitres(grown) > 1.5 * voxels
    assert abs(_millilitres(shrunk) - voxels) < 0.2 * voxels


def test_shrinking_a_region_to_nothing_is_refused_and_changes_nothing(person: Person, head: Path) -> None:
    person.load(head)
    person.stroke()
    before = person.regions()

    person.enter("margin", 90)
    person.page.click("#shrink")

    assert person.reads("Nothing of the region") == (
        "Nothing of the region would be left; shrink it by less than 90 mm."
    )
    assert person.regions() == before


def test_the_labels_of_a_mask_become_regions_of_which_those_that_are_hidden_are_not_filled(
    person: Person, head: Path, tmp_path: Path
) -> None:
    source = read_nifti(head)
    labels = np.zeros(source.shape, np.uint8)
    labels[11:13, 44:52, 44:52], labels[11:13, 60:66, 60:66] = 1, 2
    write_nifti(tmp_path / "labels.nii", labels, np.diag([1.0, 1.0, 2.5, 1.0]))
    person.load(head)

    assert person.load_marks(tmp_path / "labels.nii") == "labels.nii: 2 regions loaded."
    person.wait_for_regions("Region 1: empty", "Label 1: 0.32 ml", "Label 2: 0.18 ml")
    person.page.click(".region:has-text('Label 2') .mdi-eye")
    person.page.wait_for_selector(".region:has-text('Label 2') .mdi-eye-off")
    person.run("fill")
    person.wait_for_regions("Region 1: empty", "Label 1: filled, 0.32 ml", "Label 2: 0.18 ml")
    person.picture("regions")
    changed = source != person.saved_voxels().T

    assert changed[labels == 1].any()
    assert not changed[labels != 1].any()


def test_a_mask_of_another_image_is_refused_in_a_sentence(person: Person, head: Path, tmp_path: Path) -> None:
    write_nifti(
        tmp_path / "far.nii", np.ones((4, 8, 8), np.uint8), np.diag([1.0, 1.0, 1.0, 1.0]) + 500 * np.eye(4, k=3)
    )
    person.load(head)

    message = person.load_marks(tmp_path / "far.nii", says="far.nii")

    assert "loaded" not in message
    assert message.endswith(".")
    assert person.regions() == ["Region 1: empty"]
