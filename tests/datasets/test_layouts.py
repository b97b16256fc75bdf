"""Folders of public data sets as published, made small, and the data lists that come of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from cli_samples import nifti, picture, smooth, tree

from monai_inpaint.cli import main
from monai_inpaint.commands.pairs import read_pairs
from monai_inpaint.datasets import read_boxes
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.training import fill_pairs, training_slices, training_volumes
from monai_inpaint.transforms import ReadPyramidd

NIH_ENTRY = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
NIH_SIZES = "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
NIH_BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
NODE21 = ",height,img_name,label,width,x,y"


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    """Twelve patients with a healthy film each, the first also with a later one that shows a mass; two are test."""
    folder = tmp_path / "nih"
    films = [(f"{patient:08d}_000.png", "No Finding", patient) for patient in range(1, 13)]
    films.append(("00000001_001.png", "Effusion|Mass", 1))
    rows = [f"{name},{label},0,{patient},57,M,PA,2682,2749,0.143,0.143," for name, label, patient in films]
    not_there = "00000099_000.png,No Finding,0,99,57,M,PA,2682,2749,0.143,0.143,"
    write(folder / "Data_Entry_2017_v2020.csv", NIH_ENTRY + NIH_SIZES, *rows, not_there)
    write(folder / "BBox_List_2017.csv", NIH_BOXES, "00000001_001.png,Mass,10.5,20,30,40,,,", "0_0.png,Mass,1,2,3,4,,,")
    write(folder / "test_list.txt", "00000011_000.png", "00000012_000.png")
    write(folder / "train_val_list.txt", *(name for name, _, patient in films if patient < 11), "00000099_000.png")
    (folder / "images_001" / "images").mkdir(parents=True)
    for name, _, _ in films:
        picture(folder / "images_001" / "images" / name)
    return folder


@pytest.fixture
def node21(tmp_path: Path) -> Path:
    """Six films, one of them with two nodules; two of one patient of ChestX-ray14."""
    folder = tmp_path / "cxr_images" / "proccessed_data"
    healthy = [f"{number},0,c000{number}.mha,0,0,0,0" for number in range(5)]
    nodules = ["5,12,n0001.mha,1,10,40,20", "6,12,n0001.mha,1,10,60,20"]
    write(folder / "metadata.csv", NODE21, *healthy, *nodules)
    names = "orig_dataset,orig_name,node21_img_id"
    films = ["chestxray14,00000007_003.png,c0000", "chestxray14,00000007_004.png,n0001", "padchest,123.png,c0001"]
    write(folder.parent / "original_data" / "filenames_orig_and_new.csv", names, *films)
    (folder / "images").mkdir()
    for name in [*(f"c000{number}" for number in range(5)), "n0001"]:
        pixels = np.zeros((80, 100), np.uint16)
        pixels[20:32, 40:50] = 4000 * name.startswith("n")
        sitk.WriteImage(sitk.GetImageFromArray(pixels), folder / "images" / f"{name}.mha")
    return folder


@pytest.fixture
def brats(tmp_path: Path) -> Path:
    """Two visits of one patient, one of another, and a brain of the validation set, whose truth is kept back."""
    folder = tmp_path / "ASNR-MICCAI-BraTS2023-Local-Synthesis-Challenge-Training"
    parts = ("t1n-voided", "mask", "t1n", "mask-healthy", "mask-unhealthy")
    for brain in ("BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000", "BraTS-GLI-00003-000"):
        (folder / brain).mkdir(parents=True)
        for part in parts if "00003" not in brain else parts[:2]:
            nifti(folder / brain / f"{brain}-{part}.nii.gz", (100 * smooth((12, 12, 6))).astype(np.int16))
    return folder


def listed(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def refused(capsys: Any, *args: object) -> str:
    """The one sentence that the command refuses with."""
    assert main(["index", *map(str, args)]) == 2
    captured = capsys.readouterr()
    (sentence,) = captured.err.splitlines()
    assert captured.out == ""
    return sentence


def test_nih_films_are_split_by_the_official_lists_by_patient_and_by_findings(nih: Path, capsys: Any) -> None:
    index = nih.parent / "index.csv"
    assert main(["index", "nih", str(nih), "-o", str(index), "--val", "0.2"]) == 0
    rows = listed(index)

    assert {row["patient"] for row in rows if row["split"] == "test"} == {"00000011", "00000012"}
    assert len({row["patient"] for row in rows if row["split"].startswith("val")}) == 2
    (mass,) = (row for row in rows if row["note"] == "Effusion|Mass")
    (before,) = (row for row in rows if row["patient"] == "00000001" and row is not mass)
    assert mass["split"] == f"{before['split']}-unhealthy"
    assert "test: 2 images of 2 patients" in capsys.readouterr().out


def test_lists_are_what_training_and_evaluation_read(nih: Path) -> None:
    index = nih / "lists" / "index.csv"
    index.parent.mkdir()
    main(["index", "nih", str(nih), "-o", str(index)])
    slices = training_slices(index, {"nih": 0}, "train", modality="CR")
    entries = read_data_list(index, split="test", modality="cxr")

    assert all(Path(entry["image"]).is_file() for entry in slices)
    assert [entry.path.name for entry in entries] == ["00000011_000.png", "00000012_000.png"]
    assert all(entry.path.is_file() for entry in entries)


def test_boxes_of_nih_findings_are_read_from_its_torn_header(nih: Path) -> None:
    main(["index", "nih", str(nih), "-o", str(nih.parent / "index.csv")])
    (box,) = read_boxes(nih.parent / "index_boxes.csv")

    assert (box.image, box.label, box.x, box.y, box.w, box.h) == ("00000001_001.png", "Mass", 10.5, 20, 30, 40)


def test_node21_films_with_nodules_are_unhealthy_and_their_boxes_lie_where_they_are_seen(node21: Path) -> None:
    index = node21.parent / "index.csv"
    assert main(["index", "node21", str(node21), "-o", str(index)]) == 0
    rows = listed(index)
    first, _ = read_boxes(node21.parent / "index_boxes.csv")
    film = ReadPyramidd("image", levels=1)({"image": node21 / "images" / first.image})["image"][0]
    top, left, bottom, right = (int(v) for v in (first.y, first.x, first.y + first.h, first.x + first.w))

    assert len(rows) == 6
    assert [row["note"] for row in rows if row["split"].endswith("-unhealthy")] == ["Nodule"]
    assert film[top:bottom, left:right].min() == film.max()
    assert film.sum() == film[top:bottom, left:right].sum()


def test_node21_films_of_one_chestxray14_patient_stay_in_one_split(node21: Path) -> None:
    index = node21.parent / "index.csv"
    main(["index", "node21", str(node21), "-o", str(index), "--val", "0.5"])
    patients = {Path(row["path"]).stem: row["patient"] for row in listed(index)}

    assert patients["c0000"] == patients["n0001"] == "00000007"
    assert patients["c0001"] == "c0001"


def test_brats_visits_of_one_patient_stay_together_and_the_hole_is_of_healthy_tissue(brats: Path) -> None:
    index = brats.parent / "index.csv"
    assert main(["index", "brats", str(brats), "-o", str(index)]) == 0
    rows = listed(index)
    splits = {row["patient"]: {other["split"] for other in rows if other["patient"] == row["patient"]} for row in rows}

    assert sorted(map(tuple, splits.values())) == [("train",), ("val",)]
    assert all(row["path"].endswith("-t1n.nii.gz") and row["mask"].endswith("-mask-unhealthy.nii.gz") for row in rows)
    assert all(row["hole"].endswith("-mask-healthy.nii.gz") for row in rows)
    assert len(training_volumes(index, ["brats"], "train", modality="MR")) in (1, 2)


def test_brats_pairs_are_what_batch_and_bundles_fill_under_the_names_of_the_challenge(brats: Path) -> None:
    main(["index", "brats", str(brats), "-o", str(brats.parent / "index.csv")])
    pairs = brats.parent / "index_pairs.csv"

    assert [pair.name for pair in read_pairs(pairs, brats.parent / "out")][
        -1
    ] == "BraTS-GLI-00003-000-t1n-inference.nii.gz"
    assert len(fill_pairs(pairs)) == 4
    assert all(Path(path).is_file() for pair in fill_pairs(pairs) for path in pair.values())


def test_in_plain_folders_a_folder_is_a_patient_and_folders_of_splits_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    for place in ("train/anna/1.png", "train/anna/2.png", "train/bert.png", "val/cleo/1.png"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        picture(folder / place)
    write(folder / "notes.txt", "no image")
    main(["index", "cxr", str(folder), "-o", str(tmp_path / "index.csv")])

    found = [tuple(row[name] for name in ("patient", "split", "modality")) for row in listed(tmp_path / "index.csv")]
    assert found == [("anna", "train", "CR")] * 2 + [("bert", "train", "CR"), ("cleo", "val", "CR")]


def test_a_table_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    for name in "abcd":
        picture(tmp_path / f"{name}.png")
    rows = ["a.png,CR,1,NORMAL", "b.png,CR,1,PNEUMONIA", "c.png,CR,2,", "d.png,CR,3,NORMAL"]
    table = write(tmp_path / "films.csv", "path,modality,patient,note", *rows)
    main(["index", "csv", str(table), "-o", str(tmp_path / "index.csv"), "--val", "0.34"])
    first, second, _, _ = listed(tmp_path / "index.csv")

    assert first["source"] == "films"
    assert second["split"] == f"{first['split']}-unhealthy"


def test_notes_of_a_source_that_never_says_healthy_mark_nothing(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    table = write(tmp_path / "films.csv", "path,modality,patient,note", "a.png,CR,1,scanned", "b.png,CR,2,digital")
    main(["index", "csv", str(table), "-o", str(tmp_path / "index.csv")])

    assert {row["split"] for row in listed(tmp_path / "index.csv")} == {"train", "val"}


def test_the_same_folder_gives_the_same_list(nih: Path) -> None:
    for name in ("first", "second"):
        main(["index", "nih", str(nih), "-o", str(nih.parent / f"{name}.csv")])

    assert (nih.parent / "first.csv").read_text() == (nih.parent / "second.csv").read_text()


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("Data_Entry_2017_v2020.csv", "is not there"),
        ("test_list.txt", "official list"),
        ("BBox_List_2017.csv", "does not exist"),
    ],
)
def test_a_file_that_nih_lacks_is_named(nih: Path, capsys: Any, gone: str, words: str) -> None:
    (nih / gone).unlink()
    sentence = refused(capsys, "nih", nih, "-o", nih.parent / "index.csv")

    assert words in sentence
    assert gone[:10] in sentence


def test_a_wrong_layout_is_said_in_one_sentence_and_leaves_nothing(tmp_path: Path, nih: Path, capsys: Any) -> None:
    output = tmp_path / "index.csv"
    (tmp_path / "empty").mkdir()
    entries = nih / "Data_Entry_2017_v2020.csv"
    before = tree(tmp_path)

    assert "not a folder" in refused(capsys, "nih", tmp_path / "none", "-o", output)
    assert "does not exist" in refused(capsys, "node21", nih, "-o", output)
    assert "no brain" in refused(capsys, "brats", nih, "-o", output)
    assert "no image" in refused(capsys, "mr", tmp_path / "empty", "-o", output)
    assert "'path'" in refused(capsys, "csv", entries, "-o", output)
    assert "between 0 and 1" in refused(capsys, "nih", nih, "-o", output, "--val", "1")
    assert "exists" in refused(capsys, "nih", nih, "-o", entries)
    assert tree(tmp_path) == before


def test_films_that_are_not_unpacked_and_films_on_no_list_are_reported(nih: Path, capsys: Any) -> None:
    write(nih / "train_val_list.txt", "00000001_000.png")
    assert "neither of the official lists" in refused(capsys, "nih", nih, "-o", nih.parent / "index.csv")
    for film in nih.rglob("*.png"):
        film.unlink()
    assert "unpack" in refused(capsys, "nih", nih, "-o", nih.parent / "index.csv")


def test_a_column_that_is_missing_is_named_beside_those_that_are_there(node21: Path, capsys: Any) -> None:
    write(node21 / "metadata.csv", "img_name,x", "c0000.mha,1")
    sentence = refused(capsys, "node21", node21, "-o", node21.parent / "index.csv")

    assert "'label'" in sentence
    assert "img_name, x" in sentence


def test_a_brain_that_lacks_its_hole_is_named(brats: Path, capsys: Any) -> None:
    missing = brats / "BraTS-GLI-00002-000" / "BraTS-GLI-00002-000-mask-healthy.nii.gz"
    missing.unlink()

    assert str(missing) in refused(capsys, "brats", brats, "-o", brats.parent / "index.csv")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a.png,CR,1,train", "b.png,CR,1,val"], "is in train and in val"),
        (["a.png,CR,1,"], "only patient"),
        (["a.png,CR,,train"], "row 2 has no patient"),
        (["c.png,CR,1,train"], "does not exist"),
        ([], "no rows"),
    ],
)
def test_a_table_that_cannot_be_split_or_read_is_refused(
    tmp_path: Path, capsys: Any, rows: list[str], words: str
) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    table = write(tmp_path / "films.csv", "path,modality,patient,split", *rows)

    assert words in refused(capsys, "csv", table, "-o", tmp_path / "index.csv")


@pytest.mark.parametrize("cells", ["a,Mass,1,2,3,x", "a,Mass,1,2,0,4"])
def test_a_box_that_is_none_is_refused(nih: Path, capsys: Any, cells: str) -> None:
    write(nih / "BBox_List_2017.csv", NIH_BOXES, f"{cells},,,")

    assert "BBox_List_2017.csv" in refused(capsys, "nih", nih, "-o", nih.parent / "index.csv")
