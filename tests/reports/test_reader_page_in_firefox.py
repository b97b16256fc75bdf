"""The page of a reader study in Firefox, opened from a folder as readers do, with the browser's usual settings."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from firefox import PATIENCE, Firefox, firefox, needs_firefox
from PIL import Image as Pillow
from reader_study_samples import films_of_16_bits, picture_of, small_study

from monai_inpaint.evaluation.reader_study import make_study
from monai_inpaint.evaluation.study_files import READERS, SIDES
from monai_inpaint.evaluation.study_results import score_study

pytest.importorskip("skimage")
pytest.importorskip("cv2")

pytestmark = [pytest.mark.slow, needs_firefox]
DRAWN = "!document.querySelector('.panel.gone')"
VIEWS = "return [...document.querySelectorAll('.panel canvas')].map(canvas => canvas.style.transform)"
VIEW = """const view = new DOMMatrix(document.querySelector('.panel canvas').style.transform);
    return [view.a, view.e, view.f]"""


def _open(browser: Firefox, study: Path) -> None:
    browser.call("WebDriver:Navigate", url=(study / READERS / "index.html").as_uri())


def _wait_for_pair(browser: Firefox, number: int) -> None:
    browser.wait(f"document.querySelector('#place').innerText.startsWith('Pair {number} of ') && {DRAWN}")


def _picture(browser: Firefox, name: str) -> None:
    """A screenshot, kept where PICTURES names a folder."""
    if "PICTURES" in os.environ:
        (Path(os.environ["PICTURES"]) / f"reader-firefox-{name}.png").write_bytes(browser.screenshot())


def _seen(browser: Firefox, side: str, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The greys that the screen shows at pixels of the picture of one side; it must be shown in grey."""
    shown = np.asarray(Pillow.open(io.BytesIO(browser.screenshot(f"#{side}"))).convert("RGB")).astype(int)
    scale, left, top = browser.run(VIEW)
    place = (top + 3 + (rows + 0.5) * scale).astype(int), (left + 3 + (columns + 0.5) * scale).astype(int)
    assert (np.ptp(shown[place], axis=-1) == 0).all()
    return shown[place][:, 0]


def test_a_whole_study_is_read_in_firefox_which_is_closed_between_and_continues(tmp_path: Path) -> None:
    study, key = small_study(tmp_path, pairs=12)
    trials = [{**key["pairs"][trial["pair"]], **trial} for trial in key["trials"]]
    said = [  # the filled one of every ring, the real one of every telea
        trial["filled"] if trial["method"] == "ring" else SIDES[1 - SIDES.index(trial["filled"])] for trial in trials
    ]
    with firefox(tmp_path / "profile", tmp_path) as browser:
        _open(browser, study)
        assert browser.text("#count") == "13"
        assert browser.run("return document.querySelector('#unkept').hidden")
        reader = browser.text("#reader")
        _picture(browser, "start")
        browser.click("#start")
        for number in range(4):  # by keys
            _wait_for_pair(browser, number + 1)
            browser.press("Enter")  # no answer yet: nothing happens
            for side in SIDES:
                wanted = picture_of(study, trials[number], side)
                rows, columns = np.indices(wanted.shape)[:, 5:-5:9, 5:-5:9].reshape(2, -1)
                assert np.abs(_seen(browser, side, rows, columns) - wanted[rows, columns]).mean() < 2
            browser.press("ArrowLeft" if said[number] == "left" else "ArrowRight")
            _picture(browser, "chosen")
            browser.press("Enter")
        _wait_for_pair(browser, 5)
        browser.press("ArrowLeft")  # chosen, not confirmed: lost by the interruption

    with firefox(tmp_path / "profile", tmp_path) as browser:
        _open(browser, study)
        assert browser.text("#start") == "Continue with pair 5 of 13"
        assert browser.text("#reader") == reader
        browser.click("#start")
        for number in range(4, 13):  # by mouse
            _wait_for_pair(browser, number + 1)
            browser.click(f"#choose-{said[number]}" if number % 2 else f"#{said[number]}")
            browser.click("#next")
        browser.wait("!document.querySelector('#end').hidden")
        browser.click("#save")
        _picture(browser, "end")
        saved = tmp_path / f"answers-{reader}.json"
        end = time.monotonic() + PATIENCE
        while not saved.exists() or not saved.stat().st_size:
            assert time.monotonic() < end, "the answers are not saved"
            time.sleep(0.1)

    content = json.loads(saved.read_text())
    assert [answer["side"] for answer in content["answers"]] == said
    assert all(0 < answer["ms"] < 600_000 for answer in content["answers"])
    text = score_study([saved], study)
    assert f"| {reader} | ring | 6 | 100.0 |" in text
    assert f"| {reader} | telea | 6 | 0.0 |" in text


def test_sixteen_bits_are_zoomed_moved_and_windowed_in_firefox(tmp_path: Path) -> None:
    films_of_16_bits(tmp_path)
    key = make_study(tmp_path / "films", tmp_path / "holes", None, ["ring"], tmp_path / "s", pairs=2, modality="CR")
    trial = {**key["pairs"][key["trials"][0]["pair"]], **key["trials"][0]}
    with firefox(tmp_path / "profile", tmp_path) as browser:
        _open(browser, tmp_path / "s")
        browser.click("#start")
        _wait_for_pair(browser, 1)
        for _ in range(8):
            browser.press("Shift", "ArrowUp")
        wanted = 255 * np.clip((picture_of(tmp_path / "s", trial, "left") / 1023 - 0.5) / 1.1**-8 + 0.5, 0, 1)
        rows, columns = np.array([30, 75, 120, 20]), np.array([20, 60, 100, 90])
        assert _seen(browser, "left", rows, columns) == pytest.approx(wanted[rows, columns], abs=3)
        _picture(browser, "sixteen-bits")

        before, values = browser.run(VIEWS), browser.text("#values")
        browser.scroll(900, 400, -300)
        zoomed = browser.run(VIEWS)
        browser.drag((900, 400), (960, 440))
        moved = browser.run(VIEWS)
        browser.drag((900, 400), (900, 440), button=2)
        assert before[0] == before[1] != zoomed[0] == zoomed[1] != moved[0] == moved[1]
        assert browser.text("#values").partition(",")[0] != values.partition(",")[0]
        assert browser.run("return document.querySelector('#next').disabled"), "a drag is no choice"
        browser.press("0")
        assert browser.run(VIEWS) == before


def test_the_time_limit_holds_in_firefox_also_after_the_page_was_loaded_again(tmp_path: Path) -> None:
    study, _ = small_study(tmp_path, pairs=2, seconds=2)
    with firefox(tmp_path / "profile", tmp_path) as browser:
        _open(browser, study)
        browser.click("#start")
        browser.wait("document.querySelector('#time').innerText === 'Time is up'")
        browser.call("WebDriver:Refresh")
        browser.click("#start")
        browser.wait("document.querySelectorAll('.panel.gone.over').length === 2")
        browser.press("ArrowRight")
        browser.press("Enter")
        browser.wait("document.querySelector('#place').innerText === 'Pair 2 of 2'")
        kept = json.loads(browser.run("return localStorage.getItem(localStorage.key(0))"))
        assert kept["answers"][0]["ms"] >= 2000
