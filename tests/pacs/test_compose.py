"""The files that start archive, service and viewer in containers agree with each other and with the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orthanc
import pytest
from orthanc import Orthanc

from monai_inpaint.pacs.settings import WebNode, read_settings

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "compose"
SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
ORTHANC = json.loads((FOLDER / "orthanc.json").read_text())
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
SETTINGS = read_settings(FOLDER / "settings.json")


def test_every_file_that_a_container_gets_is_there_and_every_image_has_a_version() -> None:
    mounted = [volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]]
    build = SERVICES["monai-inpaint"]["build"]

    assert all((FOLDER / path).is_file() for path in mounted if path.startswith("."))
    assert (FOLDER / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(re.search(r":v?\d+\.\d+", image) for image in images)


def test_nothing_is_open_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_archive_and_service_know_each_other() -> None:
    listen = SETTINGS.listen

    assert list(ORTHANC["DicomModalities"].values()) == [[listen.title, "monai-inpaint", listen.port]]
    assert SETTINGS.callers == (ORTHANC["DicomAet"],)
    for archive in (SETTINGS.send, SETTINGS.fetch):
        assert isinstance(archive, WebNode)
        url = urlsplit(archive.url)
        assert (url.hostname, url.port) == ("orthanc", ORTHANC["HttpPort"])
        assert url.path == ORTHANC["DicomWeb"]["Root"].rstrip("/")
    assert str(SETTINGS.queue).startswith("/var/lib/monai-inpaint/")
    assert "queue:/var/lib/monai-inpaint" in SERVICES["monai-inpaint"]["volumes"]
    assert f"127.0.0.1:{SETTINGS.monitor}/health" in DOCKERFILE
    assert f"EXPOSE {listen.port}" in DOCKERFILE


def test_the_viewer_asks_the_archive_at_its_own_address() -> None:
    passed = re.findall(r"proxy_pass http://([\w-]+):(\d+);", (FOLDER / "nginx.conf").read_text())
    roots = re.findall(r"(?:wadoUri|qido|wado)Root: '([^']*)'", (FOLDER / "ohif.js").read_text())

    assert passed == [("orthanc", str(ORTHANC["HttpPort"])), ("ohif", "80")]
    assert set(roots) == {ORTHANC["DicomWeb"]["Root"].rstrip("/")}
    if shutil.which("node"):
        subprocess.run(["node", "--check", FOLDER / "ohif.js"], check=True)


def test_the_image_is_built_of_files_that_docker_is_given() -> None:
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    copied = [source for line in lines for source in line.split()]
    given = [line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]

    assert sorted(copied) == sorted(given)
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    subprocess.run(["hadolint", FOLDER / "Dockerfile"], check=True)


@pytest.mark.skipif(
    not (orthanc.PROGRAM and orthanc.DICOMWEB), reason="Orthanc with its DICOMweb plugin is not installed"
)
def test_orthanc_starts_with_its_settings(tmp_path: Path) -> None:
    """All of them but paths and ports, which are the container's."""
    of_the_container = {"StorageDirectory", "IndexDirectory", "Plugins", "DicomPort", "HttpPort"}
    settings = {key: value for key, value in ORTHANC.items() if key not in of_the_container}

    with Orthanc(tmp_path / "orthanc", settings=settings) as archive:
        assert archive.ask("/system")["DicomAet"] == ORTHANC["DicomAet"]
        assert archive.ask("/modalities") == list(ORTHANC["DicomModalities"])
        assert "dicom-web" in archive.ask("/plugins")
        assert archive.ask(f"{ORTHANC['DicomWeb']['Root']}studies") == []
