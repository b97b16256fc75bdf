"""Results on their way to the archive: they wait for it, and are kept if it refuses them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pydicom
import pytest
from cli_samples import tree
from pydicom.uid import CTImageStorage, ParametricMapStorage, RTStructureSetStorage

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Archive, Service, free_port, send_files, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

SECONDS = 180


def test_results_wait_until_the_archive_is_there(tmp_path: Path) -> None:
    service = Service(tmp_path / "service", free_port()).start()
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: "waits to be sent" in service.lines(), SECONDS, "nothing waits")
    assert service.interrupt() == 130
    before = tree(service.jobs("sending")[0] / "results")

    archive = Archive()
    service.settings["send"]["port"] = archive.port
    service.start()
    service.wait_sent()

    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    made = {pydicom.dcmread(io.BytesIO(data or b"")).SOPInstanceUID for path, data in before.items() if "dcm" in path}
    assert set(archive.received["1.2.77"]) == made
    service.interrupt()
    archive.close()


def test_results_that_the_archive_refuses_are_kept_and_reported(tmp_path: Path) -> None:
    archive = Archive(status=0xC001)
    service = Service(tmp_path / "service", archive.port).start()
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study does not fail")

    why = json.loads((service.jobs("failed")[0] / "record.json").read_text())["why"]
    assert why.startswith("ARCHIVE refused 7 of 7 results: 2 CT Image Storage (status C001), ")
    assert (service.jobs("failed")[0] / "results").is_dir()

    archive.status = 0
    service.interrupt()
    job = service.jobs("failed")[0]
    job.rename(service.queue / "waiting" / job.name)
    service.start()
    service.wait_sent()
    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    service.interrupt()
    archive.close()


def test_an_archive_that_refuses_one_kind_of_object_gets_the_rest_and_the_record_names_it(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    archive.refused = {RTStructureSetStorage, ParametricMapStorage}
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    service.wait_sent()

    assert sorted(dataset.Modality for dataset in archive.of("1.2.77")) == ["CT", "CT", "OT", "SEG", "SR"]
    why = (
        "ARCHIVE refused 2 of 7 results: "
        "1 Parametric Map Storage (status 0122), 1 RT Structure Set Storage (status 0122)."
    )
    assert json.loads((service.jobs("sent")[0] / "record.json").read_text())["refused"] == why
    until(lambda: f"done: {why}" in service.lines(), 10, "the log does not say it")


def test_a_study_fails_where_the_archive_refuses_its_derived_series(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    archive.refused = {CTImageStorage}
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study does not fail")

    why = json.loads((service.jobs("failed")[0] / "record.json").read_text())["why"]
    assert why == "ARCHIVE refused 2 of 7 results: 2 CT Image Storage (status 0122)."
    assert len(list((service.jobs("failed")[0] / "results").rglob("*.dcm"))) == 7
