"""The viewer OHIF in a real browser, with the configuration of docs/compose: source and result side by side.

OHIF names the folder of the built viewer: `npm pack @ohif/app`, unpacked, has it in package/dist.
"""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import orthanc
import pytest
from chromium import CHROMIUM, needs_chromium
from orthanc import Orthanc

from benchmarks.deploy.service import until
from benchmarks.deploy.studies import study

pytest.importorskip("highdicom", reason="needs the extra dicom")
playwright = pytest.importorskip("playwright.sync_api")

from monai_inpaint.pacs.rules import Rule  # noqa: E402 - what needs the extra comes later
from monai_inpaint.pacs.study import process_study  # noqa: E402 - imports highdicom

VIEWER = Path(os.environ.get("OHIF") or "nowhere")
CONFIGURATION = Path(__file__).parents[2] / "docs" / "compose" / "ohif.js"
STUDY, SECONDS = "1.2.77", 300
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (VIEWER / "index.html").is_file(), reason="OHIF does not name a built viewer"),
    needs_chromium,
    pytest.mark.skipif(not (orthanc.PROGRAM and orthanc.DICOMWEB), reason="Orthanc is not installed"),
]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Orthanc]:
    """It holds a CT, the SEG of a region, and the results."""
    hole = np.zeros((4, 128, 128), bool)
    hole[1:3, 40:70, 50:90] = True
    files = study(tmp_path / "study", STUDY, hole)
    process_study(tmp_path / "study", tmp_path / "results", [Rule("CT", "SEG")])
    with Orthanc(tmp_path / "orthanc") as archive:
        archive.store([*files, *sorted((tmp_path / "results").rglob("*.dcm"))])
        yield archive


@pytest.fixture
def address(archive: Orthanc) -> Iterator[str]:
    """One address for viewer and archive, as nginx.conf makes it."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].lstrip("/")
            if name.startswith("dicom-web/"):
                self._answer(archive.http)
            elif name == "app-config.js":
                self._send(200, "text/javascript", CONFIGURATION.read_bytes())
            elif (VIEWER / name).is_file():
                super().do_GET()
            else:
                self._send(200, "text/html", (VIEWER / "index.html").read_bytes())

        def _answer(self, port: int) -> None:
            accept = {"Accept": self.headers.get("Accept", "*/*"), "Host": self.headers["Host"]}
            request = urllib.request.Request(f"http://127.0.0.1:{port}{self.path}", headers=accept)
            try:
                with urllib.request.urlopen(request) as answer:
                    self._send(answer.status, answer.headers["Content-Type"], answer.read())
            except urllib.error.HTTPError as error:
                self._send(error.code, "text/plain", error.read())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    def handler(*args: Any) -> Handler:
        return Handler(*args, directory=str(VIEWER))

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_source_and_result_are_shown_side_by_side(address: str) -> None:
    """As the page for operators says: a pane for each series of images, with its description and its slice."""
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = chromium.new_page(viewport={"width": 1000, "height": 700})
        page.set_default_timeout(SECONDS * 1000)

        page.goto(f"{address}/viewer?StudyInstanceUIDs={STUDY}&hangingProtocolId=@ohif/mnGrid", wait_until="commit")

        panes, shown = page.locator("[data-cy=viewport-pane]"), list[str]()
        until(lambda: both_in(shown, panes.all_inner_texts()), SECONDS, f"not both are shown: {shown}", 1)
        chromium.close()


def both_in(shown: list[str], texts: list[str]) -> bool:
    """Whether a pane shows slices of the derived series, and another one those of the source."""
    shown[:] = texts
    slices = [text for text in texts if "(1/4)" in text]
    return {"AI-filled:" in text for text in slices} == {True, False}
