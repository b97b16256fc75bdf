"""Ten tasks as a user would be given them, each done by clicks and drags, each leaving a picture to be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pydicom
from images import ASTRA, ct_series, film, unpacked
from person import Person
from pydicom.uid import generate_uid

from monai_inpaint.slicer.nifti import read_nifti, write_nifti

BALL = 700  # the lesion is brighter, all else darker


def _mark_lesion(person: Person) -> str:
    person.page.click("#threshold")
    person.enter("low", BALL)
    (region,) = person.change("mark")
    return region


def test_1_fill_this_lesion_and_save_the_image(person: Person, head: Path) -> None:
    person.load(head)
    _mark_lesion(person)
    person.run("fill")
    saved = person.saved_voxels(".nii.gz").T
    person.picture("task-1-lesion")

    source = read_nifti(head)
    assert saved[source >= BALL].mean() < BALL
    assert (saved == source)[source < BALL].all()


def test_2_remove_this_wire_from_the_film(person: Person, tmp_path: Path) -> None:
    PIL.Image.fromarray(film()).save(tmp_path / "film.png")
    person.load(tmp_path / "film.png")
    person.choose("bundle", "chest film")
    units = person.page.locator(".v-field:has(#margin) label").all_text_contents()
    assert set(units) == {"px"}  # a PNG file has no size
    person.outline("box", (-0.035, -0.47), (0.035, 0.47))
    person.run("fill")
    person.picture("task-2-wire")

    saved = person.saved_voxels()
    changed = saved != film()
    assert changed.any()
    wire = changed & (film() > 3500)
    assert wire.any()
    assert saved[wire].mean() < 3500


def test_3_reduce_the_artifacts_of_the_metal_in_this_hip(person: Person, hip: Path) -> None:
    person.load(hip)
    person.choose("bundle", "CT")
    person.choose("method", "nmar" if ASTRA else "inpaint")
    person.run("metal")
    person.choose("preset", "Soft tissue")
    person.picture("task-3-metal")

    source, reduced = read_nifti(hip), person.saved_voxels().T
    body = (source > -900) & (source < 2500)
    assert reduced[body].std() < source[body].std()


def test_4_show_three_samples_of_what_could_be_there(person: Person, head: Path) -> None:
    person.load(head)
    _mark_lesion(person)
    person.page.click("#sample")
    person.enter("seed", 1)
    person.run("fill")
    person.run("another")
    person.run("another")
    samples = []
    for number in (1, 2, 3):
        person.page.click(f"#step-{number}")
        person.reads(f"seed {number}")
        samples.append(person.saved_voxels())
    person.picture("task-4-samples")

    assert person.steps() == ["Original", "Sample 1", "Sample 2", "Sample 3"]
    assert len({sample.tobytes() for sample in samples}) == 3


def test_5_undo_what_you_did(person: Person, head: Path) -> None:
    person.load(head)
    person.stroke()
    (marked,) = person.regions()
    person.run("fill")
    person.page.click("#undo")
    person.reads("Original.")
    person.wait_for_regions(marked)
    person.picture("task-5-undo")
    person.page.click("#undo")
    person.wait_for_regions("Region 1: empty")


def test_6_compare_it_before_and_after(person: Person, head: Path) -> None:
    person.load(head)
    _mark_lesion(person)
    person.run("fill")
    after = person.views()
    person.page.click("#show-difference")
    person.picture("task-6-difference")
    person.page.click("#show-difference")
    person.page.click("#flip")
    before = person.views()
    person.picture("task-6-before")

    assert before != after


def test_7_export_the_result_as_dicom(person: Person, tmp_path: Path) -> None:
    series = generate_uid()
    person.load(*ct_series(tmp_path, series))
    person.stroke()
    person.run("fill")
    files = unpacked(person.saved("DICOM results"), tmp_path / "results")
    person.picture("task-7-dicom")

    assert pydicom.dcmread(files["1/hole.dcm"]).Modality == "SEG"
    assert {pydicom.dcmread(file).StudyInstanceUID for file in files.values() if file.suffix == ".dcm"} == {series}


def test_8_load_the_mask_that_was_drawn_elsewhere_and_fill_it(person: Person, head: Path, tmp_path: Path) -> None:
    mask = (read_nifti(head) >= BALL).astype(np.uint8)
    write_nifti(tmp_path / "mask.nii", mask, np.diag([1.0, 1.0, 2.5, 1.0]))
    person.load(head)
    assert person.load_marks(tmp_path / "mask.nii") == "mask.nii: 1 region loaded."
    person.run("fill")
    person.picture("task-8-mask")

    assert ((read_nifti(head) != person.saved_voxels().T) <= (mask > 0)).all()


def test_9_mark_a_second_region_and_fill_both(person: Person, head: Path) -> None:
    person.load(head)
    _mark_lesion(person)
    person.change("add")
    person.outline("lasso", (-0.3, 0.1), (-0.2, 0.1), (-0.2, 0.2), (-0.3, 0.2))
    both = person.regions()
    person.picture("task-9-two-regions")
    person.run("fill")
    person.wait_for_regions(*[region.replace(": ", ": filled, ") for region in both], "Region 3: empty")

    changed = read_nifti(head) != person.saved_voxels().T
    assert changed[read_nifti(head) >= BALL].any()
    assert changed[read_nifti(head) < BALL].any()


def test_10_cancel_a_fill_that_takes_too_long(person: Person, large_head: Path) -> None:
    person.load(large_head)
    person.page.click("#threshold")
    person.enter("low", 300)
    person.change("mark")
    person.page.click("#fill")
    person.page.wait_for_selector("#cancel")
    person.picture("task-10-running")
    person.page.click("#cancel")

    assert person.reads("Cancelled.") == "Cancelled."
    assert person.page.is_enabled("#fill")
    assert person.page.is_disabled("#save-image")
