"""Detectors learn from boxes and negatives, go on where they were ended, and write what they find."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boxed_samples import write_pictures

from monai_inpaint.datasets.boxed_images import read_detections, read_truth
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.datasets.node21 import write_node21

NEEDS = "needs what make setup-detection installs"
torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("torchvision", reason=NEEDS)

from monai_inpaint.cli import main  # noqa: E402
from monai_inpaint.detection.detector_images import augmented, square_of  # noqa: E402
from monai_inpaint.detection.detector_names import DETECTORS  # noqa: E402
from monai_inpaint.detection.detector_training import Recipe, fold_of, schedule, train  # noqa: E402
from monai_inpaint.detection.detectors import make_detector  # noqa: E402

SIDE = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images of 64 pixels and as many patients; half of them negatives."""
    images = [
        BoxedImage(f"{n}.png", SIDE, SIDE, ((10 + 8 * n, 20, 16, 14),) if n % 2 else (), patient=f"p{n}")
        for n in range(4)
    ]
    folder = write_pictures(images, tmp_path_factory.mktemp("data") / "real")
    write_node21(images, folder)
    return folder


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_takes_images_with_and_without_boxes(name: str) -> None:
    torch.manual_seed(0)
    detector = make_detector(name, "resnet18")
    images = torch.randn(2, 1, SIDE, 2 * SIDE)
    boxes = [torch.tensor([[70.0, 20.0, 86.0, 34.0]]), torch.zeros(0, 4)]

    loss = detector.losses(images, boxes)
    loss.backward()
    detector.eval()
    with torch.no_grad():
        found, scores = detector.detect(images[:1])[0]

    assert torch.isfinite(loss)
    assert loss > 0
    assert sum(float(p.grad.abs().sum()) > 0 for p in detector.parameters() if p.grad is not None) > 40
    assert found.shape[1:] == (4,)
    assert len(found) == len(scores)
    if len(found):  # columns reach beyond the rows: the axes are not mistaken
        assert found[:, 2].max() <= 2 * SIDE
        assert found[:, 3].max() <= SIDE


def test_boxes_follow_shifts_and_flips() -> None:
    image = torch.zeros(1, SIDE, SIDE)
    image[:, 20:30, 40:52] = 1
    boxes = torch.tensor([[40.0, 20.0, 52.0, 30.0]])

    seen = set()
    for seed in range(20):
        moved, some = augmented(image, boxes, np.random.default_rng(seed))
        rows, columns = torch.nonzero(moved[0], as_tuple=True)
        assert some[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        seen.add(tuple(some[0].tolist()))
    assert len(seen) > 8


def test_an_image_is_resized_with_its_boxes(data: Path) -> None:
    image = read_truth(data)[1]

    square, boxes, factor = square_of(image, 2 * SIDE)

    assert square.shape == (1, 2 * SIDE, 2 * SIDE)
    assert factor == 2
    left, top, right, below = (int(n) for n in boxes[0])
    inside = square[0, top:below, left:right].mean()
    assert inside > square.mean() + 1


def test_patients_are_not_split_between_folds() -> None:
    images = [BoxedImage(f"{n}.png", 9, 9, patient=f"p{n // 3}") for n in range(30)]

    parts = fold_of(images, 3)

    assert set(parts) == {0, 1, 2}
    assert all(len(set(parts[3 * n : 3 * n + 3])) == 1 for n in range(10))
    assert (fold_of(images[::-1], 3) == parts[::-1]).all()


def test_synthetic_images_come_together_with_real_ones_or_first() -> None:
    real, made = [BoxedImage("r.png", 9, 9)], [BoxedImage("s.png", 9, 9)]

    assert schedule(real, made, 3, "mixed") == [[*real, *made]] * 3
    assert schedule(real, made, 3, "synthetic-first") == [made, real, real]
    assert schedule(real, [], 2, "synthetic-first") == [real, real]


def test_a_training_that_was_ended_takes_the_steps_it_would_have_taken(data: Path, tmp_path: Path) -> None:
    images = read_truth(data)[:2]
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    for folder in (whole, parted):
        folder.mkdir()
    recipe = Recipe(side=SIDE, epochs=2)

    first = train(recipe, [images] * 2, whole)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, [images, [replace(images[0], path=Interrupting())]], parted)
    second = train(recipe, [images] * 2, parted)

    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    rows = list(csv.DictReader((parted / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]


class Interrupting:
    """A path at which the user presses Ctrl-C."""

    def __fspath__(self) -> str:
        raise KeyboardInterrupt


def test_every_image_is_detected_in_by_the_fold_that_has_not_seen_it(data: Path, tmp_path: Path, capfd: Any) -> None:
    out = tmp_path / "run"
    arguments = ["detect", "train", str(data), str(out), "--folds", "2", "--side", str(SIDE), "--epochs", "1"]

    assert main([*arguments, "--fold", "0"]) == 0
    assert "1 of 2 folds trained" in capfd.readouterr().out
    assert not (out / "detections.json").exists()
    assert main(arguments) == 2
    assert "add --resume" in capfd.readouterr().err
    assert main([*arguments, "--resume"]) == 0

    names = [{image.name for image in read_truth(out / f"fold{n}" / "test")} for n in range(2)]
    assert names[0] | names[1] == {f"{n}.png" for n in range(4)}
    assert not names[0] & names[1]
    truth = read_truth(out / "fold0" / "train")
    assert {image.name for image in truth} == names[1]
    assert (
        sum(len(image.boxes) for image in truth) + sum(len(image.boxes) for image in read_truth(out / "fold0" / "test"))
        == 2
    )
    read_detections(out / "fold0" / "detections_train.json", truth)
    assert len(read_detections(out / "detections.json", read_truth(data))) == 4
