"""`monai-inpaint reader-study`: what it prints, and what it refuses in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_samples import run, tree

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from evaluation_samples import list_of_films
from reader_study_samples import answered


def test_a_study_is_made_and_scored(tmp_path: Path, capfd) -> None:
    films = list_of_films(tmp_path / "data")
    study = tmp_path / "study"
    made = run(
        capfd,
        "reader-study",
        "make",
        films,
        "--protocol",
        "cxr-centre",
        study,
        "--methods",
        "ring, telea",
        "--pairs",
        10,
    )
    assert (made.code, made.lines) == (0, [])
    assert "10 pairs, 1 of them shown twice" in made.out
    assert f"keep {study / 'key.json'} from them" in made.out
    key = json.loads((study / "key.json").read_text())
    answers = answered(key, tmp_path / "a.json", "a1b2", lambda answer: answer["method"] == "ring")

    scored = run(capfd, "reader-study", "score", answers, study)

    assert (scored.code, scored.lines) == (0, [])
    assert "| a1b2 | ring | 5 | 100.0 |" in scored.out
    assert sorted(path.name for path in (study / "results").iterdir()) == [
        "accuracy.csv", "agreement.csv", "answers.csv", "index.html", "summary.json"
    ]  # fmt: skip
    again = run(capfd, "reader-study", "score", answers, study)
    assert (again.code, len(again.lines)) == (2, 1)
    assert run(capfd, "reader-study", "score", answers, study, "--overwrite").code == 0

    # answers of another study, damaged ones, and two files of one reader are refused, and nothing is written
    other = answered({**key, "study": "0" * 16}, tmp_path / "other.json", "x", lambda _: True)
    (tmp_path / "damaged.json").write_text("{")
    given = json.loads(answers.read_text())
    given["answers"][3]["side"] = "up"
    (tmp_path / "side.json").write_text(json.dumps(given))
    given = json.loads(answers.read_text())
    given["answers"][3]["ms"] = float("inf")
    (tmp_path / "time.json").write_text(json.dumps(given))
    before = tree(study)
    for files, said in (
        ([other], "does not match this study"),
        ([tmp_path / "damaged.json"], "cannot be read as JSON"),
        ([tmp_path / "side.json"], "does not match the study"),
        ([tmp_path / "time.json"], "does not match the study"),
        ([answers, answers], "Two files contain the answers of reader a1b2"),
        ([], "There are no answers"),
    ):
        ran = run(capfd, "reader-study", "score", *files, study, "--overwrite")
        assert (ran.code, len(ran.lines)) == (2, 1), ran.lines
        assert said in ran.lines[0]
    assert tree(study) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["make", "LIST", "OUT", "--methods", "ring"], "--protocol"),
        (["make", "LIST", "LIST", "OUT", "--methods", "ring"], "is not a folder"),
        (["make", "LIST", "OUT", "--methods", "ring", "--protocol", "metal"], "metal"),
        (["make", "LIST", "OUT", "--methods", "ring", "--protocol", "cxr-centre"], "ask for no more"),
        (["make", "LIST", "OUT", "--methods", "ring", "--protocol", "cxr-centre", "--pairs", "0"], "at least 1"),
        (["make", "none.csv", "OUT", "--methods", "ring", "--protocol", "cxr-centre"], "none.csv"),
        (["make", "LIST", "EMPTY", "OUT", "--methods", "ring"], "contains no file of the name of"),
        (["score", "OUT"], "There are no answers"),
        (["mark"], "mark"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(words: list[str], said: str, tmp_path: Path, capfd) -> None:
    (tmp_path / "empty").mkdir()
    places = {"LIST": list_of_films(tmp_path / "data"), "OUT": tmp_path / "out", "EMPTY": tmp_path / "empty"}
    before = tree(tmp_path)

    ran = run(capfd, "reader-study", *[places.get(word, word) for word in words])

    assert (ran.code, ran.out, len(ran.lines)) == (2, "", 1), ran.lines
    assert said in ran.lines[0]
    assert tree(tmp_path) == before


def test_overwriting_replaces_nothing_but_a_study(tmp_path: Path, capfd) -> None:
    films = list_of_films(tmp_path / "data")
    before = tree(tmp_path)

    ran = run(
        capfd, "reader-study", "make", films, tmp_path / "data", "--protocol", "cxr-centre", "--methods", "ring",
        "--overwrite",
    )  # fmt: skip

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "contains other things than a reader study" in ran.lines[0]
    assert tree(tmp_path) == before
