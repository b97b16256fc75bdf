"""What a person does with the page: clicks, drags, keys, and reads the message."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from conftest import App
from playwright.sync_api import TimeoutError

from monai_inpaint.io import read_image

RUNNING = 180  # seconds, on a machine with other work
_VIEWS = "img, canvas"


def _of_few_colours(shot: bytes) -> PIL.Image.Image:
    """A screenshot in 128 greys and 128 colours: a third of the bytes."""
    image = PIL.Image.open(io.BytesIO(shot)).convert("RGB")
    colours = image.quantize(128, method=PIL.Image.Quantize.FASTOCTREE).getpalette()[: 3 * 128]
    palette = PIL.Image.new("P", (1, 1))
    palette.putpalette([2 * grey for grey in range(128) for _ in range(3)] + colours)
    return image.quantize(palette=palette, dither=PIL.Image.Dither.NONE)


class Person:
    """One who has the page open.

    Args:
        page: of playwright.
        app: that it is of.
        folder: for what is saved.
    """

    def __init__(self, page: Any, app: App, folder: Path) -> None:
        self.page, self.app, self.folder = page, app, folder

    def open(self) -> None:
        """Open the address that was printed, and begin as nobody did before, whatever the person before chose."""
        self.page.goto(self.app.address)
        self.page.wait_for_selector("#fill")
        self.page.evaluate(
            "trame.state.update({ drawn: 'estimate', seed: 0, ball: false, brush: 10, method: 'automatic' })"
        )

    def reads(self, text: str, seconds: float = 60) -> str:
        """What the application says, once it says this, and not only that it reads a file of this name."""
        script = """text => { const shown = document.querySelector('#message')?.innerText;
            return shown?.includes(text) && !shown.startsWith('Reading'); }"""
        try:
            self.page.wait_for_function(script, arg=text, timeout=1000 * seconds)
        except TimeoutError:
            raise AssertionError(f"not {text!r} but {self.page.inner_text('#message')!r}") from None
        return self.page.inner_text("#message")

    def load(self, *files: Path, says: str = "mark what is to be filled") -> str:
        """Choose files of an image; returns the message."""
        self._say_nothing()
        self.page.set_input_files("#file", [str(file) for file in files])
        return self.reads(says)

    def load_by_click(self, *files: Path) -> None:
        """Press the button, and choose files in the dialog that opens."""
        self._say_nothing()
        with self.page.expect_file_chooser() as opened:
            self.page.click("#load")
        opened.value.set_files([str(file) for file in files])
        self.reads("mark what is to be filled")

    def load_marks(self, file: Path, says: str = "loaded.") -> str:
        """Choose a mask."""
        self._say_nothing()
        self.page.set_input_files("#marks", str(file))
        return self.reads(says)

    def choose(self, name: str, text: str) -> None:
        """Choose from a list."""
        self.page.click(f".v-select:has(#{name})")
        self.page.locator(".v-overlay .v-list-item").get_by_text(text, exact=True).click()
        self.page.wait_for_selector(".v-overlay .v-list-item", state="hidden")

    def enter(self, name: str, number: float) -> None:
        """Write a number into a field."""
        self.page.fill(f"#{name}", f"{number:g}")
        self.page.press(f"#{name}", "Enter")

    def slide(self, name: str, share: float) -> None:
        """Drag the (first) thumb of a slider to this share of its way."""
        slider = self.page.locator(f".v-input:has([id^={name}])")
        thumb, track = (slider.locator(f".v-slider-{part}").first.bounding_box() for part in ("thumb", "track"))
        self.page.mouse.move(thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + share * track["width"], thumb["y"] + thumb["height"] / 2, steps=8)
        self.page.mouse.up()

    def run(self, button: str) -> str:
        """Press a button that starts a run, and wait for its end; returns the message."""
        self._say_nothing()
        self.page.click(f"#{button}")
        return self.reads(" s)", RUNNING)

    def stroke(self, right: float = 0.0, down: float = 0.0, length: int = 40, tool: str = "paint") -> None:
        """Drag with a tool through the middle of the first view, or beside it by shares of it, until it counts."""
        self.page.click(f"#{tool}")
        before = self.regions()
        for _ in range(5):  # the tool's own view of the volume comes late where the machine has other work
            self._drag(right, down, length)
            if self.changes(before, seconds=4):
                return
        raise AssertionError(f"{tool} changed none of {before}")

    def outline(self, tool: str, *corners: tuple[float, float]) -> None:
        """Drag with a tool past these places of the first view, by shares of it from its middle, until it counts."""
        self.page.click(f"#{tool}")
        before = self.regions()
        for _ in range(5):
            self.page.mouse.move(*self.place(*corners[0]))
            time.sleep(0.5)
            self.page.mouse.down()
            for corner in corners[1:]:
                self.page.mouse.move(*self.place(*corner), steps=8)
                time.sleep(0.3)  # the page sends the last of movements that come together
            self.page.mouse.up()
            if self.changes(before, seconds=4):
                return
        raise AssertionError(f"{tool} changed none of {before}")

    def change(self, button: str) -> list[str]:
        """Press a button that changes a region; returns the regions then."""
        before = self.regions()
        self.page.click(f"#{button}")
        assert self.changes(before, seconds=30), f"{button} changed none of {before}"
        return self.regions()

    def zoom(self, down: int) -> None:
        """Drag with the right button by so many pixels."""
        x, y = self.place(0.2, 0.0)
        self.page.mouse.move(x, y)
        self.page.mouse.down(button="right")
        self.page.mouse.move(x, y + down, steps=8)
        time.sleep(0.3)
        self.page.mouse.up(button="right")

    def drag_window(self) -> None:
        """Drag with the tool for window and level."""
        self.page.click("#window")
        self._drag(0.0, -0.2, 60)

    def point(self, right: float, down: float) -> str:
        """Move the mouse over the first view, by shares of it from its middle; returns the text of the cursor."""
        x, y = self.place(right, down)
        self.page.mouse.move(x - 3, y)
        self.page.mouse.move(x, y, steps=3)
        shown = ""
        for _ in range(30):
            time.sleep(1)
            before, shown = shown, self.page.inner_text("#cursor")
            if shown and shown == before:
                return shown
        raise AssertionError(f"{shown!r} is the text of the cursor, and changes")

    def regions(self) -> list[str]:
        """The regions in the list, each in a line."""
        return [text.replace("\n", ": ") for text in self.page.locator(".region").all_inner_texts()]

    def wait_for_regions(self, *regions: str) -> None:
        """Wait until the list says this."""
        for _ in range(100):
            if self.regions() == list(regions):
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.regions()} instead of {list(regions)}")

    def saved(self, suffix: str = "") -> Path:
        """Save the image, in another format if a suffix is given; returns the file."""
        if suffix:
            self.choose("suffix", suffix)
        return self._download("save-image")

    def saved_voxels(self, suffix: str = "") -> np.ndarray:
        """Of the image that is saved, as stored."""
        return read_image(self.saved(suffix)).voxels

    def steps(self) -> list[str]:
        """What can be gone back to."""
        self.page.wait_for_selector("#steps")
        return self.page.locator("#steps .v-btn").all_text_contents()

    def saved_map(self) -> Path:
        """Save the map; returns the file."""
        return self._download("save-map")

    def saved_reports(self) -> list[dict[str, Any]]:
        """The reports that are saved."""
        return json.loads(self._download("save-report").read_text(encoding="utf-8"))

    def picture(self, name: str) -> bytes:
        """A screenshot; kept for the docs, small, where PICTURES names a folder."""
        time.sleep(2)  # the views send a sharper picture once they are left alone
        shot, folder = self.page.screenshot(), os.environ.get("PICTURES")
        if folder:
            _of_few_colours(shot).save(Path(folder) / f"web-{name}.png", optimize=True)
        return shot

    def views(self) -> bytes:
        """What the slices show."""
        time.sleep(2)
        return self.page.screenshot(clip={"x": 310, "y": 110, "width": 900, "height": 560})

    def pixels(self) -> np.ndarray:
        """(rows, columns, 3) of the first view, without what lies at its edges."""
        time.sleep(2)
        box = self.page.locator(_VIEWS).filter(visible=True).first.bounding_box()
        clip = {"x": box["x"] + 40, "y": box["y"] + 40, "width": box["width"] - 80, "height": box["height"] - 100}
        shot = PIL.Image.open(io.BytesIO(self.page.screenshot(clip=clip)))
        return np.asarray(shot.convert("RGB"), np.int16)

    def _say_nothing(self) -> None:
        """Clear the message, so that the next one is not mistaken for it."""
        self.page.evaluate("document.querySelector('#message').firstChild.textContent = ''")

    def _download(self, button: str) -> Path:
        with self.page.expect_download() as download:
            self.page.click(f"#{button}")
        self.reads("is saved.")
        self.page.wait_for_function("!trame.state.get('busy')")  # until then, what is pressed does nothing
        path = self.folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def place(self, right: float, down: float) -> tuple[float, float]:
        """Where that is on the page: by shares of the first view from its middle."""
        box = self.page.locator(_VIEWS).filter(visible=True).first.bounding_box()
        return box["x"] + (0.5 + right) * box["width"], box["y"] + (0.5 + down) * box["height"]

    def _drag(self, right: float, down: float, length: int) -> None:
        x, y = self.place(right, down)
        self.page.mouse.move(x - length / 2 - 2, y)
        time.sleep(0.5)
        self.page.mouse.move(x - length / 2, y)
        time.sleep(0.5)
        self.page.mouse.down()
        self.page.mouse.move(x, y, steps=8)
        self.page.mouse.move(x + length / 2, y + 2, steps=8)
        time.sleep(0.3)
        self.page.mouse.up()

    def changes(self, before: list[str], seconds: int) -> bool:
        """Whether the list of regions becomes another one within this time."""
        for _ in range(10 * seconds):
            time.sleep(0.1)
            if self.regions() != before:
                return True
        return False
