"""The settings of serve-dicom: read with their defaults, refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_samples import run

from benchmarks.deploy.service import Service
from monai_inpaint.pacs.settings import read_settings

pytest.importorskip("highdicom", reason="needs the extra dicom")

NODE, CODE = {"port": 1, "title": "A"}, {"value": "1", "scheme": "99TEST", "meaning": "Fill"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"queue": ""}, "queue is ''"),
        ({"colour": 1}, "unknown key colour"),
        ({"listen": {"port": 1, "title": "A"}}, "lacks callers"),
        ({"listen": {"port": 1, "title": "A", "callers": []}}, "at least one"),
        ({"listen": {"port": 1, "title": "A", "callers": ["A" * 17]}}, "callers is"),
        ({"listen": {"port": 0, "title": "A", "callers": ["B"]}}, "port is 0"),
        ({"listen": {"port": 1, "title": "A\\B", "callers": ["B"]}}, "AE title has 1 to 16"),
        ({"listen": {"port": 1, "title": "A", "callers": ["B"], "tls": {"key": "k"}}}, "lacks authority"),
        ({"send": {"port": "104", "title": "A"}}, "port is '104'"),
        ({"send": []}, "is not a JSON object"),
        ({"send": {"url": "archive/dicom-web"}}, "url must be http(s)://HOST/PATH"),
        ({"send": {"url": "https://me:secret@archive/dicom-web"}}, "passwords go to .netrc"),
        ({"send": {"url": 1}}, "url must be"),
        ({"fetch": {"url": "http://archive", "port": 1}}, "unknown key port"),
        ({"fetch": {"port": 1}}, "lacks title"),
        ({"rules": []}, "at least one rule"),
        ({"rules": [{"modality": "CT", "hole": "SEG", "bundle": "none"}]}, "Rule 1: none: there is no such bundle"),
        ({"rules": [{"modality": "CT", "hole": "SEG", "bundle": "mr"}]}, "mr_inpainting does not fill CT images"),
        ({"rules": [{"modality": "MR", "hole": "metal", "method": "nmar"}]}, "an MR has none: use inpaint"),
        ({"quiet_seconds": 0}, "quiet_seconds is 0"),
        ({"quota_mb": True}, "quota_mb is True"),
        ({"keep_days": "a week"}, "keep_days is 'a week'"),
        ({"monitor": 0}, "monitor is 0"),
        ({"report_skipped": 1}, "report_skipped is 1; give true or false"),
        ({"log": "xml"}, "log is 'xml'; give one of text, json"),
        (
            {"send": {"url": "http://archive"}, "storage_commitment": True},
            "storage_commitment needs a DICOM node in send",
        ),
        ({"worklist": {"port": 1, "title": "A", "code": CODE}}, "worklist needs fetch"),
        ({"fetch": NODE, "worklist": {"port": 1, "title": "A"}}, "worklist lacks code"),
        ({"fetch": NODE, "worklist": {"url": "ftp://host", "code": CODE}}, "worklist: url must be http"),
        ({"fetch": NODE, "worklist": {**NODE, "code": {**CODE, "meaning": ""}}}, "code: meaning is ''"),
        ({"fetch": NODE, "worklist": {**NODE, "code": {**CODE, "value": "A" * 17}}}, "1 to 16 letters"),
        ({"fetch": NODE, "worklist": {**NODE, "code": CODE, "poll_seconds": 0}}, "poll_seconds is 0"),
    ],
)
def test_settings_that_are_out_of_place_are_refused_in_one_sentence(change, why: str, tmp_path: Path, capfd) -> None:
    service = Service(tmp_path, 104)
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(service.settings | change))

    ran = run(capfd, "serve-dicom", path)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert why in ran.lines[0]
    assert not service.queue.exists()


def test_settings_are_read_with_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({key: value for key, value in Service(tmp_path, 104).settings.items()
                                if key != "quiet_seconds"}))  # fmt: skip

    settings = read_settings(path)

    assert settings.queue == tmp_path / "queue"
    assert (settings.listen.host, settings.listen.title) == ("127.0.0.1", "FILLER")
    assert (settings.quiet_seconds, settings.study_bytes, settings.quota_bytes) == (30, 4 * 10**9, 50 * 10**9)


def test_certificates_that_are_missing_are_named(tmp_path: Path, capfd) -> None:
    files = {"certificate": "c.pem", "key": "k.pem", "authority": "a.pem"}
    service = Service(tmp_path, 104, listen={"tls": files})
    (tmp_path / "settings.json").write_text(json.dumps(service.settings))

    ran = run(capfd, "serve-dicom", tmp_path / "settings.json")

    assert ran.code == 2
    assert "c.pem" in ran.lines[-1]
