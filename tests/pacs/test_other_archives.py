"""Two archives beside Orthanc: a region drawn later is sent from there, and its result comes back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, StudyRootQueryRetrieveInformationModelMove, Verification

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Service, free_port, send_files, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

STUDY, SECONDS = "1.2.77", 240
DCMTK, WITHOUT_GET, PYNETDICOM = "dcmqrscp", "dcmqrscp --disable-get", "qrscp"


class OtherArchive:
    """DCMTK's dcmqrscp, with C-GET or with C-MOVE alone, or pynetdicom's qrscp, in a process of its own.

    Args:
        program: one of these.
        folder: for its files.
        filler: port of the service, which it knows as FILLER.
    """

    def __init__(self, program: str, folder: Path, filler: int) -> None:
        self.port, self._images, self._log = free_port(), folder / "images", folder / "log.txt"
        self._images.mkdir(parents=True)
        settings = folder / "settings"
        if program != PYNETDICOM:
            settings.write_text(
                f"NetworkTCPPort = {self.port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
                f"HostTable BEGIN\nfiller = (FILLER, 127.0.0.1, {filler})\nHostTable END\n"
                f"VendorTable BEGIN\nVendorTable END\n"
                f"AETable BEGIN\nARCHIVE {self._images} RW (10, 1024mb) ANY\nAETable END\n"
            )
            command = [*program.split(), "--config", str(settings)]
        else:
            settings.write_text(
                f"[DEFAULT]\nae_title: ARCHIVE\nport: {self.port}\nmax_pdu: 16382\n"
                f"acse_timeout: 30\ndimse_timeout: 30\nnetwork_timeout: 30\nbind_address: 127.0.0.1\n"
                f"instance_location: {self._images}\n"
                f"database_location: {folder / 'instances.sqlite'}\nlog_identifier: False\n"
                f"[FILLER]\naddress: 127.0.0.1\nport: {filler}\n"
            )
            command = [sys.executable, "-m", "pynetdicom", program, "--config", str(settings)]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers, 60, f"{program} does not answer", 0.2)

    def send(self, study: str, series: str) -> None:
        """Have it send a series to the service (C-MOVE), as from a workstation."""
        query = Dataset()
        query.QueryRetrieveLevel, query.StudyInstanceUID, query.SeriesInstanceUID = "SERIES", study, series
        entity = AE("SENDER")
        entity.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
        association = entity.associate("127.0.0.1", self.port, ae_title="ARCHIVE")
        model = StudyRootQueryRetrieveInformationModelMove
        answers = [status for status, _ in association.send_c_move(query, "FILLER", model)]
        association.release()
        assert answers[-1].Status == 0, (answers[-1], self._log.read_text())

    def held(self) -> dict[str, Dataset]:
        """Its instances by their UIDs, as they lie on its disk."""
        found = (pydicom.dcmread(path) for path in self._images.iterdir() if path.name != "index.dat")
        return {str(dataset.SOPInstanceUID): dataset for dataset in found}

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        entity = AE("SENDER")
        entity.add_requested_context(Verification)
        association = entity.associate("127.0.0.1", self.port, ae_title="ARCHIVE")
        association.release()
        return association.is_released


@pytest.fixture(params=[DCMTK, WITHOUT_GET, PYNETDICOM])
def program(request: pytest.FixtureRequest) -> str:
    if request.param != PYNETDICOM and shutil.which(DCMTK) is None:
        pytest.skip("DCMTK is not installed")
    if request.param == PYNETDICOM and find_spec("sqlalchemy") is None:
        pytest.skip("SQLAlchemy, which qrscp needs, is not installed")
    return request.param


def test_a_region_drawn_later_is_filled_in_a_series_that_is_fetched(program: str, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", 0, listen={"callers": ["ARCHIVE"]})
    archive = OtherArchive(program, tmp_path / "archive", service.port)
    node = {"port": archive.port, "title": "ARCHIVE"}
    service.settings |= {"send": node, "fetch": node}
    service.start()
    *images, drawn = small_study(tmp_path / "study", STUDY)
    assert set(send_files(images, archive.port, called="ARCHIVE")) == {0}
    # an hour later
    assert send_files([drawn], archive.port, called="ARCHIVE") == [0]
    originals = set(archive.held())

    archive.send(STUDY, pydicom.dcmread(drawn).SeriesInstanceUID)  # and not the series

    service.wait_sent()
    assert f"fetched 2 instances of series {STUDY}.1" in service.lines()
    made = [dataset for uid, dataset in archive.held().items() if uid not in originals]
    assert wrong_with(made, tmp_path / "study") == ""
    derived = next(dataset.SeriesInstanceUID for dataset in made if dataset.SOPClassUID == CTImageStorage)
    archive.send(STUDY, derived)  # as an archive that forwards whatever comes
    assert service.interrupt() == 130
    archive.close()
