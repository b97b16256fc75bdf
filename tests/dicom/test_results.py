"""Hole, difference, spread, record and overview: what they say, and how they come to be."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import nifti, run, tree
from dicom_samples import filler, film, hole_in, results_of, series
from metal_dicom import METHODS, hip_series, segments_in
from metal_scans import hip_scan

from monai_inpaint import read_image
from monai_inpaint.dicom.results import write_results
from monai_inpaint.errors import InputError
from monai_inpaint.registry import find_bundle

pytest.importorskip("highdicom")


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    """A CT series, and its results with a spread."""
    folder = tmp_path_factory.mktemp("ct")
    source = series(folder / "source", PatientSex="W", PatientName="Roe^Jane", PatientIdentityRemoved="YES")
    return source, results_of(source, folder / "results", samples=2)


def drawn(source: Path, path: Path) -> Path:
    """The hole of a source as a NIfTI file."""
    image = read_image(source)
    return nifti(path, hole_in(image).astype(np.uint8), image.affine)


def content(dataset: pydicom.Dataset, name: str) -> list:
    """The values of all content items with that concept, at any depth."""
    found = []
    for item in dataset.get("ContentSequence", []):
        concept = item.get("ConceptNameCodeSequence", [None])[0]
        if concept is not None and concept.CodeMeaning == name:
            measured = item.get("MeasuredValueSequence")
            found.append(float(measured[0].NumericValue) if measured else item.get("TextValue") or item.get("UID"))
        found += content(item, name)
    return found


def test_everything_lies_in_one_folder_and_belongs_to_the_patient_and_study_of_the_source(ct):
    source, results = ct
    first = pydicom.dcmread(next(source.iterdir()))
    assert [path.name for path in results.files[-6:]] == [
        "hole.dcm", "structures.dcm", "difference.dcm", "spread.dcm", "record.dcm", "overview.dcm"]  # fmt: skip
    assert all(path.is_file() and results.folder in path.parents for path in results.files)
    datasets = [pydicom.dcmread(path) for path in results.files]
    for dataset in datasets:
        for keyword in ("StudyInstanceUID", "PatientName", "PatientSex", "PatientIdentityRemoved", "StudyDate"):
            assert dataset[keyword].value == first[keyword].value
    assert len({dataset.SOPInstanceUID for dataset in datasets}) == len(datasets)
    assert len({dataset.SeriesInstanceUID for dataset in datasets}) == 7
    assert first.SeriesInstanceUID not in {dataset.SeriesInstanceUID for dataset in datasets}


def test_the_hole_is_a_segment_on_its_own_slices_that_refers_to_the_source(ct):
    source, results = ct
    hole = pydicom.dcmread(results.hole)
    uids = {pydicom.dcmread(path).SOPInstanceUID: pydicom.dcmread(path).InstanceNumber for path in source.iterdir()}
    references = [group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
                  for group in hole.PerFrameFunctionalGroupsSequence]  # fmt: skip
    assert {uids[uid] for uid in references} == {2, 3}
    assert hole.SegmentSequence[0].SegmentLabel == "Computed, not measured"
    assert hole.SegmentSequence[0].SegmentAlgorithmType == "MANUAL"
    assert hole.ManufacturerModelName.startswith("ct_inpainting")


def test_maps_tell_units_what_they_are_and_that_they_are_synthetic(ct):
    _, results = ct
    for path, contrast in ((results.difference, "SUBTRACTION"), (results.spread, "STD_DEVIATION")):
        dataset = pydicom.dcmread(path)
        mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
        assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "[hnsf'U]"
        assert (dataset.ImageType[3], dataset.SyntheticData, dataset.NumberOfFrames) == (contrast, "YES", 2)
        assert dataset.ContentQualification == "RESEARCH"


def test_the_record_tells_volume_model_versions_and_hashes(ct):
    source, results = ct
    image = read_image(source)
    hole, report = hole_in(image), filler("ct")(image, hole_in(image)).report
    record = pydicom.dcmread(results.record)
    assert content(record, "Volume") == pytest.approx([hole.sum() * np.prod(image.spacing)], rel=1e-6)
    assert content(record, "Voxels in the hole") == [hole.sum()]
    assert content(record, "SHA-256 of the untouched voxels in the source") == [report["untouched"]["before"]]
    assert content(record, "SHA-256 of the untouched voxels in the derived image") == [report["untouched"]["before"]]
    assert content(record, "Algorithm Name") == [f"{report['bundle']['name']} {report['bundle']['version']}"]
    models = find_bundle("ct").path / "models"
    weights = hashlib.sha256((models / "model.onnx").read_bytes()).hexdigest()
    assert any(f"sha256 {weights}" in text for text in content(record, "Algorithm Parameters"))
    assert any("openvino" in text for text in content(record, "Algorithm Parameters"))
    assert content(record, "Notice") == ["Research use only. Not for diagnosis."]
    derived = pydicom.dcmread(results.files[0])
    assert content(record, "Derived series") == [derived.SeriesInstanceUID]


def test_names_of_series_say_what_they_are_and_what_was_done(ct):
    _, results = ct
    names = [pydicom.dcmread(path).SeriesDescription for path in results.files[-7:]]
    assert names == [
        "AI-filled:", "Region: AI-filled", "Structures: AI-filled", "Difference: AI-filled",
        "Error to expect: AI-filled", "Record: AI-filled", "Overview: AI-filled, not for diagnosis"]  # fmt: skip


def test_the_overview_shows_source_fill_and_difference_with_the_words_burned_in(ct):
    _, results = ct
    overview = pydicom.dcmread(results.overview)
    pixels = overview.pixel_array.astype(int)
    amber = np.abs(pixels - [255, 176, 0]).sum(axis=2) < 30
    assert amber[:40].sum() > 300  # above the pictures
    panel = pixels.shape[1] // 3
    assert amber[-90:-40, panel : 2 * panel].sum() > 300  # across the fill
    assert not amber[-90:-40, :panel].any()
    assert overview.SeriesDescription == "Overview: AI-filled, not for diagnosis"
    assert (overview.SyntheticData, overview.ImageType[0]) == ("YES", "DERIVED")
    assert "BurnedInAnnotation" not in overview  # our words name nobody, and the source says nothing of its own


def test_a_hole_is_seen_in_the_overview_though_the_header_names_a_window_that_hides_it(tmp_path):
    source = series(tmp_path / "s", slices=1, WindowCenter=3000, WindowWidth=100)
    overview = pydicom.dcmread(results_of(source, tmp_path / "results").overview)
    panel = overview.pixel_array[60:400, overview.Columns // 3 : 2 * overview.Columns // 3, 0]
    assert panel.std() > 20


def test_films_without_a_spacing_have_no_maps_and_no_area(tmp_path):
    source = film(tmp_path / "film.dcm")
    dataset = pydicom.dcmread(source)
    del dataset.ImagerPixelSpacing
    dataset.save_as(source)
    results = results_of(source, tmp_path / "results", samples=2)
    assert (results.difference, results.spread) == (None, None)
    record = pydicom.dcmread(results.record)
    assert content(record, "Area") == []
    assert content(record, "Voxels in the hole") == [hole_in(read_image(source)).sum()]


def test_a_film_of_which_low_values_are_bright_is_shown_as_such(tmp_path):
    plain, inverted = (film(tmp_path / f"{kind}.dcm", PhotometricInterpretation=kind)
                       for kind in ("MONOCHROME2", "MONOCHROME1"))  # fmt: skip
    shown = [pydicom.dcmread(results_of(path, tmp_path / path.stem).overview).pixel_array[60:300, 20:200, 0].astype(int)
             for path in (plain, inverted)]  # fmt: skip
    assert np.abs(shown[0] + shown[1] - 255).mean() < 1


def test_a_source_that_is_no_dicom_an_empty_hole_and_a_taken_folder_are_refused(tmp_path, ct):
    source, results = ct
    image, result = read_image(source), read_image(results.derived)
    report = {"hole": {}}
    with pytest.raises(InputError, match="No voxel"):
        write_results(image, result, np.zeros(image.voxels.shape, bool), report, tmp_path / "out")
    with pytest.raises(InputError, match="exists"):
        write_results(image, result, hole_in(image), report, results.folder)
    other = read_image(drawn(source, tmp_path / "a.nii.gz"))
    with pytest.raises(InputError, match="not read from DICOM"):
        write_results(other, other, hole_in(image), report, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_ends_on_the_way_leaves_nothing_behind(tmp_path, ct, monkeypatch):
    from monai_inpaint.dicom import results as module

    def fails(*_args, **_kwargs):
        raise KeyboardInterrupt

    source, _ = ct
    monkeypatch.setattr(module, "overview_of", fails)
    with pytest.raises(KeyboardInterrupt):
        results_of(source, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_without_highdicom_one_sentence_says_what_to_install(tmp_path, ct, capfd, monkeypatch):
    source, _ = ct
    monkeypatch.setitem(sys.modules, "highdicom", None)
    hole = drawn(source, tmp_path / "hole.nii.gz")
    ran = run(capfd, "fill", source, hole, tmp_path / "out", "--dicom-results")
    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "pip install 'monai-inpaint[dicom]'" in ran.lines[0]
    assert not (tmp_path / "out").exists()


def test_the_command_line_writes_all_results_into_one_folder(tmp_path, ct, capfd):
    source, _ = ct
    hole = drawn(source, tmp_path / "hole.nii.gz")
    ran = run(capfd, "fill", source, hole, tmp_path / "out", "--dicom-results", "--samples", 2)
    assert ran.code == 0, ran.lines
    assert set(tree(tmp_path / "out")) == {
        "derived", *(f"derived/slice_000{k}.dcm" for k in range(1, 5)),
        "hole.dcm", "structures.dcm", "difference.dcm", "spread.dcm", "record.dcm", "overview.dcm"}  # fmt: skip
    assert run(capfd, "fill", source, hole, tmp_path / "out", "--dicom-results").code == 2
    again = run(capfd, "fill", source, hole, tmp_path / "out", "--dicom-results", "--overwrite")
    assert again.code == 0, again.lines
    assert not (tmp_path / "out" / "spread.dcm").exists()
    refused = run(capfd, "fill", source, hole, tmp_path / "out.nii.gz", "--dicom-results")
    assert (refused.code, "name a folder" in refused.lines[0]) == (2, True)


@pytest.mark.parametrize("method", METHODS)
def test_of_metal_the_hole_is_what_was_computed(method, tmp_path, capfd):
    source = hip_series(tmp_path / "hip", hip_scan())
    ran = run(capfd, "metal", source, tmp_path / "out", "--method", method, "--dicom-results")
    assert ran.code == 0, ran.lines
    before, after = read_image(source), read_image(tmp_path / "out" / "derived")
    changed = before.voxels != after.voxels
    hole = segments_in(tmp_path / "out" / "hole.dcm", before)["Computed, not measured"]
    assert hole[changed].all()
    assert method == "inpaint" or np.array_equal(hole, changed)
    described = pydicom.dcmread(tmp_path / "out" / "hole.dcm").SegmentSequence
    assert {segment.SegmentAlgorithmType for segment in described} == {"AUTOMATIC"}
    for path in (tmp_path / "out").rglob("*.dcm"):
        name = pydicom.dcmread(path).SeriesDescription
        assert "Metal artifacts reduced" in name
        assert "fill" not in name.lower()


def test_labels_of_metal_are_no_results(tmp_path, capfd):
    source = hip_series(tmp_path / "hip", hip_scan())
    assert run(capfd, "metal", source, tmp_path / "b.nii", "--find-only", "--dicom-results").code == 2
