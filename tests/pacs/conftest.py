"""The service in a process of its own, and the archive that it sends to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.deploy.service import Archive, Service


@pytest.fixture
def archive() -> Iterator[Archive]:
    archive = Archive()
    yield archive
    archive.close()


@pytest.fixture
def service(tmp_path: Path, archive: Archive) -> Iterator[Service]:
    service = Service(tmp_path / "service", archive.port).start()
    yield service
    service.interrupt()
