"""Firefox for tests, driven through Marionette, the protocol that it contains: no other program is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FIREFOX = os.environ.get("FIREFOX") or shutil.which("firefox-esr")
needs_firefox = pytest.mark.skipif(FIREFOX is None, reason="there is no firefox-esr here; FIREFOX may name another one")
KEYS = {"Enter": "\ue007", "Shift": "\ue008", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how WebDriver marks a reference to an element
PATIENCE = 120  # seconds


class Firefox:
    """One window of a running Firefox."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._answers = self._socket.makefile("rb")
        self._read()  # the greeting
        self.call("WebDriver:NewSession")
        self.call("WebDriver:SetWindowRect", width=1400, height=900)

    def call(self, command: str, **parameters: Any) -> Any:
        """Send one command, and return its answer; an error of the browser is an AssertionError."""
        message = json.dumps([0, 1, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, answer = self._read()
        assert error is None, error
        return answer

    def _read(self) -> Any:
        length = b""
        while (digit := self._answers.read(1)) != b":":
            assert digit, "Firefox has ended"
            length += digit
        return json.loads(self._answers.read(int(length)))

    def run(self, script: str, *values: Any) -> Any:
        """Run the body of a JavaScript function in the page, and return its result."""
        return self.call("WebDriver:ExecuteScript", script=script, args=values, sandbox=None)["value"]

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression holds."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"{condition} does not come true"
            time.sleep(0.1)

    def text(self, selector: str) -> str:
        """The text of an element, as shown."""
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def click(self, selector: str) -> None:
        """Click an element, which must be visible and not covered."""
        self.call("WebDriver:ElementClick", id=self._element(selector))

    def press(self, *keys: str) -> None:
        """Press keys together, by their names."""
        codes = [KEYS.get(key, key) for key in keys]
        downs = [{"type": "keyDown", "value": code} for code in codes]
        ups = [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self._perform("key", [*downs, *ups])

    def scroll(self, x: int, y: int, by: int) -> None:
        """Turn the mouse wheel at a place of the window."""
        self._perform("wheel", [{"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": by}])

    def drag(self, start: Sequence[int], end: Sequence[int], button: int = 0) -> None:
        """Drag the mouse from one place of the window to another."""
        moves = [{"type": "pointerMove", "x": x, "y": y, "duration": 50} for x, y in (start, end)]
        down, up = ({"type": kind, "button": button} for kind in ("pointerDown", "pointerUp"))
        self._perform("pointer", [moves[0], down, moves[1], up])

    def screenshot(self, selector: str | None = None) -> bytes:
        """A PNG file of the window or of one element."""
        what = {"full": False} if selector is None else {"id": self._element(selector)}
        return base64.b64decode(self.call("WebDriver:TakeScreenshot", **what)["value"])

    def _element(self, selector: str) -> str:
        found = self.call("WebDriver:FindElement", using="css selector", value=selector)
        return found["value"][ELEMENT]

    def _perform(self, kind: str, actions: list[dict[str, Any]]) -> None:
        self.call("WebDriver:PerformActions", actions=[{"type": kind, "id": kind, "actions": actions}])


@contextmanager
def firefox(profile: Path, downloads: Path) -> Iterator[Firefox]:
    """Start Firefox without a screen, and end it.

    Args:
        profile: folder that keeps what pages store; an earlier one continues.
        downloads: folder.
    """
    assert FIREFOX
    profile.mkdir(exist_ok=True)
    settings = {
        "marionette.port": 0,  # any
        "network.proxy.type": 1,  # to a closed port: no network
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "browser.download.folderList": 2,
        "browser.download.dir": str(downloads),
        "browser.shell.checkDefaultBrowser": False,
    }
    (profile / "user.js").write_text(
        "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items())
    )
    port = profile / "MarionetteActivePort"
    port.unlink(missing_ok=True)
    started = subprocess.Popen(
        [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
        env={**os.environ, "HOME": str(profile)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE
        while not port.exists() or not port.read_text():
            assert started.poll() is None, "Firefox has ended"
            assert time.monotonic() < end, "Firefox does not start"
            time.sleep(0.1)
        browser = Firefox(int(port.read_text()))
        yield browser
        browser.call("Marionette:Quit", flags=["eAttemptQuit"])
        started.wait(PATIENCE)
    finally:
        started.kill()
        started.wait()
