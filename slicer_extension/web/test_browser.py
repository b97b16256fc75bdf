"""Load, mark, fill, compare and save, by clicks; who may connect."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import PORT
from monai_inpaint.web.InpaintLib.nifti import read_nifti

ADDRESS = f"http://127.0.0.1:{PORT}/"
FILLING = 180  # seconds, on a machine with other work


def _told(page: Any, text: str, seconds: float = 60) -> str:
    """What the application says, once it says this."""
    page.wait_for_function(
        "text => document.querySelector('#message')?.innerText.includes(text)", arg=text, timeout=1000 * seconds
    )
    return page.inner_text("#message")


def _open(page: Any, address: str = ADDRESS) -> None:
    page.goto(address)
    page.wait_for_selector("#fill")


def _picture(page: Any, name: str) -> bytes:
    """A screenshot; kept for the docs where PICTURES names a folder."""
    time.sleep(3)  # the views send a sharper picture once they are left alone
    folder = os.environ.get("PICTURES")
    return page.screenshot(path=str(Path(folder) / f"web-{name}.png") if folder else None)


def test_a_region_of_a_loaded_volume_is_thresholded_filled_compared_and_saved(
    page: Any, serve: Any, head: Path, tmp_path: Path
) -> None:
    serve()
    _open(page)
    page.set_input_files("#file", str(head))
    _told(page, "mark what is to be filled")
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


def test_a_region_is_painted_with_the_mouse_and_a_run_is_cancelled(page: Any, serve: Any, head: Path) -> None:
    serve(head)
    _open(page)
    _told(page, "mark what is to be filled")
    page.click("#fill")
    assert "region is empty" in _told(page, "is empty")

    page.click("#paint")
    page.wait_for_function("document.querySelector('#paint').innerText.includes('STOP')")
    time.sleep(2)  # the effect's own view of the volume
    box = page.locator("canvas, img").filter(visible=True).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y)
    page.mouse.down()
    page.mouse.move(x, y, steps=8)
    page.mouse.move(x + 20, y, steps=8)
    page.mouse.up()
    _picture(page, "painted")
    page.click("#fill")
    _told(page, "preparing")
    page.click("#cancel")

    assert _told(page, "Cancelled.") == "Cancelled."


def test_it_listens_on_this_machine_only(serve: Any, head: Path) -> None:
    serve(head)
    others = [entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for address in {*others} - {"127.0.0.1"}:
        with socket.socket() as connection:
            connection.settimeout(2)
            assert connection.connect_ex((address, PORT)) != 0


def test_who_connects_from_elsewhere_needs_the_token(page: Any, serve: Any, head: Path) -> None:
    serve(head, "--host", "0.0.0.0", "--token", "a-secret-of-their-own")
    page.goto(ADDRESS)
    time.sleep(8)
    assert page.query_selector("#fill") is None

    _open(page, f"{ADDRESS}?secret=a-secret-of-their-own")

    assert "mark what is to be filled" in _told(page, "mark")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--host", "0.0.0.0"], "lets other machines in; add --token"),
        (["--token", "short"], "The token has 5 characters"),
        (["nowhere.nii"], "nowhere.nii does not exist"),
    ],
)
def test_what_would_be_open_or_could_not_start_is_refused_in_a_sentence(words: list[str], sentence: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "monai_inpaint.web", *words], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
