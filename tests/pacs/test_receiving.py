"""What serve-dicom takes and refuses: who may send, what, and how much."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest
from cli_samples import tree
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Archive, Service, send_files, send_until_taken, until
from benchmarks.deploy.studies import small_study
from monai_inpaint.pacs.settings import Tls, listening_tls, sending_tls

pytest.importorskip("highdicom", reason="needs the extra dicom")

SECONDS = 180
DCMTK = shutil.which("dcmdump")  # not storescu, which pynetdicom also installs


def test_it_answers_an_echo(service: Service) -> None:
    entity = AE("SENDER")
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", service.port, ae_title="FILLER")

    assert association.send_c_echo().Status == 0
    association.release()


@pytest.mark.skipif(DCMTK is None, reason="DCMTK is not installed")
def test_clients_of_dcmtk_are_served(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, quiet_seconds=60).start()
    files = small_study(tmp_path / "study", "1.2.77")
    titles = ["-aet", "SENDER", "-aec", "FILLER", "127.0.0.1", str(service.port)]
    assert DCMTK
    echoscu, storescu = (Path(DCMTK).with_name(name) for name in ("echoscu", "storescu"))

    subprocess.run([echoscu, *titles], check=True)
    for options in ([], ["--propose-implicit"], ["--max-pdu", "4096"], ["--abort"]):
        subprocess.run([storescu, "--required", *options, *titles, *map(str, files)], check=True)

    arrived = list((service.queue / "arriving" / "1.2.77" / "input").iterdir())
    assert len(arrived) == 3
    assert all(pydicom.dcmread(path).StudyInstanceUID == "1.2.77" for path in arrived)
    service.interrupt()


def test_callers_that_are_not_listed_and_wrong_titles_are_refused(service: Service, tmp_path: Path) -> None:
    files = small_study(tmp_path / "study", "1.2.77")

    assert send_files(files, service.port, caller="UNLISTED") == []
    assert send_files(files, service.port, called="OTHER") == []

    until(lambda: "caller UNLISTED refused" in service.lines(), 10, service.lines())
    assert not service.jobs("arriving")


def test_with_tls_only_certificates_of_the_authority_are_taken(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, to make certificates")
    ours, theirs = certificates(tmp_path / "ours"), certificates(tmp_path / "theirs")
    settings = {"certificate": str(ours[0]), "key": str(ours[1]), "authority": str(ours[2])}
    archive = Archive(tls=listening_tls(Tls(*ours)))
    service = Service(
        tmp_path / "service", archive.port, listen={"tls": settings}, send={"tls": settings, "host": "localhost"}
    ).start()
    files = small_study(tmp_path / "study", "1.2.77")
    known, unknown = sending_tls(Tls(*ours)), sending_tls(Tls(theirs[0], theirs[1], ours[2]))

    assert send_files(files, service.port) == []
    assert send_files(files, service.port, tls=(unknown, "localhost")) == []
    assert send_files(files, service.port, tls=(known, "localhost")) == [0, 0, 0]
    service.wait_sent()

    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    service.interrupt()
    archive.close()


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate for localhost, its key, and the authority that signed it: itself."""
    folder.mkdir()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key, certificate


def test_what_is_no_instance_or_leads_elsewhere_is_refused_and_the_service_goes_on(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    bad = []
    for number, (study, instance) in enumerate([("../../up", "1.2.3"), ("1.2.3", ".."), ("", "1.2.3"), ("1.2.3", "")]):
        dataset = pydicom.dcmread(files[0])
        dataset.StudyInstanceUID, dataset.SOPInstanceUID = study, instance
        dataset.file_meta.MediaStorageSOPInstanceUID = instance
        pydicom.dcmwrite(tmp_path / f"{number}.dcm", dataset)
        bad.append(tmp_path / f"{number}.dcm")

    answers = [answer for path in bad for answer in send_files([path], service.port)]

    assert 0 not in answers
    assert not list(tmp_path.glob("up*"))
    assert not service.jobs("arriving")
    assert send_files(files, service.port) == [0, 0, 0]
    service.wait_sent()


def test_another_instance_with_the_uid_of_one_that_is_there_is_refused(service: Service, tmp_path: Path) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    other = pydicom.dcmread(files[0])
    other.PatientID = "PRIVATE-7"
    pydicom.dcmwrite(tmp_path / "other.dcm", other)

    assert send_files([files[0], files[0], tmp_path / "other.dcm", *files[1:]], service.port) == [0, 0, 0x0111, 0, 0]
    service.wait_sent()
    assert "another one with its UID is there" in service.lines()
    assert "PRIVATE" not in service.lines()


def test_a_study_larger_than_allowed_is_refused_as_a_whole(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, study_mb=0.005).start()
    files = small_study(tmp_path / "study", "1.2.77")

    assert send_files(files, service.port)[:3] == [0, 0xA700, 0xA700]
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study is not refused")

    assert list(tree(service.jobs("failed")[0])) == ["record.json"]
    assert "larger than a study may be" in service.lines()
    service.interrupt()


def test_a_sender_that_never_ends_an_instance_is_cut_off(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, study_mb=1).start()
    big = pydicom.dcmread(small_study(tmp_path / "study", "1.2.77")[0])
    big.add_new(0x00091001, "OB", bytes(20_000_000))
    big.save_as(tmp_path / "big.dcm")

    answers = send_files([tmp_path / "big.dcm"], service.port)

    assert answers == [None]
    until(lambda: "sends more than a study may hold" in service.lines(), 20, "nothing is said")
    until(lambda: sum(path.stat().st_size for path in (service.queue / "incoming").iterdir()) < 6e6, 20, "it is kept")
    assert not service.jobs("arriving")
    service.interrupt()


def test_a_full_queue_refuses_and_takes_again_when_there_is_room(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, quota_mb=0.012).start()
    large = small_study(tmp_path / "first", "1.2.77")
    ballast = service.queue / "failed" / "1.2.5_1"
    ballast.mkdir()
    service.interrupt()
    (ballast / "kept.dcm").write_bytes(bytes(11_000))
    service.start()

    assert 0xA700 in send_files(large, service.port)
    assert "there is no room for them" in service.lines()
    service.interrupt()
    shutil.rmtree(ballast)
    service.start()

    send_until_taken(large, service.port)
    service.wait_sent()
    service.interrupt()
