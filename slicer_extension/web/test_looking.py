"""Window and level, letters, slices, values, before and after, on screens of two sizes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from person import Person

from monai_inpaint.slicer.nifti import read_nifti, write_nifti


def test_letters_slices_and_the_value_under_the_cursor_are_those_of_the_image(person: Person, tmp_path: Path) -> None:
    k, j, i = np.indices((20, 40, 50))
    write_nifti(tmp_path / "ramp.nii", (1000 * k + 10 * j).astype(np.int16), np.diag([-2.0, -2.0, 4.0, 1.0]))
    person.load(tmp_path / "ramp.nii")
    person.choose("bundle", "CT")

    edges = {
        edge: person.page.locator(f".edge.{edge}").all_inner_texts() for edge in ("left", "right", "top", "bottom")
    }
    number = int(re.fullmatch(r"Axial (\d+) / 20", person.page.locator(".edge.slice").first.inner_text())[1])
    cursor = re.fullmatch(r"voxel (\d+), (\d+), (\d+): (\d+) HU", person.point(0.1, -0.1))

    assert edges == {
        "left": ["R", "R", "A"],
        "right": ["L", "L", "P"],
        "top": ["A", "S", "S"],
        "bottom": ["P", "I", "I"],
    }
    column, row, slice_ = (int(cursor[n]) for n in (1, 2, 3))
    assert slice_ == number - 1
    assert int(cursor[4]) == 1000 * slice_ + 10 * row
    assert column > 25
    assert row < 20


def test_a_window_is_chosen_typed_and_dragged_and_before_and_after_take_it(person: Person, head: Path) -> None:
    person.load(head)
    before = person.views()

    person.choose("preset", "Lung")
    person.page.wait_for_function("document.querySelector('#width').value == 1500")
    lung = person.views()
    assert person.page.input_value("#level") == "-600"
    person.enter("width", 300)
    person.enter("level", 500)
    typed = person.views()
    person.drag_window()
    person.page.wait_for_function("document.querySelector('#width').value != 300")

    assert len({before, lung, typed, person.views()}) == 4


def test_a_window_is_seen_while_it_is_dragged_and_the_last_one_stays(person: Person, head: Path) -> None:
    person.load(head)
    before = person.views()
    x, y = person.place(0.0, -0.2)

    person.page.click("#window")
    person.page.mouse.move(x, y)
    person.page.mouse.down()  # at once: the tool was chosen just before
    for step in range(40):
        person.page.mouse.move(x + 3 * step, y + 2 * step)
    dragged = person.views()
    person.page.mouse.up()
    width, level = (float(person.page.input_value(f"#{name}")) for name in ("width", "level"))
    left = person.views()
    person.enter("width", 2 * width)
    other = person.views()
    person.enter("width", width)
    person.enter("level", level)

    assert dragged != before
    assert left == dragged == person.views() != other


def test_every_turn_of_the_wheel_counts_and_moves_its_own_view_alone(person: Person, head: Path) -> None:
    person.load(head)
    person.page.mouse.move(*person.place(0.0, 0.0))
    person.views()
    person.page.evaluate("""() => {
      window.sent = 0;
      const others = [...document.querySelectorAll("img")].filter((one) => one.offsetParent).slice(1);
      const watch = new MutationObserver((changes) => { window.sent += changes.length; });
      others.forEach((one) => watch.observe(one, { attributes: true, attributeFilter: ["src"] }));
    }""")
    slice_ = person.page.locator(".edge.slice").first
    number = int(re.fullmatch(r"Axial (\d+) / 24", slice_.inner_text())[1])

    for _ in range(8):
        person.page.mouse.wheel(0, 120)
    person.views()

    assert abs(int(re.fullmatch(r"Axial (\d+) / 24", slice_.inner_text())[1]) - number) == 8
    assert person.page.evaluate("window.sent") == 0


def test_the_right_button_zooms_in_and_out(person: Person, head: Path) -> None:
    person.load(head)

    def ball() -> int:
        """Pixels of the view that show the ball."""
        return int((person.pixels().min(axis=2) > 240).sum())

    before = ball()
    person.zoom(150)
    first = ball()
    person.zoom(-280)
    second = ball()

    assert before > 100
    smaller, larger = sorted((first, second))
    assert larger > 1.2 * before > 1.2 * 1.2 * smaller


def test_a_slider_fades_from_before_to_after(person: Person, head: Path) -> None:
    person.load(head)
    person.page.click("#threshold")
    person.enter("low", 700)  # the bright ball
    person.change("mark")
    person.run("fill")

    def grey() -> float:
        """The middle of the ball."""
        seen = person.pixels()
        rows, columns = (slice(int(0.48 * length), int(0.52 * length)) for length in seen.shape[:2])
        return float(seen[rows, columns].mean())

    after = grey()
    person.slide("fade", 0.5)
    person.page.wait_for_function("Math.abs(trame.state.get('fade') - 50) < 10")
    between = grey()
    person.slide("fade", 0.0)
    person.page.wait_for_function("trame.state.get('fade') == 0")
    before = grey()

    assert before - 10 > between > after + 10
    assert abs(between - (before + after) / 2) < 0.2 * (before - after)


def test_the_difference_of_a_ct_has_its_unit_and_a_scale_that_stays(person: Person, pelvis: Path) -> None:
    person.load(pelvis)
    person.choose("bundle", "CT")
    person.choose("preset", "Soft tissue")
    person.page.click("#paint")
    person.page.click("#ball")
    person.slide("brush", 0.55)
    person.page.wait_for_function("trame.state.get('brush') > 45")
    person.stroke(length=4)
    person.picture("marked")
    person.run("fill")
    person.page.click("#show-difference")
    first = person.page.inner_text("#scale-difference").split()
    person.picture("filled")
    person.page.click("#show-difference")
    person.page.wait_for_selector("#scale-difference", state="detached")
    person.page.click("#paint")
    person.slide("brush", 0.1)
    person.stroke(down=-0.14, length=10)  # muscle: a fill changes it less
    person.run("fill")
    person.page.click("#show-difference")

    assert re.fullmatch(r"difference -(\S+) \+\1 HU", " ".join(first))
    assert person.page.inner_text("#scale-difference").split() == first
    assert len(person.steps()) == 3


def test_before_after_and_the_difference_are_compared(person: Person, head: Path) -> None:
    person.load(head)
    person.page.click("#threshold")
    person.enter("low", 700)  # the bright ball
    person.change("mark")
    person.run("fill")

    after = person.views()
    person.page.click("#show-difference")
    scale = person.page.inner_text("#scale-difference").removeprefix("difference").split()
    difference = person.views()
    person.page.click("#show-difference")
    person.page.wait_for_selector("#scale-difference", state="detached")
    person.page.keyboard.press("b")
    before = person.views()
    person.picture("before")
    person.page.keyboard.press("b")

    assert len({difference, after, before}) == 3
    low, high = (float(end) for end in scale)
    assert -low == high > 0
    assert re.fullmatch(r"voxel .*: before \S+, after \S+", person.point(0.0, 0.0))
    person.page.click("#flicker")
    person.page.wait_for_function("() => { window.seen = (window.seen || new Set()).add(trame.state.get('fade')); "
                                  "return window.seen.size == 2; }")  # fmt: skip
    person.page.click("#flicker")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_all_that_is_needed_is_on_the_screen_and_every_slider_moves_its_view(
    person: Person, head: Path, width: int, height: int
) -> None:
    person.page.set_viewport_size({"width": width, "height": height})
    person.load(head)
    person.page.click("#threshold")
    wanted = [f"#{name}" for name in ("load", "threshold", "mark", "grow", "undo", "fill", "metal", "map", "level")] + [
        "#save-image",
        "#save-map",
        "#redo",
    ]
    wanted += [".slice-slider >> nth=0", ".slice-slider >> nth=1", ".slice-slider >> nth=2", "#notice"]

    boxes = {name: person.page.locator(name).bounding_box() for name in wanted}

    outside = [
        name for name, box in boxes.items() if box["x"] + box["width"] > width or box["y"] + box["height"] > height
    ]
    assert not outside
    for view in range(3):
        slice_, slider = (person.page.locator(name).nth(view) for name in (".edge.slice", ".slice-slider"))
        before, size = slice_.inner_text(), slider.bounding_box()
        slider.click(position={"x": 0.2 * size["width"], "y": 0.5 * size["height"]})
        person.page.wait_for_function(
            "([view, before]) => document.querySelectorAll('.edge.slice')[view].innerText != before",
            arg=[view, before],
        )
    assert "Research use only" in person.page.inner_text("#notice")


def test_the_views_move_to_a_region_that_is_chosen(person: Person, head: Path, tmp_path: Path) -> None:
    mask = np.zeros(read_nifti(head).shape, np.uint8)
    mask[3:5, 44:52, 44:52] = 1
    write_nifti(tmp_path / "low.nii", mask, np.diag([1.0, 1.0, 2.5, 1.0]))
    person.load(head)
    person.load_marks(tmp_path / "low.nii")

    person.page.wait_for_function("/Axial [45] /.test(document.querySelector('.edge.slice').innerText)")
