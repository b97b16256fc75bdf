"""Boxes of NODE21, COCO and YOLO are read as they are written; what is wrong with a file is one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boxed_samples import SIDE, write_pictures

from monai_inpaint.datasets.boxed_images import read_detections, read_truth
from monai_inpaint.datasets.coco import write_coco
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.datasets.node21_json import write_node21_json
from monai_inpaint.datasets.yolo import write_yolo
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import write_image

IMAGES = [
    BoxedImage("a.png", SIDE, SIDE, ((10, 20, 30, 40), (70, 80, 12, 14))),
    BoxedImage("b.png", SIDE, SIDE),
    BoxedImage("c.png", SIDE, SIDE, ((0, 0, 20, 20),)),
]
FOUND = [
    replace(IMAGES[0], boxes=((11.0, 21.0, 30.0, 40.0),), scores=(0.9,)),
    IMAGES[1],
    replace(IMAGES[2], boxes=((1.5, 2.5, 20.0, 20.0), (64.0, 64.0, 16.0, 8.0)), scores=(0.5, 0.25)),
]
WRITERS = {"node21": write_node21, "coco": write_coco, "yolo": write_yolo}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pictures(IMAGES, tmp_path / "data")


def boxes_of(images: list[BoxedImage]) -> list[tuple[str, np.ndarray, tuple[float, ...]]]:
    return [(image.name, np.round(np.array(image.boxes, float), 3).tolist(), image.scores) for image in images]


@pytest.mark.parametrize("kind", WRITERS)
def test_what_is_written_is_read_back_with_its_negatives(folder: Path, kind: str) -> None:
    WRITERS[kind](IMAGES, folder)

    read = read_truth(folder)

    assert boxes_of(read) == boxes_of(IMAGES)
    assert {(image.columns, image.rows) for image in read} == {(SIDE, SIDE)}


@pytest.mark.parametrize("kind", ["node21", "coco"])
def test_patients_and_densities_are_kept(folder: Path, kind: str) -> None:
    images = [replace(image, patient=f"p{n}", densities=(0.25,) * len(image.boxes)) for n, image in enumerate(IMAGES)]
    WRITERS[kind](images, folder)

    read = read_truth(folder)

    assert [image.patient for image in read] == ["p0", "p1", "p2"]
    assert [image.densities for image in read] == [(0.25, 0.25), (), (0.25,)]


def test_a_table_may_come_without_its_images(tmp_path: Path) -> None:
    write_node21(IMAGES, tmp_path)

    assert boxes_of(read_truth(tmp_path / "metadata.csv")) == boxes_of(IMAGES)


def test_node21_detections_by_name_and_by_slice(folder: Path) -> None:
    write_node21(IMAGES, folder)
    truth = read_truth(folder)
    path = folder.parent / "nodules.json"
    write_node21_json(FOUND, path)

    named = read_detections(path, truth)
    content = json.loads(path.read_text())
    for box in content["boxes"]:
        del box["name"]
    path.write_text(json.dumps(content))

    assert boxes_of(named) == boxes_of(read_detections(path, truth)) == boxes_of(FOUND)


def test_corners_are_in_mm_where_the_image_has_a_spacing(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    voxels = np.zeros((SIDE, 2 * SIDE), np.uint8)  # rows, columns
    affine = np.array([[0, 0.5, 0, 0], [2.0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    write_image(Image(voxels, affine), tmp_path / "images" / "a.mha")
    write_node21([BoxedImage("a.mha", 2 * SIDE, SIDE, ((10, 20, 30, 40),))], tmp_path)
    (truth,) = read_truth(tmp_path)
    detected = replace(truth, scores=(0.5,))
    write_node21_json([detected], tmp_path / "nodules.json")

    assert (truth.columns, truth.rows, truth.spacing) == (2 * SIDE, SIDE, (0.5, 2.0))
    corners = json.loads((tmp_path / "nodules.json").read_text())["boxes"][0]["corners"]
    assert corners == [[20, 120, 0], [5, 120, 0], [5, 40, 0], [20, 40, 0]]
    assert read_detections(tmp_path / "nodules.json", [truth])[0].boxes == truth.boxes


def test_detections_of_coco_yolo_grand_challenge_and_a_file_for_each_image(folder: Path) -> None:
    write_coco(IMAGES, folder)
    truth = read_truth(folder)
    out = folder.parent
    results = [
        {"image_id": n, "category_id": 1, "bbox": list(box), "score": score}
        for n, image in enumerate(FOUND, start=1)
        for box, score in zip(image.boxes, image.scores, strict=True)
    ]
    (out / "results.json").write_text(json.dumps(results))
    cases: list[Any] = []
    (out / "each").mkdir()
    for image in FOUND:
        write_node21_json([image], out / "each" / f"{Path(image.file).stem}.json")
        value = json.loads((out / "each" / f"{Path(image.file).stem}.json").read_text())
        cases.append({"inputs": [{"image": {"name": image.file}}], "outputs": [{"value": value}]})
    (out / "predictions.json").write_text(json.dumps(cases))
    (out / "yolo").mkdir()
    for image in FOUND:
        lines = [
            f"0 {(x + w / 2) / SIDE} {(y + h / 2) / SIDE} {w / SIDE} {h / SIDE} {score}"
            for (x, y, w, h), score in zip(image.boxes, image.scores, strict=True)
        ]
        (out / "yolo" / f"{Path(image.file).stem}.txt").write_text("\n".join(lines))

    for name in ("results.json", "predictions.json", "each", "yolo"):
        assert boxes_of(read_detections(out / name, truth)) == boxes_of(FOUND), name


def test_no_detection_at_all_is_a_result(folder: Path) -> None:
    write_node21(IMAGES, folder)
    (folder / "none.json").write_text("[]")

    assert not any(image.boxes for image in read_detections(folder / "none.json", read_truth(folder)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as JSON"),
        ('{"boxes": 3}', 'contains no list "boxes"'),
        ('{"nothing": 3}', "contains no boxes"),
        ('[{"image_id": 9, "bbox": [1, 2, 3, 4], "score": 1}]', "names '9', which is not an image of the truth"),
        ('[{"image_id": "a.png", "bbox": [1, 2, 3], "score": 1}]', '"bbox" of four numbers'),
        ('[{"image_id": "a.png", "bbox": [1, 2, 0, 4], "score": 1}]', "has no area"),
        ('[{"image_id": "a.png", "bbox": [500, 2, 3, 4], "score": 1}]', "lies outside its 128 columns and 128 rows"),
        ('[{"image_id": "a.png", "bbox": [1, 2, 3, 4], "score": NaN}]', "give finite numbers"),
        ('{"boxes": [{"corners": [[1, 2, 7]], "probability": 1}]}', "lies in slice 7.0, and the truth has 3 images"),
        ('{"boxes": [{"corners": [[1, 2, 0], [1, 2, 1]], "probability": 1}]}', "four corners"),
        ('{"boxes": [{"corners": [[1, 2, 0]]}]}', "and a probability"),
    ],
)
def test_bad_detections_are_refused_in_a_sentence(folder: Path, content: str, said: str) -> None:
    write_node21(IMAGES, folder)
    path = folder / "found.json"
    path.write_text(content)

    with pytest.raises(InputError, match="found.json") as refused:
        read_detections(path, read_truth(folder))
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_bad_truth_is_refused_in_a_sentence(folder: Path) -> None:
    write_node21([*IMAGES, BoxedImage("d.png", SIDE, SIDE)], folder)
    with pytest.raises(InputError, match=r"d\.png is missing"):
        read_truth(folder)
    write_node21([replace(IMAGES[0], boxes=((100, 20, 40, 40),))], folder)
    with pytest.raises(InputError, match=r"a\.png lies outside its 128 columns"):
        read_truth(folder)
    write_coco([replace(IMAGES[0], columns=64)], folder)
    with pytest.raises(InputError, match="has 128 columns and 128 rows, its data set states 64"):
        read_truth(folder / "annotations.json")
    with pytest.raises(InputError, match="contains no metadata.csv"):
        read_truth(folder / "images")
    with pytest.raises(InputError, match="does not exist"):
        read_truth(folder / "nowhere")
