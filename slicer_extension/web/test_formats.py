"""Films and volumes of the formats that the command knows are loaded, filled and saved."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import PIL.Image
import pydicom
import pytest
from images import COLUMNS, ROWS, ct_series, film, unpacked, write_dicom
from person import Person
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ParametricMapStorage,
    generate_uid,
)

from monai_inpaint.io import read_image, write_image


@pytest.mark.parametrize("suffix", [".png", ".tif", ".dcm"])
def test_a_film_is_loaded_filled_and_saved_as_it_came_but_for_the_region(
    person: Person, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"film{suffix}"
    if suffix == ".dcm":
        spacing = {"PixelSpacing": [0.5, 0.5], "PatientOrientation": ["L", "F"]}
        write_dicom(path, film(), DigitalXRayImageStorageForPresentation, "DX", generate_uid(), **spacing)
    else:
        PIL.Image.fromarray(film()).save(path)
    person.load(path)
    person.choose("bundle", "chest film")
    person.stroke()
    assert person.run("fill").startswith("Filled: best estimate, chest film.")
    person.picture(f"film-{suffix[1:]}")

    saved = person.saved()
    changed = np.argwhere(read_image(saved).voxels != film())

    assert saved.name == f"film_filled{suffix}"
    assert 0 < len(changed) < 0.2 * ROWS * COLUMNS
    assert np.ptp(changed[:, 0]) < ROWS // 2


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_a_volume_is_chosen_in_the_dialog_of_the_browser_filled_and_saved_as_it_came(
    person: Person, head: Path, tmp_path: Path, suffix: str
) -> None:
    source = read_image(head)
    write_image(source, tmp_path / f"volume{suffix}")
    person.load_by_click(tmp_path / f"volume{suffix}")
    person.choose("bundle", "MR")
    person.stroke()
    person.run("fill")

    saved = person.saved()
    filled = read_image(saved)

    assert saved.name == f"volume_filled{suffix}"
    assert np.allclose(filled.affine, source.affine)
    assert 0 < (filled.voxels != source.voxels).sum() < 0.02 * source.voxels.size


def test_a_lossy_film_is_chosen_in_the_dialog_of_the_browser_and_saved_without_further_loss(
    person: Person, tmp_path: Path
) -> None:
    PIL.Image.fromarray((film() // 16).astype(np.uint8)).save(tmp_path / "film.jpg", quality=90)
    source = read_image(tmp_path / "film.jpg").voxels
    person.load_by_click(tmp_path / "film.jpg")
    person.choose("bundle", "chest film")
    person.stroke()
    person.run("fill")

    saved = person.saved()

    assert saved.name == "film_filled.png"
    assert 0 < (read_image(saved).voxels != source).sum() < 0.2 * source.size


def test_a_volume_is_saved_with_the_same_voxels_in_every_format(person: Person, head: Path, tmp_path: Path) -> None:
    person.load(head)
    person.stroke()
    person.run("fill")

    saved = {suffix: person.saved_voxels(suffix) for suffix in (".nii", ".nii.gz", ".nrrd", ".mha")}
    two = unpacked(person.saved(".mhd, zipped"), tmp_path / "two files")
    saved[".mhd"] = read_image(two["image.mhd"]).voxels
    (report,) = person.saved_reports()

    assert {*two} == {"image.mhd", "image.zraw"}
    assert all((voxels == saved[".nii"]).all() for voxels in saved.values())
    assert report["drawn"]["fill"] == "best estimate"


def test_a_dicom_series_tells_its_modality_and_is_saved_as_a_derived_series(person: Person, tmp_path: Path) -> None:
    series = generate_uid()
    person.load(*ct_series(tmp_path, series))
    person.stroke()

    assert person.run("fill").startswith("Filled: best estimate, CT.")
    derived = [pydicom.dcmread(file) for file in unpacked(person.saved(), tmp_path / "derived").values()]

    assert len(derived) == 6
    assert {dataset.ImageType[0] for dataset in derived} == {"DERIVED"}
    assert {dataset.PatientID for dataset in derived} == {"1"}
    assert series not in {dataset.SeriesInstanceUID for dataset in derived}


def test_a_dicom_series_gives_all_dicom_results_of_each_fill(person: Person, tmp_path: Path) -> None:
    series = generate_uid()
    person.load(*ct_series(tmp_path, series))
    person.stroke()
    person.page.click("#spread")
    person.run("fill")
    person.page.click("#estimate")
    person.stroke(right=-0.2)
    person.run("fill")

    unpacked(person.saved(), tmp_path / "shown")
    assert not list(person.app.temporary.rglob("hole.dcm")), "results are made before they are asked for"
    saved = person.saved("DICOM results")
    person.picture("dicom")
    files = unpacked(saved, tmp_path / "results")
    first, second = ({name[2:] for name in files if name.startswith(f"{n}/")} for n in (1, 2))
    read = {name: pydicom.dcmread(file) for name, file in files.items() if name.endswith(".dcm")}

    assert saved.name == "0_results.zip"
    objects = {"hole.dcm", "structures.dcm", "difference.dcm", "record.dcm", "overview.dcm", "report.json"}
    images = {name for name in second if name.startswith("derived/")}
    assert len(images) == 6
    assert second == objects | images
    assert first == second | {"spread.dcm"}
    assert "Research use only" in files["notice.txt"].read_text(encoding="utf-8")
    assert read["1/hole.dcm"].Modality == "SEG"
    assert read["1/spread.dcm"].SOPClassUID == ParametricMapStorage
    assert {dataset.StudyInstanceUID for dataset in read.values()} == {series}
    sources = {
        dataset.SourceImageSequence[0].ReferencedSOPInstanceUID for name, dataset in read.items() if "2/der" in name
    }
    assert sources == {dataset.SOPInstanceUID for name, dataset in read.items() if "1/der" in name}
    assert (read_image(tmp_path / "results" / "2" / "derived").voxels == read_image(tmp_path / "shown").voxels).all()
    kept = unpacked(person.saved(), tmp_path / "kept")
    assert kept["2/hole.dcm"].read_bytes() == files["2/hole.dcm"].read_bytes(), "they are made a second time"


def test_dicom_results_of_a_single_file_refer_to_those_of_the_fill_before(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "IM1"
    spacing = {"PixelSpacing": [0.5, 0.5], "PatientOrientation": ["L", "F"]}
    write_dicom(path, film(), DigitalXRayImageStorageForPresentation, "DX", generate_uid(), **spacing)
    person.load(path)
    person.choose("bundle", "chest film")
    person.stroke()
    person.run("fill")
    person.run("map")
    person.stroke(down=0.2)
    person.run("fill")

    files = unpacked(person.saved("DICOM results"), tmp_path / "results")
    first, second = (pydicom.dcmread(files[f"{number}/derived/image.dcm"]) for number in (1, 3))

    assert {name for name in files if name.startswith("2/")} == {"2/report.json"}
    assert second.SourceImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert {"1/hole.dcm", "3/hole.dcm", "1/report.json", "3/report.json"} <= files.keys()


def test_making_dicom_results_is_cancelled_like_any_run_and_begun_again(person: Person, tmp_path: Path) -> None:
    person.load(*ct_series(tmp_path, generate_uid()))
    person.stroke()
    person.page.click("#spread")
    person.run("fill")

    person.choose("suffix", "DICOM results")
    person.page.click("#save-image")
    person.reads("Making the DICOM results, fill 1 of 1...")
    person.page.click("#cancel")
    person.reads("Cancelled.")

    assert person.steps() == ["Original", "Spread"]
    assert "1/hole.dcm" in unpacked(person.saved(), tmp_path / "results")


def test_a_header_that_dicom_results_forbid_stops_only_them_with_a_sentence(person: Person, tmp_path: Path) -> None:
    files = ct_series(tmp_path, generate_uid())
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", "1000"
        dataset.save_as(file)
        file.write_bytes(file.read_bytes().replace(b"DS\x04\x001000", b"DS\x04\x0010:1"))  # no number, as some write it
    person.load(*files)
    person.stroke()
    assert person.run("fill").startswith("Filled: best estimate, CT.")

    person.choose("suffix", "DICOM results")
    person.page.click("#save-image")
    refused = person.reads("damaged element")
    person.page.wait_for_function("!trame.state.get('busy')")
    person.picture("dicom-refused")

    assert refused.startswith("The result cannot be written, as its source contains a damaged element")
    assert "'10:1'" in refused
    assert len(unpacked(person.saved(".zip"), tmp_path / "derived")) == 6
    person.stroke(right=-0.2)
    assert person.run("fill").startswith("Filled: best estimate, CT.")
    assert len(person.saved_reports()) == 2


def test_what_is_unlike_healthy_anatomy_is_mapped_in_a_film_with_its_scale(person: Person, tmp_path: Path) -> None:
    PIL.Image.fromarray(film()).save(tmp_path / "film.png")
    person.load(tmp_path / "film.png")
    person.choose("bundle", "chest film")

    assert person.run("map").startswith("Abnormality map, chest film.")
    scale = person.page.inner_text("#scale-map")
    person.picture("map")
    saved = person.saved_map()
    (report,) = person.saved_reports()

    assert re.fullmatch(r"abnormality\s+0\s+\S+ SD of healthy films", scale)
    assert saved.name == "film_abnormality.tif"
    assert read_image(saved).voxels.shape == film().shape
    assert report["score"] >= 0
    assert person.page.is_disabled("#save-image")
    assert person.steps() == ["Original", "Map"]


def test_colour_and_sequences_are_refused_in_a_sentence_and_what_was_there_stays(
    person: Person, head: Path, tmp_path: Path
) -> None:
    person.load(head)
    person.stroke()
    before = person.regions()
    PIL.Image.new("RGB", (32, 32), (200, 20, 20)).save(tmp_path / "colour.png")
    header = bytearray(head.read_bytes())
    header[40:56] = np.array([4, 96, 96, 12, 2, 1, 1, 1], "<i2").tobytes()
    (tmp_path / "four.nii").write_bytes(header)
    (tmp_path / "cut.nii").write_bytes(head.read_bytes()[:1000])

    assert person.load(tmp_path / "colour.png", says="colour.png") == (
        "colour.png is a colour picture; convert it to grey."
    )
    assert "give one 2D or 3D image" in person.load(tmp_path / "four.nii", says="four.nii")
    assert person.load(tmp_path / "cut.nii", says="cut.nii").endswith(".")
    person.picture("bad")
    assert person.regions() == before
