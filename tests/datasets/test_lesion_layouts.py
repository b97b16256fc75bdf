"""VinDr-CXR, VinDr-Mammo and CBIS-DDSM are read as published: films, splits, boxes, masks."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lesion_layouts import BOX, LOCAL, cbis_ddsm, dicom, vindr_cxr, vindr_mammo, write
from lung_samples import LEFT, RIGHT, film

from monai_inpaint import Image, read_image, write_image
from monai_inpaint.cli import main
from monai_inpaint.datasets import read_boxes
from monai_inpaint.datasets.boxed_images import read_boxed, read_pixels
from monai_inpaint.datasets.finding_boxes import BoxesByImage, FindingBox
from monai_inpaint.training import boxed_findings, training_slices

CORNER = (20, 30, 30, 40)  # left, top, width and height of BOX


def indexed(layout: str, folder: Path) -> tuple[list[dict[str, str]], list[FindingBox], Path]:
    index = folder.parent / "index.csv"
    assert main(["index", layout, str(folder), "-o", str(index), "--val", "0.3"]) == 0
    with index.open(newline="") as file:
        return list(csv.DictReader(file)), read_boxes(folder.parent / "index_boxes.csv"), index


def refused(capsys: Any, layout: str, folder: Path) -> str:
    """The one sentence that the command refuses with."""
    capsys.readouterr()
    assert main(["index", layout, str(folder), "-o", str(folder.parent / "index.csv")]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert not (folder.parent / "index.csv").exists()
    return sentence


def corners(box: FindingBox) -> tuple[float, ...]:
    return box.x, box.y, box.w, box.h


def assert_bright_in_boxes(rows: list[dict[str, str]], boxes: list[FindingBox], index: Path) -> None:
    """The pixels of a film are bright within its boxes and dark elsewhere, whatever its polarity."""
    found = BoxesByImage(boxes)
    for row in rows:
        path = index.parent / row["path"]
        pixels, marked = read_pixels(read_boxed(path)), np.zeros((96, 80), bool)
        for box in found.of(path):
            left, top, width, height = map(round, corners(box))
            marked[top : top + height, left : left + width] = True
        bright = pixels > (pixels.min() + pixels.max()) / 2
        assert not marked.any() or (bright == marked).all()


def test_vindr_cxr_films_have_the_labels_of_any_reader_and_all_readers_boxes(tmp_path: Path) -> None:
    rows, boxes, index = indexed("vindr-cxr", vindr_cxr(tmp_path / "vindr-cxr"))
    notes = {Path(row["path"]).stem[-1]: row["note"] for row in rows}

    assert notes["0"] == "Nodule/Mass|Pneumonia"
    assert notes["1"] == "Pleural effusion|Pneumonia"
    assert [notes[name] for name in "45ab"] == ["No finding"] * 4
    assert [row["split"] for row in rows if row["split"].startswith("test")] == ["test", "test"]
    unhealthy = [Path(row["path"]).stem[-1] for row in rows if row["split"].endswith("-unhealthy")]
    assert unhealthy == ["0", "1", "2", "3"]
    of_train = [box for box in boxes if not box.image.endswith("a.dicom")]
    assert len(of_train) == 8  # two readers a film
    assert {corners(box) for box in of_train} == {CORNER}
    sick = [row for row in rows if row["split"].endswith("-unhealthy")]
    assert_bright_in_boxes(sick, boxes, index)


def test_all_22_findings_of_vindr_cxr_have_boxes(tmp_path: Path) -> None:
    _, boxes, _ = indexed("vindr-cxr", vindr_cxr(tmp_path / "vindr-cxr"))

    found = [box.label for box in boxes if box.image == f"{10:032x}.dicom"]
    assert len(found) == 22
    assert set(found) == set(LOCAL)


def test_vindr_mammo_keeps_exams_together_and_its_official_test_split(tmp_path: Path) -> None:
    rows, boxes, index = indexed("vindr-mammo", vindr_mammo(tmp_path / "mammo"))

    assert {row["modality"] for row in rows} == {"MG"}
    assert {row["patient"] for row in rows if row["split"].startswith("test")} == {"study3"}
    assert [row["note"] for row in rows[:2]] == ["Mass|Skin Retraction", "No Finding"]
    for study in {row["patient"] for row in rows}:
        splits = {row["split"].removesuffix("-unhealthy") for row in rows if row["patient"] == study}
        assert len(splits) == 1
    assert [(box.image, box.label, *corners(box)) for box in boxes[:1]] == [
        ("mass0.dicom", "Mass|Skin Retraction", *CORNER)
    ]
    assert len(boxes) == 4
    assert_bright_in_boxes(rows, boxes, index)


def test_cbis_ddsm_boxes_are_the_extents_of_masks_and_name_their_mammogram_by_its_path(tmp_path: Path) -> None:
    rows, boxes, index = indexed("cbis-ddsm", cbis_ddsm(tmp_path / "cbis"))

    assert [row["patient"] for row in rows] == ["P_00001", "P_00002", "P_00003"]
    assert all(row["split"].endswith("-unhealthy") for row in rows)
    assert rows[2]["split"] == "test-unhealthy"
    assert {row["note"] for row in rows} == {"Mass|MALIGNANT"}
    assert [corners(box) for box in boxes] == [CORNER, (5, 5, 5, 10), CORNER, CORNER]
    assert len({box.image for box in boxes}) == 3
    assert_bright_in_boxes(rows, boxes, index)
    # one mask for two masses, or one of another size, would say something else than the boxes
    assert [bool(row["mask"]) for row in rows] == [False, True, False]
    mask = read_image(index.parent / rows[1]["mask"]).voxels
    assert mask[BOX[1] : BOX[3], BOX[0] : BOX[2]].all()
    assert np.count_nonzero(mask) == 30 * 40


def test_mammograms_with_a_finding_are_taken_only_where_health_does_not_matter(tmp_path: Path) -> None:
    _, _, index = indexed("cbis-ddsm", cbis_ddsm(tmp_path / "cbis"))
    found = training_slices(index, {"cbis_mass": 0}, "train", modality="MG", healthy=False)
    rest = training_slices(index, {"cbis_mass": 0}, "val", modality="MG", healthy=False)

    assert len(found) + len(rest) == 2


REGION = "CBIS-DDSM/Mass-Training_P_00002_LEFT_CC_1/07-20-2016-DDSM-NA-30000/1.000000-ROI mask images-1"


@pytest.mark.parametrize(
    ("layout", "make", "gone", "why"),
    [
        ("vindr-cxr", vindr_cxr, "annotations/image_labels_train.csv", "does not exist"),
        ("vindr-cxr", vindr_cxr, "annotations/annotations_test.csv", "does not exist"),
        ("vindr-mammo", vindr_mammo, "finding_annotations.csv", "does not exist"),
        ("vindr-mammo", vindr_mammo, "images", "unpack"),
        ("cbis-ddsm", cbis_ddsm, "CBIS-DDSM", "download the images"),
        ("cbis-ddsm", cbis_ddsm, "CBIS-DDSM/Mass-Training_P_00002_LEFT_CC_1", "is missing"),
        ("cbis-ddsm", cbis_ddsm, f"{REGION}/1-1.dcm", "are two"),
    ],
)
def test_what_a_layout_lacks_is_named(
    tmp_path: Path, capsys: Any, layout: str, make: Callable[[Path], Path], gone: str, why: str
) -> None:
    folder = make(tmp_path / "data")
    place = folder / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()

    assert why in refused(capsys, layout, folder)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("s,r,mass0,L,CC,9,9,B,D,Mass,B,1,2,3,4,training", "not a list of categories"),
        ("s,r,mass0,L,CC,9,9,B,D,['Mass'],B,1,2,x,4,training", "not of numbers"),
        ("s,r,mass0,L,CC,9,9,B,D,['Mass'],B,5,2,3,4,training", "-2 wide"),
        ("s,r,mass0,L,CC,9,9,B,D,['Mass'],B,1,2,3,4,later", "must be training or test"),
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, capsys: Any, row: str, why: str) -> None:
    folder = vindr_mammo(tmp_path / "mammo")
    table = folder / "finding_annotations.csv"
    header = table.read_text().splitlines()[0]
    write(table, header, row.replace("s,r", "study0,r", 1))

    sentence = refused(capsys, "vindr-mammo", folder)
    assert why in sentence
    assert "finding_annotations.csv" in sentence


def test_labels_that_are_no_numbers_and_masks_that_mark_nothing_are_reported(tmp_path: Path, capsys: Any) -> None:
    films, cases = vindr_cxr(tmp_path / "a" / "cxr"), cbis_ddsm(tmp_path / "b" / "cbis")
    labels = films / "annotations" / "image_labels_test.csv"
    labels.write_text(labels.read_text().replace(",1\n", ",yes\n"))
    (mask,) = cases.glob("CBIS-DDSM/Mass-Training_P_00002_LEFT_CC_1/*/*/1-1.dcm")
    dicom(mask, np.zeros((96, 80)))

    assert "'yes' among labels" in refused(capsys, "vindr-cxr", films)
    assert "marks nothing" in refused(capsys, "cbis-ddsm", cases)
    (other,) = (cases / "CBIS-DDSM" / "Mass-Training_P_00001_LEFT_CC").rglob("1-1.dcm")
    shutil.copy(other, other.with_name("1-2.dcm"))
    assert "contains 2 DICOM files" in refused(capsys, "cbis-ddsm", cases)


def test_boxes_are_found_by_the_name_of_a_film_or_the_end_of_its_path() -> None:
    boxes = [FindingBox("a.png", "mass", 1, 2, 3, 4), FindingBox("case/a.png", "mass", 5, 6, 7, 8)]
    found = BoxesByImage(boxes)

    assert found.of(Path("films/a.png")) == boxes[:1]
    assert found.of(Path("films/case/a.png")) == boxes
    assert found.of(Path("b.png")) == []


def test_films_with_a_finding_get_boxes_around_what_stands_out_in_them(tmp_path: Path) -> None:
    healthy = film(RIGHT, LEFT, shape=(128, 128)) + np.random.default_rng(0).normal(0, 3, (128, 128))
    sick = healthy.copy()
    sick[50:66, 32:46] += 70
    lines = ["path,modality,patient,source,split,note"]
    for name, pixels in (("well", healthy), ("ill", sick)):
        write_image(Image(pixels.clip(0, 255).astype(np.uint8)), tmp_path / f"{name}.png")
        lines.append(f"{name}.png,CR,{name},ward,train,{'Opacity' if name == 'ill' else 'No Finding'}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["index", "peaks", str(tmp_path / "table.csv"), "-o", str(tmp_path / "lists" / "index.csv")]

    (tmp_path / "lists").mkdir()
    assert main([*words, "--progress", "none"]) == 0

    boxes = read_boxes(tmp_path / "lists" / "index_boxes.csv")
    assert {(box.image, box.label) for box in boxes} == {("ill.png", "Opacity")}
    assert any(box.x < 46 and box.x + box.w > 32 and box.y < 66 and box.y + box.h > 50 for box in boxes)
    (found,) = boxed_findings(tmp_path / "lists" / "index.csv", tmp_path / "lists" / "index_boxes.csv", "train")
    assert Path(found["image"]).name == "ill.png"


def test_a_table_without_a_finding_has_no_peaks_to_box(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "table.csv").write_text("path,modality,patient,note\na.png,CR,a,NORMAL\n", encoding="utf-8")

    assert "names no film with a finding" in refused(capsys, "peaks", tmp_path / "table.csv")


def test_boxes_that_exist_are_found_before_the_films_are_read(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "table.csv").write_text("path,modality,patient,note\na.png,CR,a,Opacity\n", encoding="utf-8")
    boxes = tmp_path / "index_boxes.csv"
    boxes.write_text("mine", encoding="utf-8")

    assert main(["index", "peaks", str(tmp_path / "table.csv"), "-o", str(tmp_path / "index.csv")]) == 2

    assert f"{boxes} exists" in capsys.readouterr().err
    assert boxes.read_text() == "mine"
