"""Load, mark, fill, compare and save, by clicks."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from conftest import App
from playwright.sync_api import TimeoutError

from monai_inpaint.slicer.nifti import read_nifti

FILLING = 180  # seconds, on a machine with other work


def _told(page: Any, text: str, seconds: float = 60) -> str:
    """What the application says, once it says this."""
    page.wait_for_function(
        "text => document.querySelector('#message')?.innerText.includes(text)", arg=text, timeout=1000 * seconds
    )
    return page.inner_text("#message")


def _is_told(page: Any, text: str, seconds: float) -> bool:
    try:
        return bool(_told(page, text, seconds))
    except TimeoutError:
        return False


def _load(page: Any, app: App, head: Path, folder: Path) -> None:
    """Open the page and load the head, under a name that the application has not told before."""
    copy = folder / f"{folder.name}.nii"
    copy.write_bytes(head.read_bytes())
    page.goto(app.address)
    page.wait_for_selector("#fill")
    page.set_input_files("#file", str(copy))
    _told(page, f"{copy.name}: mark what is to be filled")


def _picture(page: Any, name: str) -> bytes:
    """A screenshot; kept for the docs where PICTURES names a folder."""
    time.sleep(3)  # the views send a sharper picture once they are left alone
    folder = os.environ.get("PICTURES")
    return page.screenshot(path=str(Path(folder) / f"web-{name}.png") if folder else None)


def test_a_region_of_a_loaded_volume_is_thresholded_filled_compared_and_saved(
    page: Any, app: App, head: Path, tmp_path: Path
) -> None:
    _load(page, app, head, tmp_path)
    # the thumbs glide to a new volume's values, and a click moves the thumb that is nearest at that moment
    page.wait_for_function(
        "thumb => thumb.ariaValueNow > 1 && !thumb.getAnimations().length",
        arg=page.query_selector(".v-range-slider .v-slider-thumb"),
    )
    slider = page.locator(".v-range-slider").first.bounding_box()
    page.mouse.click(slider["x"] + 0.75 * slider["width"], slider["y"] + slider["height"] / 2)
    page.click("#threshold")
    marked = int(_told(page, "voxels are marked").split()[0])
    source = read_nifti(head)
    assert 0 < marked <= (source > 450).sum()
    before = _picture(page, "marked")

    page.click("#fill")
    _told(page, "Filled in", FILLING)
    after = _picture(page, "filled")
    page.click("#flip")
    page.wait_for_function("document.querySelector('#flip').innerText === 'BEFORE'")
    _picture(page, "before")
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "filled.nii")

    filled = read_nifti(tmp_path / "filled.nii")
    changed = filled != source
    assert before != after
    assert not changed[source < 700].any()
    assert 0.5 * marked < changed.sum() <= marked


def test_a_region_is_painted_with_the_mouse_and_a_run_is_not_disturbed_but_cancelled(
    page: Any, app: App, head: Path, tmp_path: Path
) -> None:
    _load(page, app, head, tmp_path)
    page.click("#fill")
    assert "region is empty" in _told(page, "is empty")

    page.click("#paint")
    page.wait_for_function("document.querySelector('#paint').innerText.includes('STOP')")
    for _ in range(5):  # the effect's own view of the volume comes late where the machine has other work
        _stroke(page)
        page.click("#fill")
        if _is_told(page, "Filling", seconds=10):
            break
    page.set_input_files("#file", str(head))
    _told(page, "Wait until what runs has ended, or press Cancel.")
    page.click("#cancel")

    assert _told(page, "Cancelled.") == "Cancelled."


def _stroke(page: Any) -> None:
    """Paint a line in the middle of the first view."""
    time.sleep(2)
    box = page.locator("canvas, img").filter(visible=True).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y)
    page.mouse.down()
    page.mouse.move(x, y, steps=8)
    page.mouse.move(x + 20, y, steps=8)
    page.mouse.up()
    _picture(page, "painted")


def test_a_bad_file_is_told_and_what_was_there_stays(page: Any, app: App, head: Path, tmp_path: Path) -> None:
    bad = tmp_path / "photo of a head.nii"
    bad.write_bytes(head.read_bytes()[:1000])
    _load(page, app, head, tmp_path)
    before = _views(page)

    page.set_input_files("#file", str(bad))

    assert _told(page, "photo of a head.nii").startswith("photo of a head.nii ")
    _picture(page, "bad")
    assert _views(page) == before
    assert page.is_enabled("#fill")


def _views(page: Any) -> bytes:
    """What the slices show, without the lines above them."""
    time.sleep(3)
    return page.screenshot(clip={"x": 0, "y": 110, "width": 1400, "height": 700})
