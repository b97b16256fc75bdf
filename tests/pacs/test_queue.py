"""The queue on disk: a process that is killed at any of its steps loses no study and makes none twice."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import uuid
from pathlib import Path

import pytest

from monai_inpaint import InputError
from monai_inpaint.pacs import durable_files
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.arrival import Arrival, Full
from monai_inpaint.pacs.arriving import Different, TooLarge
from monai_inpaint.pacs.job_layout import FAILED, FETCHING, SENDING, SENT, WAITING
from monai_inpaint.pacs.queue import Queue

STUDY, INSTANCES = "1.2.3", ["1.2.3.1", "1.2.3.2", "1.2.3.3"]
LARGE = 10**6


class Killed(BaseException):
    """The process is no more."""


class Disk:
    """Counts how often something is put on the disk, and kills the process at one of these moments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self._sync = durable_files.sync
        monkeypatch.setattr(durable_files, "sync", self)

    def __call__(self, path: Path) -> None:
        if self.left == 0:
            self.left = None
            raise Killed
        if self.left is not None:
            self.left -= 1
        self._sync(path)


def opened(root: Path, study_bytes: int = LARGE, quota_bytes: int = LARGE) -> Queue:
    return Queue(root, study_bytes, quota_bytes)


def came(queue: Queue, size: int = 100, content: bytes = b"\0") -> Arrival:
    """An instance that has just been received."""
    arrival = queue.arriving.arrival()
    arrival.write(content * size)
    arrival.finish()
    return arrival


def work(queue: Queue, acknowledged: set[str], sent: list[dict[str, str]]) -> None:
    """What sender and service do: send what was not acknowledged, take the study, fetch the rest, fill, send."""
    for instance in INSTANCES[:-1]:
        if instance not in acknowledged:
            queue.arriving.store(came(queue), STUDY, instance)
            acknowledged.add(instance)
    queue.arriving.take(0, FETCHING)
    job = queue.next(FETCHING)
    if job:
        fetched = job / "fetched.partial"
        (fetched / places.INPUT).mkdir(parents=True)
        for instance in INSTANCES[-2:]:
            (fetched / places.INPUT / f"{instance}.dcm").write_bytes(bytes(100))
        queue.keep_fetched(job, fetched)
        shutil.rmtree(fetched)
        queue.move(job, WAITING)
    job = queue.next(WAITING)
    if job:
        if not (job / places.RESULTS).is_dir():
            results = job / "made.partial" / places.RESULTS
            results.mkdir(parents=True)
            made = [str(uuid.uuid4()) for _ in range(2)]  # new ones each time that results are made
            for number, uid in enumerate(made):
                (results / f"{number}.dcm").write_text(uid)
            (results / places.RECORD).write_text("{}")
            queue.keep_results(job, results, made)
        queue.move(job, SENDING)
    job = queue.next(SENDING)
    if job:
        sent.append({path.name: path.read_text() for path in (job / places.RESULTS).glob("*.dcm")})
        queue.finish(job)


def test_killed_at_any_step_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        root, acknowledged, sent = tmp_path / str(steps), set(), []
        queue = opened(root)
        disk.left, killed = steps, False
        try:
            work(queue, acknowledged, sent)
        except Killed:
            killed = True
            os.close(queue._held)
            queue = opened(root)
            work(queue, acknowledged, sent)
        disk.left = None
        queue.close()

        jobs = list((root / SENT).iterdir())
        assert [job.name for job in jobs] == [f"{STUDY}_1"], steps
        assert json.loads((jobs[0] / places.INSTANCES).read_text()) == INSTANCES
        assert (jobs[0] / places.RECORD).is_file()
        assert len(list((jobs[0] / places.INPUT).iterdir())) == len(INSTANCES)
        assert sent
        assert all(one == sent[0] for one in sent), steps  # what is sent again is the same
        assert sorted(json.loads((jobs[0] / places.MADE).read_text())) == sorted(sent[0].values())
        for state in ("arriving", "fetching", "waiting", "sending", "failed", "incoming", "trash"):
            assert not list((root / state).iterdir()), (steps, state)
        steps += 1
    assert steps > 30


def test_more_of_a_study_that_waits_for_the_archive_joins_it_whenever_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        queue, killed = opened(tmp_path / str(steps)), False
        queue.arriving.store(came(queue), STUDY, INSTANCES[0])
        queue.arriving.take(0, FETCHING)
        job = queue.next(FETCHING)
        queue.arriving.store(came(queue), STUDY, INSTANCES[1])
        assert queue.arriving.take(0, FETCHING) == []  # it is being fetched

        assert job
        assert queue.next(FETCHING, {job}) is None  # it is tried again later
        disk.left = steps
        try:
            queue.arriving.take(0, FETCHING)
        except Killed:
            killed = True
            os.close(queue._held)
            queue = opened(tmp_path / str(steps))
            queue.arriving.take(0, FETCHING)
        disk.left = None

        jobs = [path for state in places.STATES for path in (queue.root / state).iterdir()]
        assert [job.parent.name for job in jobs] == [FETCHING], steps
        assert json.loads((jobs[0] / places.INSTANCES).read_text()) == INSTANCES[:2], steps
        assert len(list((jobs[0] / places.INPUT).iterdir())) == 2, steps
        queue.close()
        steps += 1
    assert steps > 5


def test_older_images_make_room_for_what_is_fetched(tmp_path: Path) -> None:
    queue = opened(tmp_path, quota_bytes=1000)
    queue.arriving.store(came(queue, 600), STUDY, INSTANCES[0])
    assert queue.quota.room_for(700) == 400

    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job
    queue.finish(queue.move(job, SENDING))

    assert queue.quota.room_for(700) == 700
    assert queue.quota.room_for(7000) < 1000


def test_an_instance_is_on_the_disk_when_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    for steps in range(20):
        queue = opened(tmp_path / str(steps))
        disk.left, acknowledged = steps, False
        try:
            acknowledged = queue.arriving.store(came(queue), STUDY, INSTANCES[0])
        except Killed:
            os.close(queue._held)
            queue = opened(tmp_path / str(steps))
        disk.left = None
        there = list((tmp_path / str(steps) / "arriving").rglob("*.dcm"))
        assert len(there) <= 1
        assert there or not acknowledged
        queue.close()
    assert acknowledged


@pytest.mark.parametrize("state", ["arriving", WAITING, SENDING])
def test_of_two_instances_with_one_uid_the_second_is_taken_only_if_it_is_the_same(tmp_path: Path, state: str) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    if state != "arriving":
        queue.arriving.take(0)
        job = queue.next(WAITING)  # being filled: it is not taken back
        assert job
        queue.move(job, state)

    assert queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    for size, content in ((100, b"\1"), (99, b"\0"), (101, b"\0")):
        other = came(queue, size, content)
        with pytest.raises(Different):
            queue.arriving.store(other, STUDY, INSTANCES[0])
        other.discard()

    kept = list(tmp_path.rglob(f"{INSTANCES[0]}.dcm"))
    assert all(path.read_bytes() == bytes(100) for path in kept)
    assert not list((tmp_path / "incoming").iterdir())
    queue.arriving.take(0)
    assert len(list(tmp_path.rglob(f"{INSTANCES[0]}.dcm"))) == 1


def test_a_study_that_failed_may_come_again_corrected(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job
    queue.fail(job, "It is damaged.")

    assert queue.arriving.store(came(queue, content=b"\1"), STUDY, INSTANCES[0])
    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]


def test_a_study_is_taken_when_it_has_been_quiet_and_not_before(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(60) == []
    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]
    assert queue.next(WAITING) == tmp_path / WAITING / f"{STUDY}_1"


def test_what_lay_there_before_a_start_or_broke_off_is_given_ten_times_as_long(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.close()
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), "1.2.4", "1.2.4.1")
    queue.arriving.ended({"1.2.4"}, whole=False)

    time.sleep(0.1)
    assert queue.arriving.take(0.05) == []

    queue.arriving.store(came(queue), STUDY, INSTANCES[1])
    queue.arriving.ended({STUDY}, whole=True)
    time.sleep(0.1)
    assert queue.arriving.take(0.05) == [(STUDY, "complete with 2 instances")]
    assert queue.arriving.take(0.005) == [("1.2.4", "complete with 1 instances")]


def test_what_was_sent_whole_before_a_start_is_not_waited_for(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.ended({STUDY}, whole=True)
    queue.close()
    queue = opened(tmp_path)

    time.sleep(0.1)
    assert queue.arriving.take(0.05) == [(STUDY, "complete with 1 instances")]


def test_a_study_that_waits_is_taken_back_when_more_of_it_comes_but_not_while_it_is_filled(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    queue.arriving.store(came(queue), STUDY, INSTANCES[1])
    assert queue.arriving.take(0) == [(STUDY, "complete with 2 instances")]

    assert queue.next(WAITING) == tmp_path / WAITING / f"{STUDY}_1"
    queue.arriving.store(came(queue), STUDY, INSTANCES[2])
    assert queue.arriving.take(0) == []
    queue.finish(queue.move(tmp_path / WAITING / f"{STUDY}_1", SENDING))
    assert queue.arriving.take(0) == [(STUDY, "complete with 3 instances")]
    assert [job.name for job in (tmp_path / WAITING).iterdir()] == [f"{STUDY}_2"]


LATER = "1.2.3.9"  # a region, drawn when the images were done


@pytest.mark.parametrize("state", [SENT, FAILED])
def test_what_is_kept_joins_what_comes_later_whenever_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        root = tmp_path / str(steps)
        queue = opened(root)
        done(queue, state)
        queue.arriving.store(came(queue), STUDY, LATER)
        disk.left, killed = steps, False
        try:
            queue.arriving.take(0)
        except Killed:
            killed = True
            os.close(queue._held)
            queue = opened(root)
            queue.arriving.take(0)
        disk.left = None
        queue.close()

        (job,) = (root / WAITING).iterdir()
        assert sorted(path.stem for path in (job / places.INPUT).iterdir()) == [*INSTANCES, LATER], steps
        assert json.loads((job / places.INSTANCES).read_text()) == [*INSTANCES, LATER]
        assert [path.name for path in (root / SENT).iterdir()] == ([f"{STUDY}_1"] if state == SENT else [])
        assert not list((root / FAILED).iterdir())
        assert len(list(root.rglob("*.dcm"))) == len(INSTANCES) + 1
        steps += 1
    assert steps > 5


def test_a_study_of_which_nothing_was_filled_is_dropped_when_it_comes_again(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    done(queue, FAILED)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    assert queue.arriving.take(0) == [(STUDY, "dropped: it was sent before")]
    assert [job.name for job in (tmp_path / FAILED).iterdir()] == [f"{STUDY}_1"]


@pytest.mark.parametrize("state", [SENT, FAILED])
def test_what_is_kept_gives_way_to_what_comes_the_oldest_first(tmp_path: Path, state: str) -> None:
    queue = opened(tmp_path, quota_bytes=1600)
    for study in ("1.2.3", "1.2.4"):
        done(queue, state, study, 600)
    queue.arriving.store(came(queue, 600), "1.2.5", "1.2.5.1")

    assert [path.name for path in tmp_path.rglob("*.dcm") if path.stat().st_size == 600] == [
        "1.2.4.1.dcm",
        "1.2.5.1.dcm",
    ]
    assert (tmp_path / state / "1.2.3_1" / places.INSTANCES).is_file()


def test_what_is_kept_goes_when_its_time_is_over(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    done(queue, SENT)
    queue.close()
    Queue(tmp_path, LARGE, LARGE, keep_seconds=3600.0).close()
    assert len(list(tmp_path.rglob("*.dcm"))) == len(INSTANCES)

    queue = Queue(tmp_path, LARGE, LARGE, keep_seconds=0.01)
    time.sleep(0.05)
    queue.arriving.take(0)
    assert not list(tmp_path.rglob("*.dcm"))
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    assert queue.arriving.take(0) == [(STUDY, "dropped: it was sent before")]


def done(queue: Queue, state: str, study: str = STUDY, size: int = 100) -> None:
    """Have a study done: filled and sent, or in `failed` since there was nothing to fill."""
    for number in range(len(INSTANCES) if study == STUDY and size == 100 else 1):
        queue.arriving.store(came(queue, size), study, f"{study}.{number + 1}")
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job
    record = job / "made.partial"
    record.write_text(json.dumps({"series": [{"status": "skipped"}]}))
    if state == FAILED:
        queue.set_aside(job, record)
    else:
        record.write_text(json.dumps({"series": [{"status": "filled", "source": ""}]}))
        record.rename(job / places.RECORD)
        queue.finish(queue.move(job, SENDING))


def test_a_study_that_comes_again_with_something_new_is_a_job_of_its_own(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    work(queue, set(), [])
    for instance in [*INSTANCES, "1.2.3.4"]:
        queue.arriving.store(came(queue), STUDY, instance)

    assert queue.arriving.take(0) == [(STUDY, "complete with 4 instances")]
    assert queue.next(WAITING) == tmp_path / WAITING / f"{STUDY}_2"


def test_a_study_that_comes_again_is_dropped_and_so_are_our_own_results(tmp_path: Path) -> None:
    queue, sent = opened(tmp_path), []
    work(queue, set(), sent)

    own = uuid.uuid4().int
    (tmp_path / SENT / f"{STUDY}_1" / places.MADE).write_text(json.dumps([f"2.25.{own}"]))
    assert not queue.arriving.store(came(queue), STUDY, f"2.25.{own}")
    for instance in INSTANCES:
        assert queue.arriving.store(came(queue), STUDY, instance)
    assert queue.arriving.take(0) == [(STUDY, "dropped: it was sent before")]
    assert queue.next(WAITING) is None


def test_a_study_that_failed_may_come_again(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job is not None
    queue.fail(job, "It was too hard.")

    queue.arriving.store(came(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]
    assert json.loads((tmp_path / "failed" / f"{STUDY}_1" / places.RECORD).read_text()) == {"why": "It was too hard."}


def test_a_study_that_grows_too_large_is_refused_as_a_whole(tmp_path: Path) -> None:
    queue = opened(tmp_path, study_bytes=250)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.store(came(queue), STUDY, INSTANCES[1])
    queue.arriving.store(came(queue), STUDY, INSTANCES[1])  # sent again: no more than before
    with pytest.raises(TooLarge):
        queue.arriving.store(came(queue), STUDY, INSTANCES[2])
    with pytest.raises(TooLarge):
        queue.arriving.store(came(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(0) == [(STUDY, "refused: it is larger than a study may be")]
    assert queue.next(WAITING) is None
    queue.arriving.store(came(queue), "1.2.4", "1.2.4.1")


def test_a_full_queue_takes_again_when_there_is_room(tmp_path: Path) -> None:
    queue, sent = opened(tmp_path, quota_bytes=1600), []
    queue.arriving.store(came(queue, 1500), "1.2.4", "1.2.4.1")
    with pytest.raises(Full):
        queue.arriving.store(came(queue, 600), STUDY, INSTANCES[0])

    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job is not None
    results = job / "made.partial" / places.RESULTS
    results.mkdir(parents=True)
    (results / places.RECORD).write_text("{}")
    queue.keep_results(job, results, [])
    queue.finish(queue.move(job, SENDING))

    work(queue, set(), sent)
    assert len(sent) == 1


@pytest.mark.parametrize("uid", ["", "..", "1.2/../3", "1..2", "1" * 65, "a", "1.2\n"])
def test_what_is_no_uid_names_no_folder(uid: str, tmp_path: Path) -> None:
    queue = opened(tmp_path)
    for study, instance in ((uid, "1.2"), ("1.2", uid)):
        with pytest.raises(ValueError, match="not UIDs"):
            queue.arriving.store(came(queue), study, instance)
    assert not list((tmp_path / "arriving").iterdir())


def test_one_process_holds_a_queue(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    with pytest.raises(InputError, match="in use by another process"):
        opened(tmp_path)
    queue.close()
    opened(tmp_path).close()


def test_a_queue_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        opened(tmp_path / "file" / "queue")


# --- what does not belong there


def test_a_job_whose_note_is_damaged_goes_to_failed_and_its_study_may_come_again(tmp_path: Path) -> None:
    said: list[str] = []
    queue = Queue(tmp_path, LARGE, LARGE, said.append)
    work(queue, set(), [])
    (tmp_path / SENT / f"{STUDY}_1" / places.INSTANCES).write_text("")

    queue.arriving.store(came(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]
    assert [job.name for job in (tmp_path / FAILED).iterdir()] == [f"{STUDY}_1"]
    assert len(said) == 1
    assert said[0].startswith(f"study {STUDY}_1 failed: What is kept of it cannot be used.")


def test_a_damaged_job_takes_the_place_of_no_other_in_failed(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    (tmp_path / FAILED / f"{STUDY}_1").mkdir()
    (tmp_path / FAILED / f"{STUDY}_1" / "kept").touch()
    job = queue.next(WAITING)
    assert job is not None

    queue.fail(job, "It was too hard.")

    assert sorted(job.name for job in (tmp_path / FAILED).iterdir()) == [f"{STUDY}_1", f"{STUDY}_2"]


def test_a_job_that_cannot_even_be_moved_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    queue = Queue(tmp_path, LARGE, LARGE, said.append)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.store(came(queue), "1.2.4", "1.2.4.1")
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job is not None

    def denied(*_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(durable_files, "rename", denied)
        queue.quarantine(job, PermissionError(13, "Permission denied"))

    assert said == [f"study {job.name} is damaged and cannot be moved to failed: it is left alone"]
    other = queue.next(WAITING)
    assert other is not None
    assert other != job
    job.chmod(0o700)  # whoever keeps the queue has seen to it
    assert queue.next(WAITING) in (job, other)


def test_a_full_disk_is_no_fault_of_a_job(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(came(queue), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job is not None
    error = InputError("It cannot be written.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError):
        queue.quarantine(job, error)

    assert queue.next(WAITING) == job


def test_what_is_coming_in_counts_for_the_quota(tmp_path: Path) -> None:
    queue = opened(tmp_path, quota_bytes=1000)
    first, second = queue.arriving.arrival(), queue.arriving.arrival()
    first.write(bytes(600))
    with pytest.raises(Full):
        second.write(bytes(600))
    first.discard()

    second.write(bytes(600))
    second.finish()
    queue.arriving.store(second, STUDY, INSTANCES[0])
    with pytest.raises(Full):
        queue.arriving.arrival().write(bytes(600))


def test_a_queue_among_other_things_is_closed_without_closing_them(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    tmp_path.chmod(0o755)
    opened(tmp_path).close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / SENT).stat().st_mode & 0o777 == 0o700
