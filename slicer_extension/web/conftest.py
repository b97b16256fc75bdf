"""A browser and the application: real clicks in a real Chromium, on real views. Run by `make test-web`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from monai_inpaint.web.InpaintLib.nifti import write_nifti

PORT = 18765
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CHROMIUM is None and "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="there is no chromium here; CHROMIUM may name one"))


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A noisy head with a bright ball in the middle, in a file with a space and letters beyond ASCII in its path."""
    k, j, i = np.indices((24, 96, 96))
    rng = np.random.default_rng(0)
    voxels = np.where(np.hypot(i - 48, (j - 48) / 1.2) < 36, 400, 0) + rng.normal(0, 6, k.shape)
    voxels[(i - 48) ** 2 + (j - 48) ** 2 + (2.5 * (k - 12)) ** 2 <= 64] = 900
    path = tmp_path_factory.mktemp("Köpfe und mehr") / "head.nii"
    write_nifti(path, voxels.astype(np.int16), np.diag([1.0, 1.0, 2.5, 1.0]))
    return path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts the application with these words, and ends it."""
    started: list[subprocess.Popen] = []
    log = (tmp_path / "server.log").open("w", encoding="utf-8")

    def start(*words: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "monai_inpaint.web", *map(str, words), "--port", str(PORT)]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        started.append(process)
        for _ in range(600):
            assert process.poll() is None, (tmp_path / "server.log").read_text(encoding="utf-8")[-2000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
            else:
                return process
        raise TimeoutError("the application does not answer")

    yield start
    for process in started:
        process.terminate()
        process.wait(20)
    log.close()


@pytest.fixture
def page() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        made = browser.new_page(viewport={"width": 1400, "height": 860})
        made.set_default_timeout(120_000)
        yield made
        browser.close()
