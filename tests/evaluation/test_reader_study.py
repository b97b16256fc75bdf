"""A reader study: what it shows, what it hides, and what its answers are scored as."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from reader_study_samples import answered, films_of_16_bits, page_data, small_study
from scipy.stats import binomtest

from monai_inpaint import Image, read_image, write_image
from monai_inpaint.errors import InputError

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from evaluation_samples import phantom_head, smooth

from monai_inpaint.evaluation.reader_study import make_study
from monai_inpaint.evaluation.study_design import assign, draw_trials
from monai_inpaint.evaluation.study_pictures import in_steps, levels, levels_of, webp_of
from monai_inpaint.evaluation.study_results import score_study


def _boxes(study: Path, pair: dict) -> dict[str, np.ndarray]:
    """What the real and the filled picture have in the box of the hole, in levels."""
    webp = (study / "for-readers" / "pictures" / f"{pair['number']:03d}-boxes.webp").read_bytes()
    upper, lower = np.split(levels_of(webp, pair["bits"]), 2)
    return {"real": upper, "filled": lower} if pair["upper"] == "real" else {"real": lower, "filled": upper}


def _resampled(answers: list[dict[str, str]]) -> np.ndarray:
    """Shares of right answers, each with patients and, where there are several, readers drawn anew."""
    rng, shares = np.random.default_rng(8), []
    readers, patients = (sorted({answer[of] for answer in answers}) for of in ("reader", "patient"))
    by = {(reader, patient): [int(a["right"]) for a in answers if (a["reader"], a["patient"]) == (reader, patient)]
          for reader in readers for patient in patients}  # fmt: skip
    for _ in range(4000):
        drawn = rng.choice(len(patients), len(patients))
        given = [by[reader, patients[one]] for reader in rng.choice(readers, len(readers)) for one in drawn]
        shares += [sum(map(sum, given)) / total] if (total := sum(map(len, given))) else []
    return np.array(shares)


def test_methods_take_turns_and_no_case_comes_twice_with_one_method() -> None:
    assigned = assign(7, 3, 20)

    assert len(set(assigned)) == 20
    assert max(Counter(method for _, method in assigned).values()) <= 7
    with pytest.raises(InputError, match="21 pairs"):
        assign(7, 3, 22)


def test_each_method_is_half_of_the_times_on_either_side_and_repeats_come_late_and_exchanged() -> None:
    trials = draw_trials([number % 3 for number in range(60)], np.random.default_rng(1))
    first = {trial.pair: (place, trial) for place, trial in enumerate(trials) if not trial.repeat}

    assert sorted(first) == list(range(60))
    assert Counter((pair % 3, trial.filled) for pair, (_, trial) in first.items()).most_common()[-1][1] == 10
    repeats = [(place, trial) for place, trial in enumerate(trials) if trial.repeat]
    assert len(repeats) == 6
    assert all(first[trial.pair][0] < 30 <= place for place, trial in repeats)
    assert all(first[trial.pair][1].filled != trial.filled for _, trial in repeats)


def test_the_pictures_are_the_film_and_its_fill(tmp_path: Path) -> None:
    study, key = small_study(tmp_path, pairs=8)

    for pair in key["pairs"]:
        boxes = _boxes(study, pair)
        assert not np.array_equal(boxes["real"], boxes["filled"])
        if pair["method"] == "ring":
            assert np.unique(boxes["filled"]).size == 1  # the mean of the ring
        side = {"all hidden": 64, "ring visible": 56}[pair["variant"]]
        assert boxes["real"].shape == (side, side)


def test_nothing_that_readers_are_given_tells_the_answers(tmp_path: Path) -> None:
    study, key = small_study(tmp_path, pairs=20)
    given = study / "for-readers"

    page = page_data(study)
    files = sorted(path.relative_to(given).as_posix() for path in given.rglob("*") if path.is_file())
    assert files == sorted(
        ["index.html", *{t["picture"] for t in page["trials"]}, *{t["boxes"] for t in page["trials"]}]
    )
    text = (given / "index.html").read_text(encoding="utf-8")
    assert not any(word in text for word in ("telea", "films/", "P1", str(tmp_path), '"ring', '"real', '"filled'))
    assert b"ring" not in b"".join(path.read_bytes() for path in (given / "pictures").iterdir())
    # neither the order of the boxes nor the side that the page gives the upper one goes with the side of the fill
    sides = [(t["exchanged"], key["trials"][n]["filled"]) for n, t in enumerate(page["trials"])]
    assert len(set(sides)) == 4
    for shown, trial in zip(page["trials"], key["trials"], strict=True):
        pair = key["pairs"][trial["pair"]]
        upper_left = not shown["exchanged"]
        assert (trial["filled"] == "left") == (upper_left == (pair["upper"] == "filled"))
        shared = levels_of((given / shown["picture"]).read_bytes(), 8)
        left, top, right, bottom = pair["box"]
        assert not shared[top:bottom, left:right].any()


def test_the_same_seed_makes_the_same_study(tmp_path: Path) -> None:
    keys = []
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        keys.append(small_study(tmp_path / name, seed=int(name == "c"))[1])

    assert keys[0]["pairs"] == keys[1]["pairs"]
    assert keys[0]["trials"] == keys[1]["trials"]
    assert keys[0]["study"] == keys[1]["study"] != keys[2]["study"]
    assert keys[0]["trials"] != keys[2]["trials"]


def test_a_patch_is_shown_within_its_film_at_most_at_the_size_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.rint(smooth((700, 600), 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "film.png")
    (tmp_path / "list.csv").write_text("path,modality\nfilm.png,CR\n")
    make_study(tmp_path / "list.csv", None, "cxr-patch", ["ring"], tmp_path / "a", pairs=2)
    make_study(tmp_path / "list.csv", None, "cxr-patch", ["ring"], tmp_path / "b", pairs=2, size=620)

    assert {(trial["rows"], trial["columns"]) for trial in page_data(tmp_path / "a")["trials"]} == {(700, 600)}
    assert {(trial["rows"], trial["columns"]) for trial in page_data(tmp_path / "b")["trials"]} == {(620, 531)}
    for pair in json.loads((tmp_path / "a" / "key.json").read_text())["pairs"]:
        left, top, right, bottom = pair["box"]
        assert np.array_equal(_boxes(tmp_path / "a", pair)["real"], pixels[top:bottom, left:right])


def test_films_of_16_bits_with_given_holes_keep_ten(tmp_path: Path) -> None:
    films_of_16_bits(tmp_path)

    key = make_study(tmp_path / "films", tmp_path / "holes", None, ["ring"], tmp_path / "s", pairs=2, modality="CR")

    for pair in key["pairs"]:
        real = _boxes(tmp_path / "s", pair)["real"]
        left, top, right, bottom = pair["box"]
        source = read_image(tmp_path / "films" / pair["case"]).voxels[top:bottom, left:right]
        step = (pair["high"] - pair["low"]) / 1023
        assert pair["bits"] == 10
        assert np.abs(np.clip(source, pair["low"], pair["high"]) - (pair["low"] + step * real)).max() <= 0.51 * step
    assert {tuple(pair["box"]) for pair in key["pairs"]} == {(30, 40, 70, 80), (30, 41, 70, 80)}


def test_of_volumes_three_planes_are_shown(tmp_path: Path) -> None:
    head = phantom_head()
    (tmp_path / "images").mkdir()
    (tmp_path / "holes").mkdir()
    write_image(head, tmp_path / "images" / "head.nii.gz")
    hole = np.zeros(head.voxels.shape, np.uint8)
    hole[40:50, 40:52, 18:22] = 1
    write_image(head.map_of(hole), tmp_path / "holes" / "head.nii.gz")

    key = make_study(tmp_path / "images", tmp_path / "holes", None, ["ring"], tmp_path / "s", pairs=1, modality="MR")

    trial = page_data(tmp_path / "s")["trials"][0]
    assert trial["columns"] > 2 * trial["rows"]
    assert trial["bits"] == 10
    assert key["pairs"][0]["variant"] == "given hole"


def test_a_fill_is_not_told_by_finer_steps_than_its_image_has(tmp_path: Path) -> None:
    whole = np.rint(smooth((96, 80), 3)).astype(np.int16)  # fewer greys than levels
    (tmp_path / "images").mkdir()
    (tmp_path / "holes").mkdir()
    hole = np.zeros((96, 80, 1), np.uint8)
    hole[30:60, 20:50] = 1
    image = Image(whole[..., None], np.diag([-1.0, -1, 1, 1]), "mr")
    write_image(image, tmp_path / "images" / "mr.nii.gz")
    write_image(image.map_of(hole), tmp_path / "holes" / "mr.nii.gz")

    key = make_study(
        tmp_path / "images", tmp_path / "holes", None, ["biharmonic"], tmp_path / "s", pairs=1, modality="MR"
    )

    (pair,) = key["pairs"]
    possible = levels(np.arange(256.0), pair["low"], pair["high"], 10)
    boxes = _boxes(tmp_path / "s", pair)
    assert set(np.unique(boxes["filled"])) <= set(possible)
    assert not np.array_equal(boxes["real"], boxes["filled"])


def test_values_are_rounded_to_the_steps_of_their_image_where_it_has_any() -> None:
    values = np.array([0.2, 1.36])

    assert np.array_equal(in_steps(values, np.array([0, 1, 3, np.nan])), [0, 1])
    assert in_steps(values, np.float32([0.5, 0.7, 1.1])) == pytest.approx([0.1, 1.3])
    for without in ([0, 1, 1 + np.pi], [2, 2]):
        assert np.array_equal(in_steps(values, np.array(without, float)), values)


@pytest.mark.parametrize("bits", [8, 10])
def test_levels_come_back_from_their_file(bits: int) -> None:
    picture = np.random.default_rng(0).integers(0, 2**bits, (31, 17)).astype(np.uint16)

    assert np.array_equal(levels_of(webp_of(picture, bits), bits), picture)


def test_sixty_films_of_16_bits_with_their_noise_weigh_less_than_60_megabytes() -> None:
    noise = np.random.default_rng(0).normal(0, 2, (1024, 1024))  # of 256 greys
    film = levels(smooth((1024, 1024), 5) + noise, 0, 255, 10)

    assert len(webp_of(film, 10)) < 1_000_000


def test_accuracies_are_those_of_an_independent_computation(tmp_path: Path) -> None:
    study, key = small_study(tmp_path, pairs=20)
    rng = np.random.default_rng(3)
    files = [
        answered(key, tmp_path / "a.json", "a1", lambda answer: answer["method"] == "ring" or rng.random() < 0.5),
        answered(key, tmp_path / "b.json", "b2", lambda _: rng.random() < 0.6, ms=3000),
    ]

    text = score_study(files, study)

    rows = list(csv.DictReader((study / "results" / "answers.csv").open()))
    assert len(rows) == 2 * 22
    for row in csv.DictReader((study / "results" / "accuracy.csv").open()):
        own = [
            answer
            for answer in rows
            if answer["repeat"] == "0"
            and row["reader"] in ("all readers", answer["reader"])
            and row["method"] in ("all", answer["method"])
            and row["variant"] in ("all", answer["variant"])
        ]
        right = sum(answer["right"] == "1" for answer in own)
        theirs = binomtest(right, len(own)).proportion_ci(0.95, method="wilson")
        assert (int(row["right"]), int(row["pairs"])) == (right, len(own))
        assert float(row["share"]) == right / len(own)
        assert (float(row["wilson_low"]), float(row["wilson_high"])) == pytest.approx((theirs.low, theirs.high))
        shares, low, high = _resampled(own), float(row["resampled_low"]), float(row["resampled_high"])
        # the shares are few, so that an end of the interval may lie on a step
        assert np.mean(shares < low) - 0.01 < 0.025 < np.mean(shares <= low) + 0.01
        assert np.mean(shares > high) - 0.01 < 0.025 < np.mean(shares >= high) + 0.01
        assert float(row["median_seconds"]) == np.median([float(answer["ms"]) / 1000 for answer in own])
    ring = next(row for row in csv.DictReader((study / "results" / "accuracy.csv").open())
                if (row["reader"], row["method"], row["variant"]) == ("a1", "ring", "all"))  # fmt: skip
    assert float(ring["share"]) == 1
    summary = json.loads((study / "results" / "summary.json").read_text())
    assert summary["published"]["accuracy"] == 0.5945
    assert {row["reader"] for row in summary["accuracy"]} == {"all readers", "a1", "b2"}
    assert [entry["readers"] for entry in summary["kappa"]] == [["a1", "b2"]]
    for words in ("59.45", "all readers", "ring visible", "Cohen's kappa", "chance"):
        assert words in text
    page = (study / "results" / "index.html").read_text(encoding="utf-8")
    assert "Research use only" in page
    assert "<svg" in page
    assert "told apart by 2 of 2 readers" in page


def test_consistency_counts_the_picture_that_was_chosen_not_the_side(tmp_path: Path) -> None:
    study, key = small_study(tmp_path, pairs=20)
    same = answered(key, tmp_path / "same.json", "same", lambda _: True)
    turned = answered(key, tmp_path / "side.json", "side", lambda answer: answer["filled"] == "left")

    score_study([same, turned], study)

    rows = list(csv.DictReader((study / "results" / "agreement.csv").open()))
    assert [(row["readers"], row["value"]) for row in rows if row["measure"] == "consistency"] == [
        ("same", "1.0"),
        ("side", "0.0"),
    ]


def test_the_automatic_reader_answers_with_a_file_of_its_own(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from monai_inpaint.networks.image_features import SqueezeNet

    torch.manual_seed(0)  # random features in the layout of the real ones, which cannot be part of the tests
    save_file(SqueezeNet().state_dict(), tmp_path / "features.safetensors")
    study, _ = small_study(tmp_path, pairs=10, features=tmp_path / "features.safetensors")

    text = score_study([], study)

    content = json.loads((study / "automatic.json").read_text())
    assert [answer["trial"] for answer in content["answers"]] == list(range(11))
    assert "automatic" in text
    assert "trained on the pairs of other patients" in text
