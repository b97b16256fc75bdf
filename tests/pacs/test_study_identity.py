"""Which files of a study belong together, and what its record says of the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pydicom
import pytest
from cli_samples import ct_series, tree
from identity_samples import IDENTITY, MARKS, SECRETS, SLICES, change, rt_of, seg_of
from study_samples import PATIENT, cr

from monai_inpaint.pacs.rules import rules_of

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs.study import process_study  # noqa: E402 - imports highdicom

RULES = rules_of([{"modality": "CT", "hole": "SEG", "segment": "*"}], "rules")


def entry_of(record: dict) -> dict:
    (entry,) = record["series"]
    return entry


@pytest.mark.parametrize("keyword", IDENTITY)
def test_a_study_names_a_series_that_is_mixed_and_fills_nothing_of_it(keyword: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    seg_of(series, folder / "seg.dcm")
    value, why = IDENTITY[keyword]
    change(max(series.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber), **{keyword: value})

    entry = entry_of(process_study(folder, tmp_path / "out", RULES))

    assert entry["status"] == "skipped"
    assert why in entry["why"]
    assert list(tree(tmp_path / "out")) == ["record.json"]
    assert not [word for word in (*PATIENT, *SECRETS) if word in (tmp_path / "out" / "record.json").read_text()]


@pytest.mark.parametrize("make", [seg_of, rt_of])
@pytest.mark.parametrize("fault", MARKS)
def test_a_study_does_not_fill_from_a_mark_of_another_patient_or_study(make, fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    elements, why = MARKS[fault]
    change(make(series, folder / "mark.dcm"), **elements)
    kind = "SEG" if make is seg_of else "RTSTRUCT"

    record = process_study(folder, tmp_path / "out", rules_of([{"modality": "CT", "hole": kind}], "rules"))

    assert entry_of(record)["why"].startswith(f"The {kind} {why} than the image")
    assert list(tree(tmp_path / "out")) == ["record.json"]


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("text", ["Doe^Jane", "../../etc", "1.2.3/4", "", "1." * 33 + "1"])
def test_free_text_in_place_of_a_uid_gets_into_no_record(keyword: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    change(cr(folder / "film.dcm"), **{keyword: text})

    record = process_study(folder, tmp_path / "out", RULES)

    assert record["series"] == []
    assert record["unreadable"] == [f"File 1 of 1 has no {keyword} that is a UID; it belongs to no series."]


def test_a_study_tells_of_files_that_could_hold_a_slice_and_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    cr(folder / "film.dcm")
    (folder / "gone.dcm").symlink_to(folder / "Doe.dcm")
    (folder / "more").symlink_to(tmp_path)
    (folder / "zeros.dcm").write_bytes(bytes(9000))

    record = process_study(folder, tmp_path / "out", RULES)

    reasons = [sentence.partition(":")[0] for sentence in record["unreadable"]]
    assert reasons[:2] == ["File 2 of 4 cannot be read", "File 3 of 4 cannot be read"]
    assert reasons[2].startswith("File 4 of 4 is not a DICOM file")
    assert "Doe" not in json.dumps(record)


def test_a_series_whose_last_file_is_cut_in_its_header_is_named_and_not_filled_without_it(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    seg_of(series, folder / "seg.dcm")
    last = max(series.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber)
    content = last.read_bytes()
    last.write_bytes(content[: content.index(b"MONOCHROME2")])

    entry = entry_of(process_study(folder, tmp_path / "out", RULES))

    assert entry["status"] == "skipped"
    assert entry["why"].startswith("Series 1.2.3.4, file 00000")
    assert entry["why"].endswith("is cut short; copy it again.")


def test_a_study_counts_a_file_that_came_twice_once(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    shutil.copytree(series, folder / "again")

    assert entry_of(process_study(folder, tmp_path / "out", RULES))["instances"] == SLICES
