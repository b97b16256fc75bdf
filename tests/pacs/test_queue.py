"""The queue on disk: a process that is killed at any of its steps loses no study and makes none twice."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from queue_samples import INSTANCES, STUDY, Disk, opened, received, restarted, work

from monai_inpaint import InputError
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.arrival import Full
from monai_inpaint.pacs.arriving import DifferentInstance, TooLarge
from monai_inpaint.pacs.job_layout import FETCHING, SENDING, SENT, WAITING


def test_killed_at_any_step_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        root, acknowledged, sent = tmp_path / str(steps), set(), []
        queue = opened(root)
        killed = disk.kills(steps, work, queue, acknowledged, sent)
        if killed:
            queue = restarted(queue)
            work(queue, acknowledged, sent)
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
        queue = opened(tmp_path / str(steps))
        queue.arriving.store(received(queue), STUDY, INSTANCES[0])
        queue.arriving.take(0, FETCHING)
        job = queue.next(FETCHING)
        queue.arriving.store(received(queue), STUDY, INSTANCES[1])
        assert queue.arriving.take(0, FETCHING) == []  # it is being fetched

        assert job
        assert queue.next(FETCHING, {job}) is None  # it is tried again later
        killed = disk.kills(steps, queue.arriving.take, 0, FETCHING)
        if killed:
            queue = restarted(queue)
            queue.arriving.take(0, FETCHING)

        jobs = [path for state in places.STATES for path in (queue.root / state).iterdir()]
        assert [job.parent.name for job in jobs] == [FETCHING], steps
        assert json.loads((jobs[0] / places.INSTANCES).read_text()) == INSTANCES[:2], steps
        assert len(list((jobs[0] / places.INPUT).iterdir())) == 2, steps
        queue.close()
        steps += 1
    assert steps > 5


def test_an_instance_is_on_the_disk_when_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        queue = opened(tmp_path / str(steps))
        killed = disk.kills(steps, lambda queue=queue: queue.arriving.store(received(queue), STUDY, INSTANCES[0]))
        if killed:
            queue = restarted(queue)
        there = list((queue.root / "arriving").rglob("*.dcm"))
        assert len(there) <= 1
        assert there or killed
        queue.close()
        steps += 1
    assert steps > 2


@pytest.mark.parametrize("state", ["arriving", WAITING, SENDING])
def test_of_two_instances_with_one_uid_the_second_is_taken_only_if_it_is_the_same(tmp_path: Path, state: str) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    if state != "arriving":
        queue.arriving.take(0)
        job = queue.next(WAITING)  # being filled: it is not taken back
        assert job
        queue.move(job, state)

    assert queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    for size, content in ((100, b"\1"), (99, b"\0"), (101, b"\0")):
        other = received(queue, size, content)
        with pytest.raises(DifferentInstance):
            queue.arriving.store(other, STUDY, INSTANCES[0])
        other.discard()

    kept = list(tmp_path.rglob(f"{INSTANCES[0]}.dcm"))
    assert all(path.read_bytes() == bytes(100) for path in kept)
    assert not list((tmp_path / "incoming").iterdir())
    queue.arriving.take(0)
    assert len(list(tmp_path.rglob(f"{INSTANCES[0]}.dcm"))) == 1


def test_a_study_is_taken_when_it_has_been_quiet_and_not_before(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(60) == []
    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]
    assert queue.next(WAITING) == tmp_path / WAITING / f"{STUDY}_1"


def test_what_lay_there_before_a_start_or_broke_off_is_given_ten_times_as_long(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    queue.close()
    queue = opened(tmp_path)
    queue.arriving.store(received(queue), "1.2.4", "1.2.4.1")
    queue.arriving.ended({"1.2.4"}, whole=False)

    time.sleep(0.1)
    assert queue.arriving.take(0.05) == []

    queue.arriving.store(received(queue), STUDY, INSTANCES[1])
    queue.arriving.ended({STUDY}, whole=True)
    time.sleep(0.1)
    assert queue.arriving.take(0.05) == [(STUDY, "complete with 2 instances")]
    assert queue.arriving.take(0.005) == [("1.2.4", "complete with 1 instances")]


def test_what_was_sent_whole_before_a_start_is_not_waited_for(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    queue.arriving.ended({STUDY}, whole=True)
    queue.close()
    queue = opened(tmp_path)

    time.sleep(0.1)
    assert queue.arriving.take(0.05) == [(STUDY, "complete with 1 instances")]


def test_a_study_that_waits_is_taken_back_when_more_of_it_comes_but_not_while_it_is_filled(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    queue.arriving.store(received(queue), STUDY, INSTANCES[1])
    assert queue.arriving.take(0) == [(STUDY, "complete with 2 instances")]

    assert queue.next(WAITING) == tmp_path / WAITING / f"{STUDY}_1"
    queue.arriving.store(received(queue), STUDY, INSTANCES[2])
    assert queue.arriving.take(0) == []
    queue.finish(queue.move(tmp_path / WAITING / f"{STUDY}_1", SENDING))
    assert queue.arriving.take(0) == [(STUDY, "complete with 3 instances")]
    assert [job.name for job in (tmp_path / WAITING).iterdir()] == [f"{STUDY}_2"]


def test_a_study_that_grows_too_large_is_refused_as_a_whole(tmp_path: Path) -> None:
    queue = opened(tmp_path, study_bytes=250)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    queue.arriving.store(received(queue), STUDY, INSTANCES[1])
    queue.arriving.store(received(queue), STUDY, INSTANCES[1])  # sent again: no more than before
    with pytest.raises(TooLarge):
        queue.arriving.store(received(queue), STUDY, INSTANCES[2])
    with pytest.raises(TooLarge):
        queue.arriving.store(received(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(0) == [(STUDY, "refused: it is larger than a study may be")]
    assert queue.next(WAITING) is None
    queue.arriving.store(received(queue), "1.2.4", "1.2.4.1")


def test_a_full_queue_takes_again_when_there_is_room(tmp_path: Path) -> None:
    queue, sent = opened(tmp_path, quota_bytes=1600), []
    queue.arriving.store(received(queue, 1500), "1.2.4", "1.2.4.1")
    with pytest.raises(Full):
        queue.arriving.store(received(queue, 600), STUDY, INSTANCES[0])

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
            queue.arriving.store(received(queue), study, instance)
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
