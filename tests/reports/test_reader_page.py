"""The page of a reader study in a real browser: a whole study by keys and clicks, interrupted and taken up again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import CHROMIUM, needs_chromium
from PIL import Image as Pillow
from reader_study_samples import films_of_16_bits, picture_of, small_study

from monai_inpaint.evaluation.reader_study import make_study
from monai_inpaint.evaluation.study_files import READERS, SIDES
from monai_inpaint.evaluation.study_results import score_study

pytest.importorskip("skimage")
pytest.importorskip("cv2")
playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [pytest.mark.slow, needs_chromium]
PIXELS = """side => {
    const canvas = document.querySelector(`#${side} canvas`);
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return [canvas.height, canvas.width, Array.from(data)];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        # the flag lets the test read pixels of a page that has no server; readers do without
        arguments = ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1400, "height": 800}, accept_downloads=True, offline=True)
    made = context.new_page()
    made.set_default_timeout(120_000)
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield made
    context.close()
    assert errors == []


def _open(page: Any, study: Path) -> None:
    page.goto((study / READERS / "index.html").as_uri())


def _wait_for_pair(page: Any, number: int) -> None:
    page.wait_for_function(
        "start => document.querySelector('#place').innerText.startsWith(start)"
        " && !document.querySelector('.panel.gone')",
        arg=f"Pair {number} of ",
    )


def _picture(page: Any, name: str) -> None:
    """A screenshot, kept where PICTURES names a folder."""
    if "PICTURES" in os.environ:
        page.screenshot(path=str(Path(os.environ["PICTURES"]) / f"reader-{name}.png"))


def _shown(page: Any, side: str) -> np.ndarray:
    """The canvas of one side, (rows, columns, 4)."""
    rows, columns, values = page.evaluate(PIXELS, side)
    return np.array(values, np.uint8).reshape(rows, columns, 4)


def test_a_whole_study_is_read_interrupted_continued_saved_and_scored(page: Any, tmp_path: Path) -> None:
    study, key = small_study(tmp_path, pairs=12)
    said = [  # the filled one of every ring, the real one of every telea
        trial["filled"] if key["pairs"][trial["pair"]]["method"] == "ring" else SIDES[1 - SIDES.index(trial["filled"])]
        for trial in key["trials"]
    ]
    _open(page, study)
    _picture(page, "start")
    assert page.inner_text("#count") == "13"
    reader = page.inner_text("#reader")
    page.click("#start")

    for number in range(4):  # by keys
        _wait_for_pair(page, number + 1)
        trial = {**key["pairs"][key["trials"][number]["pair"]], **key["trials"][number]}
        for side in SIDES:
            assert np.array_equal(_shown(page, side)[..., 1], picture_of(study, trial, side))
        if number == 1:
            page.keyboard.press("Enter")  # no answer yet: nothing happens
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft" if said[number] == "left" else "ArrowRight")
        _picture(page, "chosen")
        page.keyboard.press("Enter")
    _wait_for_pair(page, 5)
    page.keyboard.press("ArrowLeft")  # chosen, not confirmed: lost by the interruption

    page.reload()
    assert page.inner_text("#start") == "Continue with pair 5 of 13"
    assert page.inner_text("#reader") == reader
    _picture(page, "continue")
    page.click("#start")
    for number in range(4, 13):  # by mouse
        _wait_for_pair(page, number + 1)
        assert page.is_disabled("#next")
        page.click(f"#choose-{said[number]}" if number % 2 else f"#{said[number]}")
        page.click("#next")
    page.wait_for_selector("#save", state="visible")
    with page.expect_download() as download:
        page.click("#save")
    _picture(page, "end")
    assert download.value.suggested_filename == f"answers-{reader}.json"
    download.value.save_as(tmp_path / "answers.json")

    content = json.loads((tmp_path / "answers.json").read_text())
    assert set(content) == {"format", "study", "reader", "page", "answers"}
    assert [answer["side"] for answer in content["answers"]] == said
    assert all(0 < answer["ms"] < 600_000 for answer in content["answers"])
    text = score_study([tmp_path / "answers.json"], study)
    assert f"| {reader} | ring | 6 | 100.0 |" in text
    assert f"| {reader} | telea | 6 | 0.0 |" in text
    assert f"| {reader} | 1 | 100 |" in text

    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#again")
    page.wait_for_selector("#start", state="visible")
    assert page.inner_text("#reader") != reader
    assert page.inner_text("#start") == "Start"


def _view(page: Any) -> list[str]:
    return page.eval_on_selector_all(".panel canvas", "all => all.map(canvas => canvas.style.transform)")


def test_both_images_are_zoomed_moved_and_windowed_together(page: Any, tmp_path: Path) -> None:
    study, _ = small_study(tmp_path, pairs=2)
    _open(page, study)
    page.click("#start")
    _wait_for_pair(page, 1)
    before, values = _view(page), page.inner_text("#values")
    assert before[0] == before[1]

    box = page.locator("#right").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.wheel(0, -300)
    page.wait_for_function("before => document.querySelector('canvas').style.transform !== before", arg=before[0])
    zoomed = _view(page)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 240, steps=4)
    page.mouse.up()
    moved = _view(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowDown")
    assert zoomed[0] == zoomed[1] != before[0]
    assert moved[0] == moved[1] != zoomed[0]
    assert page.is_disabled("#next"), "a drag is no choice"
    assert "level 122, window 28" in page.inner_text("#values")
    page.keyboard.press("0")
    assert _view(page) == before
    assert page.inner_text("#values") == values


def test_after_the_time_limit_the_images_are_hidden_and_an_answer_is_still_taken(page: Any, tmp_path: Path) -> None:
    study, _ = small_study(tmp_path, pairs=2, seconds=2)
    _open(page, study)
    assert "after 2 seconds" in page.inner_text("#limit")
    page.click("#start")
    page.wait_for_function("() => document.querySelector('#time').innerText === 'Time is up'")
    assert page.eval_on_selector_all(".panel.gone canvas", "all => all.map(c => getComputedStyle(c).visibility)") == [
        "hidden", "hidden"
    ]  # fmt: skip
    _picture(page, "time")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#place').innerText === 'Pair 2 of 2'")


@pytest.mark.parametrize("interruption", ["pause", "reload"])
def test_an_interruption_does_not_start_the_time_of_a_pair_again(page: Any, tmp_path: Path, interruption: str) -> None:
    study, _ = small_study(tmp_path, pairs=2, seconds=3)
    _open(page, study)
    page.click("#start")
    page.wait_for_function("() => document.querySelector('#time').innerText === 'Time is up'")
    if interruption == "pause":
        page.click("#pause")
    else:
        page.reload()
    page.click("#start")

    page.wait_for_function("() => !document.querySelector('#reading').hidden && drawn")
    assert page.inner_text("#time") == "Time is up"
    assert page.locator(".panel.gone.over").count() == 2
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#place').innerText === 'Pair 2 of 2'")
    assert page.evaluate("kept.answers[0].ms") >= 3000
    _wait_for_pair(page, 2)
    assert page.inner_text("#time") == "3 s left"


def test_sixteen_bits_are_shown_in_their_window(page: Any, tmp_path: Path) -> None:
    films_of_16_bits(tmp_path)
    key = make_study(tmp_path / "films", tmp_path / "holes", None, ["ring"], tmp_path / "s", pairs=2, modality="CR")
    _open(page, tmp_path / "s")
    page.click("#start")
    _wait_for_pair(page, 1)
    for _ in range(40):  # to the narrowest window, so that it shows only a part of the levels
        page.keyboard.press("Shift+ArrowUp")
    for _ in range(40):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("0")
    for _ in range(8):
        page.keyboard.press("Shift+ArrowUp")
    canvas = _shown(page, "left").astype(float)
    value = (canvas[..., 1] * 4 + canvas[..., 0]) / 1023
    pair = key["pairs"][key["trials"][0]["pair"]]
    assert pair["bits"] == 10
    width = 1.1**-8
    wanted = 255 * np.clip((value - 0.5) / width + 0.5, 0, 1)

    box = page.locator("#left").bounding_box()
    page.locator("#left").screenshot(path=str(tmp_path / "left.png"))
    seen = np.asarray(Pillow.open(tmp_path / "left.png").convert("RGB"))
    assert (np.ptp(seen[10:-10, 10:-10].astype(int), axis=2) == 0).all(), "shown in grey"
    transform = page.eval_on_selector("#left canvas", "c => new DOMMatrix(c.style.transform)")
    scale, x, y = transform["a"], transform["e"] + 3, transform["f"] + 3  # inside of the border
    assert box["width"] > 600
    for row, column in ((30, 20), (75, 60), (120, 100), (20, 90)):
        shown = seen[int(y + (row + 0.5) * scale), int(x + (column + 0.5) * scale), 0]
        assert shown == pytest.approx(wanted[row, column], abs=3)


def test_a_missing_picture_is_said(page: Any, tmp_path: Path) -> None:
    study, _ = small_study(tmp_path, pairs=2)
    for path in (study / READERS / "pictures").iterdir():
        path.write_bytes(b"damaged")
    _open(page, study)
    page.click("#start")

    page.wait_for_function("() => document.querySelector('#said').innerText.includes('missing or damaged')")
    page.keyboard.press("ArrowLeft")
    assert page.is_disabled("#next")
