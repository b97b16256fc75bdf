"""The application in a process of its own, a real Chromium, and a client that says what no browser would.

Run by `make test-web`.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from images import computed_head, computed_hip, computed_pelvis
from scipy.ndimage import zoom

from monai_inpaint.slicer.nifti import write_nifti

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP *.example 127.0.0.1"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CHROMIUM is None and "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="there is no chromium here; CHROMIUM may name one"))


@dataclass(frozen=True)
class App:
    """A running application.

    Attributes:
        process: it.
        port, secret: of the address that it printed.
        folder: that it was started in; modules lie there that must never be run.
        temporary: where it keeps the folder of its session.
    """

    process: subprocess.Popen
    port: int
    secret: str
    folder: Path
    temporary: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"{self.origin}/?secret={self.secret}"

    @property
    def files(self) -> list[Path]:
        """All files in the folder of its session, but for the mark that it is in use, and the image that is shown."""
        found = [path for path in self.temporary.rglob("*") if path.is_file() and path.name != "owner"]
        shown = {path.parent for path in found if path.parent.name.startswith("step-")}
        return [path for path in found if shown != {path.parent}]

    @property
    def processor_seconds(self) -> float:
        """That it has computed."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def forget_most_memory(self) -> int:
        """Begin to measure the most anew; returns the bytes that it holds now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="utf-8")
        return self.most_memory

    @property
    def most_memory(self) -> int:
        """Bytes that it has held at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A computed head with a bright ball in the middle, in a file with a space and letters beyond ASCII in its path."""
    path = tmp_path_factory.mktemp("Köpfe und mehr") / "head.nii"
    write_nifti(path, computed_head(), np.diag([1.0, 1.0, 2.5, 1.0]))
    return path


@pytest.fixture(scope="session")
def pelvis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A computed CT of both hips with a bright lesion in the middle, which has no border."""
    path = tmp_path_factory.mktemp("pelvis") / "pelvis.nii"
    write_nifti(path, computed_pelvis(), np.diag([-1.6, -1.6, 5.0, 1.0]))
    return path


@pytest.fixture(scope="session")
def large_head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head that takes many seconds to be filled as a whole."""
    path = tmp_path_factory.mktemp("large") / "large.nii"
    write_nifti(path, zoom(computed_head(), (5, 2.7, 2.7), order=1), np.diag([0.9, 0.9, 1.0, 1.0]))
    return path


@pytest.fixture(scope="session")
def hip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A computed CT of both hips, one of them of metal, with its streaks."""
    path = tmp_path_factory.mktemp("ct") / "hip.nii"
    write_nifti(path, computed_hip(), np.diag([-1.6, -1.6, 5.0, 1.0]))
    return path


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., App]]:
    """Starts the application with these words, and ends it."""
    started: list[App] = []

    def start(*words: object, **variables: str) -> App:
        folder, temporary = tmp_path_factory.mktemp("started here"), tmp_path_factory.mktemp("temporary")
        for module in ("numpy", "openvino", "monai_inpaint"):
            (folder / f"{module}.py").write_text(f"open({str(folder / 'was run')!r}, 'w')", encoding="utf-8")
        log = folder / "log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-P", "-m", "monai_inpaint.web", "--port", str(port), *map(str, words)]
        environment = {**os.environ, "TMPDIR": str(temporary), **variables}
        with log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=environment)
        for _ in range(900):
            said = log.read_text(encoding="utf-8")
            assert process.poll() is None, said[-2000:]
            if address := re.search(r"^Open http.*/\?secret=(.*)\n", said, re.M):
                app = App(process, port, address[1], folder, temporary)
                started.append(app)
                return app
            time.sleep(0.1)
        process.kill()
        raise TimeoutError("the application does not say that it listens")

    yield start
    for app in started:
        app.process.terminate()
    for app in started:
        app.process.wait(20)
        assert not any(app.temporary.iterdir()), "the folder of the session is still there"
        assert not (app.folder / "was run").exists(), "a module was run that lay where the application was started"


@pytest.fixture(scope="session")
def app(serve: Callable[..., App], head: Path) -> App:
    """One that many tests share; nobody ends it."""
    return serve(head, "--bundle", "mr")


@pytest.fixture(scope="session")
def _browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(_browser: object) -> Iterator[object]:
    made = _browser.new_page(viewport={"width": 1280, "height": 720})
    made.set_default_timeout(120_000)
    yield made
    made.close()


@pytest.fixture
def person(page: object, app: App, tmp_path: Path) -> object:
    """Someone with the page of the shared application open."""
    from person import Person

    someone = Person(page, app, tmp_path)
    someone.open()
    return someone
