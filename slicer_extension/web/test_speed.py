"""How fast a large CT is loaded, interacted with and saved. `pytest -s` prints the figures in docs/slicer.md."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from person import Person

from monai_inpaint.slicer.nifti import write_nifti

SECONDS = 4  # of each interaction
# far from what a free machine does (docs/slicer.md), as it may be busy
LOAD_AT_MOST = 120.0  # seconds
SEEN_AT_LEAST = 0.05  # frames for a movement of the mouse
FRAME_AT_MOST = 0.15  # seconds of the processor for a frame that is seen, whatever else the machine does
PROCESSOR_AT_MOST = 1 / 15  # seconds that the application computes for a movement: one core is enough for 15 a second
_COUNT = """() => {
  const images = [...document.querySelectorAll("img")].filter((one) => one.offsetParent);
  window.frames_seen = 0;
  window.frame_watch?.disconnect();
  window.frame_watch = new MutationObserver((changes) => { window.frames_seen += changes.length; });
  window.frame_watch.observe(images[0], { attributes: true, attributeFilter: ["src"] });
}"""


@pytest.fixture(scope="module")
def large_ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A body of 512x512x300 voxels of noise, 157 MB."""
    j, i = np.indices((512, 512))
    body = np.where(np.hypot((i - 256) / 220, (j - 256) / 170) < 1, 40, -1000).astype(np.int16)
    noise = np.random.default_rng(0).integers(-40, 40, (300, 512, 512), np.int16)
    path = tmp_path_factory.mktemp("large") / "ct.nii"
    write_nifti(path, body + noise, np.diag([-0.8, -0.8, 1.0, 1.0]))
    return path


@dataclass(frozen=True)
class _Load:
    """Of an interaction: movements, frames of the first view, seconds by the clock, and those that were computed."""

    movements: int
    frames: int
    taken: float
    computed: float

    def __str__(self) -> str:
        cost = f", {1000 * self.computed / self.frames:.0f} ms of the processor for one" if self.frames else ""
        sent = self.movements / self.taken
        return f"{self.frames / self.taken:.1f} frames a second of {sent:.1f} movements a second{cost}"


def _interact(person: Person, act: Callable[[int], None]) -> _Load:
    """Do something again and again."""
    person.page.evaluate(_COUNT)
    begin, computed, turn = time.monotonic(), person.app.processor_seconds, 0
    while time.monotonic() < begin + SECONDS:
        act(turn)
        turn += 1
        person.page.wait_for_timeout(10)
    taken, computed = time.monotonic() - begin, person.app.processor_seconds - computed
    return _Load(turn, person.page.evaluate("window.frames_seen"), taken, computed)


def test_a_large_ct_is_loaded_with_progress_and_follows_the_mouse(person: Person, large_ct: Path) -> None:
    page = person.page
    page.evaluate("""() => { window.shares = new Set();
        window.share_watch = setInterval(() => window.shares.add(trame.state.get("fraction")), 20); }""")
    begin = time.monotonic()
    person.load(large_ct)
    loading = time.monotonic() - begin
    shares = page.evaluate("clearInterval(window.share_watch), [...window.shares]")
    person.choose("bundle", "CT")
    x, y = person.place(0.0, 0.0)

    def around(turn: int) -> tuple[float, float]:
        return x + 60 * np.cos(turn / 8), y + 60 * np.sin(turn / 8)

    page.mouse.move(x, y)
    scrolled = _interact(person, lambda turn: page.mouse.wheel(0, 120 if turn // 40 % 2 else -120))
    page.click("#window")
    page.mouse.move(x, y)
    page.mouse.down()  # at once: the tool was chosen just before
    windowed = _interact(person, lambda turn: page.mouse.move(*around(turn)))
    page.mouse.up()
    page.click("#paint")
    page.mouse.move(x, y)
    page.wait_for_timeout(3000)  # the tool's own view of the volume
    before = person.regions()
    page.mouse.down()
    painted = _interact(person, lambda turn: page.mouse.move(*around(turn)))
    page.mouse.up()
    person.picture("large")

    print(f"\nload {loading:.1f} s; load average {os.getloadavg()[0]:.1f}")  # noqa: T201
    print(f"scroll: {scrolled}\nwindow: {windowed}\npaint: {painted}")  # noqa: T201
    assert len([share for share in shares if 0 < share < 100]) >= 3
    assert loading < LOAD_AT_MOST
    assert person.changes(before, seconds=60)
    for load in (scrolled, windowed, painted):
        assert load.computed / load.movements < PROCESSOR_AT_MOST
        assert load.frames / load.movements > SEEN_AT_LEAST
        assert load.computed / load.frames < FRAME_AT_MOST


def test_a_large_ct_is_saved_with_progress_and_never_as_a_whole_in_memory(person: Person, large_ct: Path) -> None:
    page = person.page
    person.load(large_ct)
    person.choose("bundle", "CT")
    person.stroke()
    person.run("fill")
    page.evaluate("""() => { window.shares = new Set();
        window.share_watch = setInterval(() => window.shares.add(trame.state.get("fraction")), 5); }""")
    held = person.app.forget_most_memory()
    begin = time.monotonic()
    saved = person.saved(".nii")
    print(f"\nsave {time.monotonic() - begin:.1f} s")  # noqa: T201
    shares = page.evaluate("clearInterval(window.share_watch), [...window.shares]")

    assert saved.stat().st_size > 150e6
    assert person.app.most_memory - held < 50e6
    assert len([share for share in shares if 0 < share < 100]) >= 3
