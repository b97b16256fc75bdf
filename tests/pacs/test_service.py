"""serve-dicom: studies come by the network, results go back; who may send, how much, and what a kill does."""

from __future__ import annotations

import ctypes
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path

import pydicom
import pytest
from cli_samples import run, tree
from pydicom.uid import CTImageStorage, ParametricMapStorage, RTStructureSetStorage
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from benchmarks.deploy.kills import send_and_kill, wrong_with
from benchmarks.deploy.service import Archive, Service, free_port, send_files, send_until_taken, until
from benchmarks.deploy.studies import small_study
from monai_inpaint.pacs.settings import Tls, listening_tls, read_settings, sending_tls

pytest.importorskip("highdicom", reason="needs the extra dicom")

SECONDS = 180


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


def done(service: Service, count: int = 1) -> bool:
    return len(service.jobs("sent")) == count


def test_a_study_comes_back_with_a_derived_series_and_nothing_outside_the_hole_changed(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    files = small_study(tmp_path / "study", "1.2.77")

    assert send_files(files, service.port) == [0, 0, 0]
    until(lambda: done(service), SECONDS, "the study is not done")

    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    record = json.loads((service.jobs("sent")[0] / "record.json").read_text())
    assert [entry["status"] for entry in record["series"]] == ["filled"]
    kept = sorted(path.name for path in service.jobs("sent")[0].iterdir())
    assert kept == ["input", "instances.json", "made.json", "record.json"]


def test_a_region_that_is_drawn_later_is_filled_and_nothing_else_is_done_again(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    *images, drawn = small_study(tmp_path / "study", "1.2.77")
    send_files(images, service.port)
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study is not done")
    assert "nothing is filled. No SEG of the study refers to it." in service.lines()
    assert not archive.of("1.2.77")

    send_files([drawn], service.port)
    until(lambda: done(service), SECONDS, "the region is not filled")
    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    assert not service.jobs("failed")

    came = len(archive.of("1.2.77"))
    second = pydicom.dcmread(drawn)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = "1.2.77.99"
    second.SeriesInstanceUID = "1.2.77.98"
    second.save_as(tmp_path / "second.dcm")
    send_files([tmp_path / "second.dcm"], service.port)
    until(lambda: done(service, 2), SECONDS, "the second region is not filled")
    assert len(archive.of("1.2.77")) == 2 * came
    assert all(len(copies) == 1 for copies in archive.received["1.2.77"].values())


def test_why_a_series_is_not_filled_goes_to_the_archive_once_as_a_report(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, report_skipped=True).start()
    *images, drawn = small_study(tmp_path / "study", "1.2.77")
    send_files(images, service.port)
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study is not done")

    (report,) = archive.of("1.2.77")
    texts = [item.TextValue for item in report.ContentSequence if item.RelationshipType == "CONTAINS"]
    assert texts == [
        "Research use only. Not for diagnosis.",
        "Series 1.2.77.1 (CT): No SEG of the study refers to it.",
    ]
    assert (report.PatientID, report.Modality, report.VerificationFlag) == ("P1", "SR", "UNVERIFIED")
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    if shutil.which("dciodvfy"):
        judged = subprocess.run(["dciodvfy", tmp_path / "report.dcm"], capture_output=True, text=True, check=False)
        assert "Error" not in judged.stderr, judged.stderr
    kept = sorted(path.name for path in service.jobs("failed")[0].iterdir())
    assert kept == ["input", "instances.json", "made.json", "record.json"]

    send_files([tmp_path / "report.dcm"], service.port)  # what comes back is not taken
    send_files([drawn], service.port)
    until(lambda: len(service.jobs("sent")) == 2, SECONDS, "the region is not filled")
    assert len(archive.of("1.2.77")) == 8  # seven results, no second report
    assert not service.jobs("failed")
    assert send_files([tmp_path / "report.dcm"], service.port) == [0]
    assert not service.jobs("arriving")
    assert "Doe" not in service.lines()
    service.interrupt()


def test_a_study_sent_again_is_not_filled_again_and_results_that_come_back_are_not_taken(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    send_files(files, service.port)
    until(lambda: done(service), SECONDS, "the study is not done")
    came = archive.of("1.2.77")
    back = tmp_path / "back"
    back.mkdir()
    for number, dataset in enumerate(came):
        dataset.save_as(back / f"{number}.dcm", enforce_file_format=True)

    assert set(send_files([*files, *back.iterdir()], service.port)) == {0}
    until(lambda: "dropped: it was sent before" in service.lines(), SECONDS, "the study is not dropped")

    assert len(archive.of("1.2.77")) == len(came)
    assert done(service)
    assert not [job for state in ("arriving", "waiting", "sending") for job in service.jobs(state)]


@pytest.mark.slow
def test_ten_studies_arrive_exactly_once_whenever_the_service_is_killed(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, quiet_seconds=2.0)

    kills = send_and_kill(service, tmp_path / "studies", studies=10, kills=12, seed=0)

    assert kills == 12
    for study in sorted((tmp_path / "studies").iterdir()):
        assert wrong_with(archive.of(study.name), study) == "", study.name
        for copies in archive.received[study.name].values():  # sent again after a kill: the very same instance
            assert all(copy == copies[0] for copy in copies)
    assert len(service.jobs("sent")) == 10
    assert not [job for state in ("arriving", "waiting", "sending", "failed") for job in service.jobs(state)]


def test_callers_that_are_not_listed_and_wrong_titles_are_refused(service: Service, tmp_path: Path) -> None:
    files = small_study(tmp_path / "study", "1.2.77")

    assert send_files(files, service.port, caller="STRANGER") == []
    assert send_files(files, service.port, called="OTHER") == []

    until(lambda: "caller STRANGER refused" in service.lines(), 10, service.lines())
    assert not service.jobs("arriving")


def test_it_answers_an_echo(service: Service) -> None:
    entity = AE("SENDER")
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", service.port, ae_title="FILLER")

    assert association.send_c_echo().Status == 0
    association.release()


DCMTK = shutil.which("dcmdump")  # not storescu, which pynetdicom also installs


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
    until(lambda: done(service), SECONDS, "the study is not done")


def test_another_instance_with_the_uid_of_one_that_is_there_is_refused(service: Service, tmp_path: Path) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    other = pydicom.dcmread(files[0])
    other.PatientID = "PRIVATE-7"
    pydicom.dcmwrite(tmp_path / "other.dcm", other)

    assert send_files([files[0], files[0], tmp_path / "other.dcm", *files[1:]], service.port) == [0, 0, 0x0111, 0, 0]
    until(lambda: done(service), SECONDS, "the study is not done")
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
    until(lambda: done(service), SECONDS, "the study is not done")
    service.interrupt()


def test_results_wait_until_the_archive_is_there(tmp_path: Path) -> None:
    service = Service(tmp_path / "service", free_port()).start()
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: "waits to be sent" in service.lines(), SECONDS, "nothing waits")
    assert service.interrupt() == 130
    before = tree(service.jobs("sending")[0] / "results")

    archive = Archive()
    service.settings["send"]["port"] = archive.port
    service.start()
    until(lambda: done(service), SECONDS, "the study is not done")

    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    made = {pydicom.dcmread(io.BytesIO(data or b"")).SOPInstanceUID for path, data in before.items() if "dcm" in path}
    assert set(archive.received["1.2.77"]) == made
    service.interrupt()
    archive.close()


def test_results_that_the_archive_refuses_are_kept_and_told(tmp_path: Path) -> None:
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
    until(lambda: done(service), SECONDS, "the study is not tried again")
    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    service.interrupt()
    archive.close()


def test_an_archive_that_refuses_one_kind_of_object_gets_the_rest_and_the_record_names_it(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    archive.refused = {RTStructureSetStorage, ParametricMapStorage}
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: done(service), SECONDS, "the study is not done")

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing_half_done(
    number: int, archive: Archive, tmp_path: Path
) -> None:
    service = Service(tmp_path / "service", archive.port, quiet_seconds=0.2).start()
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: bool(service.jobs("waiting")), SECONDS, "the study is not taken")

    assert service.interrupt(number) == 130

    assert "studies that are not done: 1" in service.lines()
    assert "Traceback" not in service.lines()
    service.start()
    until(lambda: done(service), SECONDS, "the study is not done")
    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    service.interrupt()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="signals to a single thread are sent by Linux's tgkill"
)
def test_an_interrupt_that_another_thread_takes_ends_it_too(service: Service) -> None:
    assert service.process is not None
    process = service.process.pid

    def others() -> list[int]:
        return [int(task.name) for task in Path(f"/proc/{process}/task").iterdir() if int(task.name) != process]

    until(lambda: len(others()) >= 3, SECONDS, "its threads do not start")
    time.sleep(0.5)  # so that the main thread waits

    assert ctypes.CDLL(None).tgkill(process, others()[0], signal.SIGINT) == 0

    assert service.process.wait(20) == 130
    assert "interrupted" in service.lines()


def test_two_services_cannot_hold_one_queue_or_one_port(service: Service, tmp_path: Path, capfd) -> None:
    path = service.folder / "settings.json"
    ran = run(capfd, "serve-dicom", path)
    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "in use by another process" in ran.lines[0]

    other = tmp_path / "settings.json"
    other.write_text(json.dumps({**service.settings, "queue": "elsewhere"}))
    ran = run(capfd, "serve-dicom", other)
    assert ran.code == 2
    assert "cannot be listened on" in ran.lines[0]


def test_the_log_and_the_records_hold_no_patient_data(service: Service, tmp_path: Path) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    odd = pydicom.dcmread(files[0])
    odd.SOPInstanceUID, odd.SeriesInstanceUID = "1.2.77.9", "1.2.77.8"
    odd.file_meta.MediaStorageSOPInstanceUID = "1.2.77.9"
    odd.PatientBirthDate = "Doe"  # no date
    odd.save_as(tmp_path / "odd.dcm")
    send_files([*files, tmp_path / "odd.dcm"], service.port)
    until(lambda: done(service), SECONDS, "the study is not done")

    # what was filled and made is removed after the study counts as sent
    kept = "".join(path.read_text() for path in service.jobs("sent")[0].glob("*.json"))
    for text in (service.lines(), kept):
        assert "Doe" not in text
        assert "P1" not in text
        assert "Thorax" not in text


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
    known, stranger = sending_tls(Tls(*ours)), sending_tls(Tls(theirs[0], theirs[1], ours[2]))

    assert send_files(files, service.port) == []
    assert send_files(files, service.port, tls=(stranger, "localhost")) == []
    assert send_files(files, service.port, tls=(known, "localhost")) == [0, 0, 0]
    until(lambda: done(service), SECONDS, "the study is not done")

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


# --- what operators see


def test_health_and_metrics_tell_what_waits_and_the_log_is_json_on_request(archive: Archive, tmp_path: Path) -> None:
    port = free_port()
    service = Service(tmp_path / "service", archive.port, monitor=port, log="json").start()
    assert ask(port, "/health") == (200, '{"status": "works", "waits": {}}\n')
    archive.status = 0xA700
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: ask(port, "/health")[0] == 503, SECONDS, "nothing waits")
    assert json.loads(ask(port, "/health")[1]) == {
        "status": "waits",
        "waits": {"sending": "ARCHIVE has no room now (status A700)."},
    }
    assert 'monai_inpaint_waits{part="sending"} 1.0' in ask(port, "/metrics")[1]
    archive.status = 0
    until(lambda: done(service), SECONDS, "the study is not sent")

    # The study is moved to `sent` a moment before its stage notes that nothing waits any more.
    until(lambda: ask(port, "/health")[0] == 200, SECONDS, "something still waits")
    metrics = ask(port, "/metrics")[1]
    assert 'monai_inpaint_studies{state="sent"} 1.0' in metrics
    assert 'monai_inpaint_studies{state="sending"} 0.0' in metrics
    assert "1.2.77" not in metrics
    assert ask(port, "/")[0] == 404
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**service.settings, "queue": "elsewhere"}))
    taken = subprocess.run(
        [sys.executable, "-m", "monai_inpaint", "serve-dicom", other], capture_output=True, text=True, check=False
    )
    assert taken.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in taken.stderr
    assert service.interrupt() == 130
    lines = [json.loads(line) for line in service.lines().splitlines() if line.startswith("{")]
    assert {line["study"] for line in lines} == {None, "1.2.77"}
    assert all(datetime.fromisoformat(line["time"]).utcoffset() is not None for line in lines)


def ask(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


# --- settings

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
