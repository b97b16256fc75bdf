"""Scores of detectors agree with scikit-learn, pycocotools and what a hand computes."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import pytest
from boxed_samples import NODULE, drawn, found, truth

from monai_inpaint.detection.average_precision import average_precision, coco_hits
from monai_inpaint.detection.froc import froc
from monai_inpaint.detection.image_roc import area_under, image_scores, roc
from monai_inpaint.detection.matching import match
from monai_inpaint.detection.score import AP50, AUC, FROC_AREA, NODE21, NODE21_PAPER, patients_of, score

AWAY = (90.0, 90.0, 20.0, 20.0)
OTHER = (5.0, 90.0, 20.0, 20.0)

# truth, detections, and the points of the FROC after (0, 0): (false positives per image, sensitivity)
CASES = {
    "one hit": ([[NODULE]], [[(NODULE, 0.9)]], [(0, 1)]),
    "one miss": ([[NODULE]], [[]], []),
    "one false positive": ([[NODULE]], [[(AWAY, 0.9)]], [(1, 0)]),
    "a hit above a false positive": ([[NODULE]], [[(AWAY, 0.3), (NODULE, 0.9)]], [(0, 1), (1, 1)]),
    "a false positive above a hit": ([[NODULE]], [[(AWAY, 0.9), (NODULE, 0.3)]], [(1, 0), (1, 1)]),
    "both of one score": ([[NODULE]], [[(AWAY, 0.5), (NODULE, 0.5)]], [(1, 1)]),
    "a second detection of a nodule": ([[NODULE]], [[(NODULE, 0.9), ((42, 40, 20, 20), 0.8)]], [(0, 1), (0, 1)]),
    "false positives of negatives": (
        [[NODULE], [], [], []],
        [[(NODULE, 0.7)], [(AWAY, 0.9)], [(AWAY, 0.5)], []],
        [(0.25, 0), (0.25, 1), (0.5, 1)],
    ),
    "two nodules, one found": ([[NODULE, AWAY]], [[(AWAY, 0.6), (OTHER, 0.4)]], [(0, 0.5), (1, 0.5)]),
    # shifted by 15 of 20 pixels the boxes share 100 of 700 pixels: 1/7; by 13, 140 of 660: 0.212
    "overlaps below and above 0.2": (
        [[NODULE], [NODULE]],
        [[((55, 40, 20, 20), 0.9)], [((53, 40, 20, 20), 0.8)]],
        [(0.5, 0), (0.5, 0.5)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_froc_is_what_a_hand_computes(name: str) -> None:
    true, made, points = CASES[name]

    curve = froc(match(truth(*true), found(*made)))

    rates, sensitivities = zip((0, 0), *points, strict=True)
    assert curve.rates == pytest.approx(rates)
    assert curve.sensitivities == pytest.approx(sensitivities)


def test_sensitivity_and_area_are_those_of_the_steps() -> None:
    true, made, _ = CASES["false positives of negatives"]

    curve = froc(match(truth(*true), found(*made)))

    assert [curve.sensitivity_at(rate) for rate in (0.125, 0.25, 8)] == [0, 1, 1]
    assert curve.area(1.0) == pytest.approx(0.75)
    assert curve.thresholds[curve.point_at(0.25)] == 0.7


def test_an_overlap_of_just_the_limit_is_no_hit() -> None:
    half = match(truth([NODULE]), found([((40, 40, 20, 10), 0.9)]), iou=0.5)

    assert half.false.tolist() == [True]


@pytest.mark.parametrize("seed", range(5))
def test_the_auc_of_images_is_that_of_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    true, made = drawn(seed=seed)
    ill = np.array([bool(image.boxes) for image in true])
    scores = image_scores(made)

    ours = area_under(*roc(scores, ill))

    assert ours == pytest.approx(metrics.roc_auc_score(ill, np.maximum(scores, -1)), abs=1e-9)
    times = np.random.default_rng(seed).integers(0, 3, len(ill)).astype(float)
    weighted = metrics.roc_auc_score(ill, np.maximum(scores, -1), sample_weight=times)
    assert area_under(*roc(scores, ill, times)) == pytest.approx(weighted, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_that_of_pycocotools(seed: int) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    true, made = drawn(seed=seed)
    coco = COCO()
    coco.dataset = {
        "images": [{"id": n} for n in range(len(true))],
        "categories": [{"id": 1}],
        "annotations": [
            {
                "id": 100 * n + k + 1,
                "image_id": n,
                "category_id": 1,
                "bbox": list(box),
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for n, image in enumerate(true)
            for k, box in enumerate(image.boxes)
        ],
    }
    results = [
        {"image_id": n, "category_id": 1, "bbox": list(box), "score": sure}
        for n, image in enumerate(made)
        for box, sure in zip(image.boxes, image.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        theirs = COCOeval(coco, coco.loadRes(results), "bbox")
        theirs.evaluate()
        theirs.accumulate()
        theirs.summarize()

    assert theirs.stats[1] > 0.1
    assert average_precision(coco_hits(true, made)) == pytest.approx(theirs.stats[1], abs=1e-9)


def test_both_node21_scores_are_weighted_sums_of_their_parts() -> None:
    true, made = drawn()

    figures = score(true, made, resampled=20).figures

    for name, area in ((NODE21, AUC), (NODE21_PAPER, FROC_AREA)):
        assert figures[name] == pytest.approx(0.75 * figures[area] + 0.25 * figures["sensitivity at 0.25"])


def test_a_perfect_detector_scores_one_in_everything() -> None:
    true = truth([NODULE], [], [AWAY, OTHER])
    made = found([(NODULE, 1.0)], [], [(AWAY, 0.9), (OTHER, 0.8)])

    scored = score(true, made, resampled=20)

    assert set(scored.figures.values()) == {1.0}


def test_intervals_hold_the_figure_and_follow_from_the_seed() -> None:
    true, made = drawn()

    first, second, other = (score(true, made, resampled=100, seed=seed) for seed in (1, 1, 2))

    assert first.intervals == second.intervals != other.intervals
    for name in (AUC, AP50, FROC_AREA):
        low, high = first.intervals[name]
        assert low < first.figures[name] < high


def test_images_of_one_patient_are_drawn_together() -> None:
    true, made = drawn(40)
    of_few = [type(image)(**{**vars(image), "patient": str(n % 4)}) for n, image in enumerate(true)]

    assert len(set(patients_of(true))) == 40
    assert len(set(patients_of(of_few))) == 4
    alone, together = (np.ptp(score(images, made, resampled=300).intervals[AUC]) for images in (true, of_few))
    assert alone > 0
    assert together != pytest.approx(alone, rel=0.01)


def test_without_negatives_the_auc_is_not_defined_and_the_rest_is() -> None:
    scored = score(truth([NODULE], [AWAY]), found([(NODULE, 0.5)], []), resampled=20)

    assert math.isnan(scored.figures[AUC])
    assert math.isnan(scored.figures[NODE21])
    assert scored.figures[FROC_AREA] == 0.5
