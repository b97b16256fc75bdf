"""Fills, samples, metal and artifacts; what runs is not disturbed."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import App
from images import ASTRA
from person import Person

from monai_inpaint.io import read_image
from monai_inpaint.slicer.nifti import read_nifti

BALL = 700


def test_marks_stay_told_apart_from_what_was_filled_and_the_next_fill_starts_from_what_is_shown(
    person: Person, head: Path
) -> None:
    source = read_nifti(head)
    person.load(head)
    person.page.click("#threshold")
    person.enter("low", BALL)
    person.page.click("#mark")
    person.reads("voxels are marked")
    (marked,) = person.regions()

    assert person.run("fill").startswith("Filled: best estimate, MR.")
    filled = marked.replace(": ", ": filled, ")
    person.wait_for_regions(filled, "Region 2: empty")
    first = person.saved_voxels().T
    person.stroke(right=-0.2, down=0.1)
    second_region = person.regions()[1]
    person.run("fill")
    person.wait_for_regions(filled, second_region.replace(": ", ": filled, "), "Region 3: empty")
    second = person.saved_voxels().T

    assert (first != source).any()
    assert not (first != source)[source < BALL].any()
    assert (second != first).any()
    assert not (second != first)[source >= BALL].any()
    assert len(person.saved_reports()) == 2

    person.page.keyboard.press("Control+z")  # the second fill
    person.reads("Filled: best estimate, MR.")
    person.wait_for_regions(filled, second_region)
    assert (first == person.saved_voxels().T).all()
    person.page.click("#undo")  # the stroke
    person.wait_for_regions(filled, "Region 2: empty")
    person.page.click("#undo")  # the first fill
    person.reads("Original.")
    person.wait_for_regions(marked)
    assert person.page.is_disabled("#save-image")


def test_another_sample_of_the_same_region_has_the_next_seed_and_starts_from_the_same_image(
    person: Person, head: Path
) -> None:
    person.load(head)
    person.stroke()
    person.page.click("#sample")
    person.enter("seed", 7)

    assert person.run("fill").startswith("Filled: sample, seed 7, MR.")
    assert person.run("another").startswith("Filled: sample, seed 8, MR.")
    (report,) = person.saved_reports()
    assert (report["drawn"]["fill"], report["drawn"]["seed"]) == ("sample", 8)
    person.picture("sample")
    person.page.click("#undo")
    person.reads("seed 7")


def test_any_fill_is_gone_back_to_while_what_is_marked_stays(person: Person, head: Path) -> None:
    person.load(head)
    person.stroke()
    (first,) = person.regions()
    person.run("fill")
    estimate = person.saved_voxels()
    person.page.click("#undo")  # back to the original, where another branch begins
    person.reads("Original.")
    person.page.click("#sample")
    person.run("fill")
    person.run("another")
    second = person.saved_voxels()
    person.stroke(right=-0.2, down=0.1)
    marked = person.regions()[1]
    filled = first.replace(": ", ": filled, ")

    assert person.steps() == ["Original", "Estimate", "Sample 0", "Sample 1"]
    person.page.click("#step-1")
    person.reads("Filled: best estimate, MR.")
    person.wait_for_regions(filled, marked)
    assert (person.saved_voxels() == estimate).all()
    person.page.click("#step-0")
    person.reads("Original.")
    person.wait_for_regions(first, marked)
    person.page.click("#undo")
    person.reads("Filled: best estimate, MR.")
    person.page.click("#step-3")
    person.reads("Filled: sample, seed 1, MR.")
    assert (person.saved_voxels() == second).all()
    person.wait_for_regions(filled, marked)
    person.picture("history")


def test_the_spread_is_shown_with_its_scale_in_units_and_saved(person: Person, pelvis: Path) -> None:
    person.load(pelvis)
    person.choose("bundle", "CT")
    person.choose("preset", "Soft tissue")
    person.page.click("#paint")
    person.page.click("#ball")
    person.slide("brush", 0.4)
    person.page.wait_for_function("trame.state.get('brush') > 30")
    person.stroke()
    person.page.click("#spread")

    assert person.run("fill").startswith("Filled: best estimate with its spread, CT.")
    low, high, unit = person.page.inner_text("#scale-map").split()[1:]
    shown = person.views()
    cursor = re.fullmatch(r"voxel (\d+), (\d+), (\d+): .* HU; spread (\S+) HU", person.point(0.01, 0.01))
    person.picture("spread")
    spread = read_image(person.saved_map()).voxels
    person.page.click("#show-map")
    person.page.wait_for_selector("#scale-map", state="detached")
    (report,) = person.saved_reports()

    assert (low, unit) == ("0", "HU")
    assert 0 < float(high) < 1000
    assert person.views() != shown
    assert spread.dtype == np.float32
    assert float(f"{spread[tuple(int(cursor[n]) for n in (1, 2, 3))]:.3g}") == float(cursor[4]) > 0
    assert report["drawn"]["fill"] == "best estimate"
    assert report["doubt"]


def test_a_fill_is_what_was_chosen_just_before_however_late_the_application_answers(
    person: Person, head: Path, app: App
) -> None:
    person.load(head)
    person.stroke()

    app.process.send_signal(signal.SIGSTOP)  # it answers nothing that the page asks, as where the machine is busy
    try:
        person.page.mouse.move(600, 300)
        person.page.click("#sample")
        person.enter("seed", 11)
        person.page.click("#fill")
        person.page.wait_for_timeout(500)
    finally:
        app.process.send_signal(signal.SIGCONT)

    assert person.reads(" s)", 180).startswith("Filled: sample, seed 11, MR.")


def test_a_seed_that_is_none_is_refused_and_what_is_entered_after_it_counts(person: Person, head: Path) -> None:
    person.load(head)
    person.stroke()
    person.page.click("#sample")
    person.enter("seed", 3)
    person.enter("seed", -1)
    person.reads("The seed cannot be that now, and stays as it is.")
    person.page.wait_for_function("document.querySelector('#seed').value == 3")
    person.enter("margin", 4)
    person.change("grow")

    assert person.run("fill").startswith("Filled: sample, seed 3, MR.")


def test_the_model_is_asked_for_where_the_file_does_not_tell_its_modality(person: Person, head: Path, serve) -> None:
    asked = Person(person.page, serve(head), person.folder)
    asked.open()
    asked.stroke()

    asked.page.click("#fill")
    assert asked.reads("Choose the model first") == (
        "Choose the model first: the file does not say whether it is a film, CT or MR."
    )
    asked.choose("bundle", "MR")
    assert asked.reads("mark what is to be filled") == "head.nii: mark what is to be filled."
    assert asked.run("fill").startswith("Filled: best estimate, MR.")


def test_nothing_is_filled_where_nothing_is_marked(person: Person, head: Path) -> None:
    person.load(head)
    person.page.click("#fill")
    person.reads("Nothing is marked; paint, threshold or load what is to be filled.")


def test_during_a_run_nothing_is_loaded_marked_or_saved_and_it_is_cancelled(
    person: Person, head: Path, large_head: Path
) -> None:
    person.load(large_head)
    person.page.click("#threshold")
    person.enter("low", 300)
    person.change("mark")
    before = person.regions()

    person.page.click("#fill")
    person.page.wait_for_selector("#cancel")
    tools = ("paint", "grow", "undo", "add", "metal", "save-image")
    disabled = [name for name in tools if person.page.is_disabled(f"#{name}")]
    person.load(head, says="Wait until what runs has ended, or press Cancel.")
    person.load_marks(head, says="Wait until what runs has ended, or press Cancel.")
    person.page.evaluate("saveFile('image')")
    person.picture("running")
    person.page.click("#cancel")

    assert person.reads("Cancelled.") == "Cancelled."
    assert disabled == list(tools)
    assert person.regions() == before


def test_progress_moves_during_a_run_and_nothing_is_saved_until_it_has_ended(person: Person, large_head: Path) -> None:
    person.load(large_head)
    person.stroke(right=-0.15)
    person.run("fill")
    person.page.click("#threshold")
    person.enter("low", 300)
    person.change("mark")
    person.page.evaluate("""() => { window.shares = [];
        window.share_watch = setInterval(() => window.shares.push(trame.state.get("fraction")), 50); }""")

    person.page.click("#fill")
    person.page.wait_for_function("trame.state.get('running') && trame.state.get('fraction') > 5", timeout=180_000)
    status, sentence = person.page.evaluate("""async () => {
        const headers = { "X-Secret": trame.state.get("secret") };
        const answer = await fetch("save/image?suffix=.nii", { method: "POST", headers });
        return [answer.status, await answer.text()]; }""")
    assert (status, sentence) == (409, "Wait until what runs has ended, or press Cancel.")
    assert person.reads("Wait until").startswith(sentence)
    person.page.wait_for_function("window.shares.at(-1) > 15", timeout=180_000)
    shares = person.page.evaluate("clearInterval(window.share_watch), window.shares")
    shown = person.page.get_attribute("#progress", "aria-valuenow")
    person.page.click("#cancel")
    person.reads("Cancelled.")

    assert shares == sorted(shares)
    assert len(set(shares)) > 5
    assert float(shown) >= shares[-1] > 15


def test_metal_is_found_and_its_artifacts_are_reduced_by_the_method_that_is_chosen(person: Person, hip: Path) -> None:
    person.load(hip)
    person.choose("bundle", "CT")

    assert person.run("find_metal").startswith("Metal, Artifacts of metal: check what is marked")
    assert [region.partition(":")[0] for region in person.regions()] == ["Region 1", "Metal", "Artifacts of metal"]
    person.choose("method", "inpaint")
    assert person.run("metal").startswith("Metal reduced (inpaint).")
    person.picture("metal")
    source, reduced = read_nifti(hip), person.saved_voxels().T

    assert (reduced != source).any()
    assert (reduced[source > 2500] == source[source > 2500]).all()


@pytest.mark.skipif(not ASTRA, reason="needs the ASTRA toolbox")
@pytest.mark.parametrize("method", ["li", "nmar"])
def test_metal_is_reduced_in_its_projections(person: Person, hip: Path, method: str) -> None:
    person.load(hip)
    person.choose("bundle", "CT")
    person.choose("method", method)

    assert person.run("metal").startswith(f"Metal reduced ({method}).")
    source, reduced = read_nifti(hip), person.saved_voxels().T
    (report,) = person.saved_reports()
    before, after = (report["streaks"][f"affected_{when}"]["deviation_hu"] for when in ("before", "after"))

    assert report["method"] == method
    assert after < before
    assert (reduced[source > 2500] == source[source > 2500]).all()


def test_where_no_metal_is_the_person_reads_so_without_paths_of_the_machine(person: Person, head: Path) -> None:
    person.load(head)
    person.page.click("#find_metal")

    message = person.reads("head.nii", 120)

    assert "/" not in message
    assert person.regions() == ["Region 1: empty"]


def test_artifacts_are_proposed_as_a_region_and_nothing_is_filled(person: Person, head: Path) -> None:
    person.load(head)

    message = person.run("find_artifacts")

    assert message.startswith("Artifacts found: check what is marked, and correct it, before you fill.")
    assert person.regions()[1].startswith("Artifacts found: ")
    assert person.page.is_disabled("#save-image")
