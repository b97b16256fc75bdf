"""DICOMweb: what archives answer to STOW-RS and WADO-RS, and what the service makes of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.deploy.service import free_port
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs.archive import Instance, Unreachable, instances_below
from monai_inpaint.pacs.dicomweb import series_at, store
from monai_inpaint.pacs.settings import WebNode


class WebArchive:
    """Answers every request with the same status, type and body.

    Attributes:
        asked: method and path of each request, and who asked.
    """

    def __init__(self) -> None:
        self.status, self.kind, self.body = 200, "application/dicom+json; charset=utf-8", b""
        self.asked: list[tuple[str, str, str | None]] = []
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    while size := int(self.rfile.readline(), 16):
                        self.rfile.read(size + 2)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                archive.asked.append((self.command, self.path, self.headers.get("Authorization")))
                self.send_response(archive.status)
                self.send_header("Content-Type", archive.kind)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(archive.body)))
                self.end_headers()
                self.wfile.write(archive.body)

            do_GET = do_POST = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.node = WebNode(f"http://127.0.0.1:{self._server.server_port}/dicom-web")

    def says(self, status: int, *, taken: str = "", failed: str = "", reason: int = 0x0110) -> None:
        """Answer as STOW-RS does."""
        answer = {}
        if taken:
            answer["00081199"] = {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [taken]}}]}
        if failed:
            item = {"00081155": {"vr": "UI", "Value": [failed]}, "00081197": {"vr": "US", "Value": [reason]}}
            answer["00081198"] = {"vr": "SQ", "Value": [item]}
        self.status, self.body = status, json.dumps(answer).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def archive() -> Iterator[WebArchive]:
    archive = WebArchive()
    yield archive
    archive.close()


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    small_study(tmp_path / "study", "1.2.77")
    return instances_below(tmp_path / "study")[0]


def test_what_the_archive_takes_is_stored(archive: WebArchive, instance: Instance) -> None:
    archive.says(200, taken=instance.uid)

    assert store([instance, instance], archive.node) == []
    assert archive.asked == [("POST", "/dicom-web/studies", None)] * 2


@pytest.mark.parametrize(
    ("status", "failed", "why"), [(200, True, "reason 0110"), (202, True, "reason 0110"), (409, True, "HTTP 409")]
)
def test_what_the_archive_refuses_is_reported_and_the_others_are_stored(
    status: int, failed: bool, why: str, archive: WebArchive, instance: Instance
) -> None:
    archive.says(status, failed=instance.uid)

    refused = store([instance, instance], archive.node)

    assert [(refusal.instance, refusal.why) for refusal in refused] == [(instance, why)] * 2


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 500, 503])
def test_an_archive_that_answers_otherwise_has_taken_nothing(
    status: int, archive: WebArchive, instance: Instance
) -> None:
    archive.says(status, taken=instance.uid)

    with pytest.raises(Unreachable):
        store([instance], archive.node)
    assert len(archive.asked) == 1  # it is led nowhere else


def test_results_wait_where_the_archive_has_no_room(archive: WebArchive, instance: Instance) -> None:
    archive.says(202, failed=instance.uid, reason=0xA700)

    with pytest.raises(Unreachable, match="has no room now"):
        store([instance], archive.node)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>Welcome", b'{"00081199": 1}'])
def test_a_page_that_is_no_answer_of_dicomweb_takes_nothing(
    body: bytes, archive: WebArchive, instance: Instance
) -> None:
    archive.body = body

    with pytest.raises(Unreachable, match="does not answer as a DICOMweb service does"):
        store([instance], archive.node)


def test_an_archive_that_is_not_there_is_not_reached(instance: Instance) -> None:
    node = WebNode(f"http://127.0.0.1:{free_port()}/dicom-web")

    with pytest.raises(Unreachable, match="cannot be reached"):
        store([instance], node)
    with pytest.raises(Unreachable, match="cannot be reached"):
        list(series_at("1.2.77", "1.2.77.1", node))


def test_a_series_that_the_archive_has_not_is_empty(archive: WebArchive) -> None:
    archive.body = b"[]"
    assert list(series_at("1.2.77", "1.2.77.1", archive.node)) == []
    archive.status = 404
    assert list(series_at("1.2.77", "1.2.77.1", archive.node)) == []

    archive.status, archive.body = 200, b"[{}]"
    with pytest.raises(Unreachable, match="does not answer as a DICOMweb service does"):
        list(series_at("1.2.77", "1.2.77.1", archive.node))


def test_names_and_passwords_come_from_netrc(
    archive: WebArchive, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login filler password secret")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    archive.says(200, taken=instance.uid)

    store([instance], archive.node)

    assert archive.asked[0][2] == "Basic ZmlsbGVyOnNlY3JldA=="
