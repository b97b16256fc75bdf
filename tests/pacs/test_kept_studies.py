"""What the queue keeps of studies that are done: it joins what comes later, and gives way to it."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import pytest
from queue_samples import INSTANCES, LARGE, STUDY, Disk, opened, received, restarted, waiting_job, work

from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.job_layout import FAILED, SENDING, SENT, WAITING
from monai_inpaint.pacs.queue import Queue

LATER = "1.2.3.9"  # a region, drawn when the images were done


def done(queue: Queue, state: str, study: str = STUDY, size: int = 100) -> None:
    """Have a study done: filled and sent, or in `failed` since there was nothing to fill."""
    for number in range(len(INSTANCES) if study == STUDY and size == 100 else 1):
        queue.arriving.store(received(queue, size), study, f"{study}.{number + 1}")
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


@pytest.mark.parametrize("state", [SENT, FAILED])
def test_what_is_kept_joins_what_comes_later_whenever_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        root = tmp_path / str(steps)
        queue = opened(root)
        done(queue, state)
        queue.arriving.store(received(queue), STUDY, LATER)
        killed = disk.kills(steps, queue.arriving.take, 0)
        if killed:
            queue = restarted(queue)
            queue.arriving.take(0)
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
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    assert queue.arriving.take(0) == [(STUDY, "dropped: it was sent before")]
    assert [job.name for job in (tmp_path / FAILED).iterdir()] == [f"{STUDY}_1"]


@pytest.mark.parametrize("state", [SENT, FAILED])
def test_what_is_kept_gives_way_to_what_comes_the_oldest_first(tmp_path: Path, state: str) -> None:
    queue = opened(tmp_path, quota_bytes=1600)
    for study in ("1.2.3", "1.2.4"):
        done(queue, state, study, 600)
    queue.arriving.store(received(queue, 600), "1.2.5", "1.2.5.1")

    assert [path.name for path in tmp_path.rglob("*.dcm") if path.stat().st_size == 600] == [
        "1.2.4.1.dcm",
        "1.2.5.1.dcm",
    ]
    assert (tmp_path / state / "1.2.3_1" / places.INSTANCES).is_file()


def test_older_images_make_room_for_what_is_fetched(tmp_path: Path) -> None:
    queue = opened(tmp_path, quota_bytes=1000)
    queue.arriving.store(received(queue, 600), STUDY, INSTANCES[0])
    assert queue.quota.room_for(700) == 400

    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job
    queue.finish(queue.move(job, SENDING))

    assert queue.quota.room_for(700) == 700
    assert queue.quota.room_for(7000) < 1000


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
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    assert queue.arriving.take(0) == [(STUDY, "dropped: it was sent before")]


def test_a_study_that_comes_again_with_something_new_is_a_job_of_its_own(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    work(queue, set(), [])
    for instance in [*INSTANCES, "1.2.3.4"]:
        queue.arriving.store(received(queue), STUDY, instance)

    assert queue.arriving.take(0) == [(STUDY, "complete with 4 instances")]
    assert queue.next(WAITING) == tmp_path / WAITING / f"{STUDY}_2"


def test_a_study_that_comes_again_is_dropped_and_so_are_our_own_results(tmp_path: Path) -> None:
    queue, sent = opened(tmp_path), []
    work(queue, set(), sent)

    own = uuid.uuid4().int
    (tmp_path / SENT / f"{STUDY}_1" / places.MADE).write_text(json.dumps([f"2.25.{own}"]))
    assert not queue.arriving.store(received(queue), STUDY, f"2.25.{own}")
    for instance in INSTANCES:
        assert queue.arriving.store(received(queue), STUDY, instance)
    assert queue.arriving.take(0) == [(STUDY, "dropped: it was sent before")]
    assert queue.next(WAITING) is None


@pytest.mark.parametrize("content", [b"\0", b"\1"], ids=["unchanged", "corrected"])
def test_a_study_that_failed_may_come_again(tmp_path: Path, content: bytes) -> None:
    queue = opened(tmp_path)
    queue.fail(waiting_job(queue), "It was too hard.")

    assert queue.arriving.store(received(queue, content=content), STUDY, INSTANCES[0])

    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]
    assert json.loads((tmp_path / "failed" / f"{STUDY}_1" / places.RECORD).read_text()) == {"why": "It was too hard."}
