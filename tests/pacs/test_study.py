"""A study goes in, results and a record come out; what cannot be handled is named and the rest goes on."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import tree
from dicom_hole_samples import segmentation, sources
from io_samples import dicom_dataset, dicom_series, save
from metal_dicom import hip_series, rois_in
from metal_scans import hip_scan
from study_samples import PATIENT, RULES, SIDE, cr, ct_with_seg, mr_with_structures, study

from monai_inpaint import InputError, read_image
from monai_inpaint.pacs.rules import read_rules, rules_of
from monai_inpaint.registry import find_bundle

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs.study import Bundles, process_study  # noqa: E402 - imports highdicom

ALL = rules_of(RULES, "rules")


def by_modality(record: dict) -> dict[str, dict]:
    return {entry["modality"]: entry for entry in record["series"]}


def test_each_series_is_filled_from_its_own_hole_and_nothing_else_changes(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    holes = {"CT": ct_with_seg(folder), "MR": mr_with_structures(folder)}
    cr(folder / "film.dcm")
    holes["CR"] = np.zeros((80, 96), bool)
    holes["CR"][10:30, 20:44] = True
    origin = {"CT": folder / "ct", "MR": folder / "mr", "CR": folder / "film.dcm"}

    record = process_study(folder, tmp_path / "out", ALL)

    entries = by_modality(record)
    assert {modality: entry["status"] for modality, entry in entries.items()} == dict.fromkeys(holes, "filled")
    for modality, hole in holes.items():
        source = read_image(origin[modality]).voxels
        result = read_image(tmp_path / "out" / entries[modality]["folder"] / "derived").voxels
        assert np.array_equal(source[~hole], result[~hole])
        assert (source[hole] != result[hole]).mean() > 0.5
        assert entries[modality]["report"]["hole"]["voxels"] == hole.sum()
    assert json.loads((tmp_path / "out" / "record.json").read_text()) == record


def test_why_series_are_skipped_is_reported_where_a_rule_is_for_them(tmp_path: Path) -> None:
    folder = study(tmp_path / "study")
    (folder / "rt.dcm").unlink()

    record = process_study(folder, tmp_path / "out", ALL[:2], report_skipped=True)

    (report,) = [pydicom.dcmread(path) for path in (tmp_path / "out").glob("*.dcm")]
    why = [item.TextValue for item in report.ContentSequence if item.RelationshipType == "CONTAINS"][1:]
    assert why == ["Series 1.2.3.2 (MR): No RTSTRUCT of the study refers to it."]  # and not of the film
    reported = [entry["told"] for entry in record["series"] if "told" in entry]
    again = process_study(folder, tmp_path / "again", ALL[:2], filled=reported, report_skipped=True)
    assert not list((tmp_path / "again").glob("*.dcm"))
    assert [entry["status"] for entry in again["series"]] == [entry["status"] for entry in record["series"]]


def test_a_region_without_its_series_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_with_seg(folder)
    shutil.rmtree(folder / "ct")

    process_study(folder, tmp_path / "out", ALL, report_skipped=True)

    (report,) = [pydicom.dcmread(path) for path in (tmp_path / "out").glob("*.dcm")]
    assert report.ContentSequence[-1].TextValue.endswith("(SEG): The series that it refers to is not there.")
    assert report.StudyInstanceUID == "1.2.3"


def test_results_keep_the_study_and_refer_to_their_sources(tmp_path: Path) -> None:
    process_study(study(tmp_path / "study"), tmp_path / "out", ALL)

    given = {dataset.SOPInstanceUID for dataset in map(pydicom.dcmread, (tmp_path / "study").rglob("*.dcm"))}
    made = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert {dataset.StudyInstanceUID for dataset in made} == {"1.2.3"}
    uids = [dataset.SOPInstanceUID for dataset in made]
    assert len(set(uids)) == len(uids)
    assert not set(uids) & given
    referred = {element.value for dataset in made for element in dataset.iterall()
                if element.keyword == "ReferencedSOPInstanceUID"}  # fmt: skip
    assert referred
    assert referred <= {"1.2.3", *given, *uids}  # structures refer to the study as to an instance


def test_a_series_that_cannot_be_handled_is_named_and_the_rest_is_filled(tmp_path: Path) -> None:
    folder = study(tmp_path / "study")
    gap = dicom_series(folder / "gap", np.zeros((6, 8, 8), np.uint16), series="1.2.3.70")
    segmentation(folder / "gap.seg.dcm", sources(gap), np.ones((6, 8, 8), bool), names=["lesion"])
    next(path for path in gap.iterdir() if pydicom.dcmread(path).InstanceNumber == 3).unlink()
    dicom_series(folder / "lonely", np.zeros((3, 8, 8), np.uint16), series="1.2.3.71")
    cut = folder / "cut.dcm"
    cut.write_bytes((folder / "film.dcm").read_bytes()[:400])
    (folder / "notes.txt").write_text("for Jane Doe")

    record = process_study(folder, tmp_path / "out", ALL)

    why = {entry["series"]: entry["why"] for entry in record["series"]}
    assert why["1.2.3.70"].startswith("Series 1.2.3.70 lacks 1 slices")
    assert why["1.2.3.71"] == "No SEG of the study refers to it."
    assert [why[f"1.2.3.{n}"] for n in (1, 2, 3)] == ["", "", ""]
    assert len(record["unreadable"]) == 1
    assert record["unreadable"][0].startswith("File ")


def test_a_record_holds_uids_and_no_other_patient_data(tmp_path: Path) -> None:
    folder = study(tmp_path / "Doe_Jane_P1" / "19700102")
    (folder / "Doe.dcm").write_bytes((folder / "film.dcm").read_bytes()[:700])
    bad = dicom_dataset(np.zeros((8, 8), np.uint16), series="1.2.3.72")
    segmentation(folder / "bad.seg.dcm", [bad], np.ones((1, 8, 8), bool), names=["lesion of Doe"])
    bad.add_new("RescaleSlope", "LO", "Doe")
    save(bad, folder / "bad.dcm")

    record = process_study(folder, tmp_path / "out", ALL)

    assert len(record["series"]) == 4
    text = json.dumps(record)
    assert "Thorax" not in text
    assert not [word for word in PATIENT if word in text]


def test_films_of_one_series_are_filled_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    cr(folder / "pa.dcm", seed=2)
    cr(folder / "lateral.dcm", seed=3)

    record = process_study(folder, tmp_path / "out", ALL)

    assert [entry["status"] for entry in record["series"]] == ["filled", "filled"]
    assert {entry["instances"] for entry in record["series"]} == {1}


def test_what_was_filled_once_is_not_filled_again(tmp_path: Path) -> None:
    folder = study(tmp_path / "study")
    process_study(folder, tmp_path / "out", ALL)
    (tmp_path / "out").rename(folder / "came back")

    record = process_study(folder, tmp_path / "again", ALL)

    statuses = [entry["status"] for entry in record["series"]]
    assert statuses.count("filled") == 3
    assert {e["why"] for e in record["series"] if e["status"] == "skipped"} == {
        "It contains synthetic data already, and is not a source to fill."
    }


def test_the_first_rule_whose_hole_is_there_counts(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    hole = ct_with_seg(folder)
    given = [
        {"modality": "CT", "description": "abdomen*", "hole": "rectangles", "rectangles": [[0, 0, 4, 4]]},
        {"modality": "CT", "hole": "RTSTRUCT"},
        {"modality": "CT", "hole": "SEG", "segment": "LESION 1", "bundle": "mr"},
        {"modality": "CT", "hole": "rectangles", "rectangles": [[0, 0, 4, 4]]},
    ]

    record = process_study(folder, tmp_path / "out", rules_of(given, "rules"))

    entry = record["series"][0]
    assert (entry["hole"], entry["report"]["hole"]["voxels"]) == ("SEG", hole.sum())
    assert entry["report"]["bundle"]["name"] == "mr_inpainting"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"modality": "CT", "hole": "SEG"}, "The SEG that refers to it contains 2 regions, and the rule names none."),
        ({"modality": "CT", "hole": "SEG", "segment": "x"}, "No SEG that refers to it contains what the rule names."),
        ({"modality": "CT", "hole": "RTSTRUCT"}, "No RTSTRUCT of the study refers to it."),
        ({"modality": "MR", "hole": "SEG"}, "No rule is for it."),
        ({"modality": "CT", "description": "head", "hole": "SEG"}, "No rule is for it."),
        ({"modality": "CT", "hole": "metal", "method": "inpaint"}, "No metal was found in it."),
        (
            {"modality": "CT", "hole": "rectangles", "rectangles": [[64, 0, 10, 10]]},
            "The rectangle 64,0,10,10 lies outside of the image, which has 64 columns and 64 rows.",
        ),
    ],
)
def test_a_series_without_a_hole_is_skipped_with_the_reason(rule: dict, why: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_with_seg(folder)

    record = process_study(folder, tmp_path / "out", rules_of([rule], "rules"))

    assert [(entry["status"], entry["why"]) for entry in record["series"]] == [("skipped", why)]
    assert list(tree(tmp_path / "out")) == ["record.json"]


@pytest.mark.parametrize(
    ("settings", "used"),
    [
        ({}, "ct_metal"),
        ({"bundle": "ct"}, "ct_metal"),
        ({"bundle": "ct_inpainting"}, "ct_inpainting"),
        ({"method": "inpaint"}, "ct_inpainting"),
    ],
)
@pytest.mark.skipif(find_spec("astra") is None, reason="needs the extra metal")
def test_metal_is_taken_out_by_the_bundle_of_the_method(settings: dict[str, str], used: str, tmp_path: Path) -> None:
    stored = (hip_scan().voxels[..., 2:4] + 1024).astype(np.uint16).transpose(2, 1, 0)
    scaled = {"PixelSpacing": [2, 2], "RescaleSlope": 1, "RescaleIntercept": -1024}
    dicom_series(tmp_path / "study", stored, spacing=3.0, **scaled)
    (tmp_path / "models").mkdir()
    shutil.copytree(find_bundle(used).path, tmp_path / "models" / used)
    metadata = tmp_path / "models" / used / "configs" / "metadata.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"version": "9.9.9"}))
    rules = rules_of([{"modality": "CT", "hole": "metal", **settings}], "rules")

    record = process_study(tmp_path / "study", tmp_path / "out", rules, Bundles(tmp_path / "models"))

    (entry,) = record["series"]
    assert (entry["status"], entry["why"]) == ("filled", "")
    assert (entry["report"]["bundle"]["name"], entry["report"]["bundle"]["version"]) == (used, "9.9.9")


def test_a_rule_tells_the_value_of_the_metal_and_structures_come_back(tmp_path: Path) -> None:
    hip = hip_scan()
    hip_series(tmp_path / "study", hip)
    rules = rules_of([{"modality": "CT", "hole": "metal", "method": "inpaint", "metal_hu": "steel"}], "rules")

    record = process_study(tmp_path / "study", tmp_path / "out", rules)

    (entry,) = record["series"]
    assert entry["report"]["metal_hu"] == {"hu": 13127.0, "material": "steel"}
    folder = tmp_path / "out" / entry["folder"]
    derived = read_image(folder / "derived")
    metal = rois_in(folder / "structures.dcm", derived)["Metal"]
    assert set(derived.units()[metal]) == {13127.0}
    assert entry["results"] == len(list(folder.rglob("*.dcm")))


def test_two_segmentations_of_one_series_are_told_apart_by_name_only(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_with_seg(folder)
    marked = np.zeros((3, SIDE, SIDE), bool)
    marked[1, 40:50, 10:20] = True
    segmentation(folder / "other.dcm", sources(folder / "ct"), marked, names=["implant"])

    def entry(segment: str) -> dict:
        rules = rules_of([{"modality": "CT", "hole": "SEG", "segment": segment}], "rules")
        return process_study(folder, tmp_path / segment.strip("*"), rules)["series"][0]

    assert entry("implant")["report"]["hole"]["voxels"] == marked.sum()
    assert entry("*n*")["why"] == "2 SEG refer to it, and the rule does not say which to use."


def test_a_folder_without_dicom_and_an_output_that_is_not_empty_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("a")

    with pytest.raises(InputError, match="contains no DICOM"):
        process_study(tmp_path / "empty", tmp_path / "out", ALL)
    with pytest.raises(InputError, match="not an empty folder"):
        process_study(tmp_path / "empty", tmp_path / "full", ALL)
    with pytest.raises(InputError, match="not a folder"):
        process_study(tmp_path / "missing", tmp_path / "out", ALL)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, "list of at least one rule"),
        ([], "list of at least one rule"),
        (["CT"], "rule 1 is not an object"),
        ([{"modality": "CT"}], "hole is None"),
        ([{"modality": "US", "hole": "SEG"}], "modality is 'US'"),
        ([{"modality": "CT", "hole": "SEG", "colour": "red"}], "unknown key colour"),
        ([{"modality": "CT", "hole": "SEG", "segment": 3}], "segment is 3"),
        ([{"modality": "CT", "hole": "metal", "segment": "a"}], "segment has no effect"),
        ([{"modality": "CT", "hole": "metal", "method": "magic"}], "no method magic"),
        ([{"modality": "CT", "hole": "metal", "metal_hu": "wood"}], "rule 1: .*'wood', must be a number in HU or"),
        ([{"modality": "CT", "hole": "metal", "metal_hu": [1]}], "metal_hu is .1.; give a number"),
        ([{"modality": "MR", "hole": "metal", "metal_hu": 7000}], "Hounsfield units, which MR has not"),
        ([{"modality": "CT", "hole": "SEG", "metal_hu": 7000}], "metal_hu has no effect"),
        ([{"modality": "CR", "hole": "metal"}], "metal is found in CT and MR"),
        ([{"modality": "CR", "hole": "rectangles"}], "four numbers in pixels"),
        ([{"modality": "CR", "hole": "rectangles", "rectangles": [[0, 0, 0, 5]]}], "four numbers in pixels"),
        ([{"modality": "CR", "hole": "rectangles", "rectangles": [[0, 0, 4.5, 5]]}], "four numbers in pixels"),
    ],
)
def test_rules_that_say_nothing_clear_are_refused(content: object, why: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(content))

    with pytest.raises(InputError, match=why):
        read_rules(path)


def test_rules_that_are_no_json_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("[{")

    with pytest.raises(InputError, match="cannot be read as JSON"):
        read_rules(tmp_path / "rules.json")
    with pytest.raises(InputError, match="does not exist"):
        read_rules(tmp_path / "missing.json")
