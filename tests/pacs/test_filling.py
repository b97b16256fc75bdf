"""What is told of series and studies that are not filled, where others are, or where filling itself fails."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pydicom
import pytest
from inline import Inline
from io_samples import dicom_series, random_voxels

from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import Node, Settings
from monai_inpaint.pacs.stages import Filling
from monai_inpaint.pacs.worker import Lost

STUDY, LARGE = "1.2.77", 10**8


class Dying(Inline):
    """Ends whenever it is to fill."""

    def do(self, longest: float, *args: Any) -> Any:
        if len(args) == 3:
            raise Lost("The process that did it ended with -9.")
        return super().do(longest, *args)


def filling(folder: Path, *, report_skipped: bool = False, worker: type[Inline] = Inline) -> tuple[Filling, list[str]]:
    """The stage that fills, on a queue of its own, and the lines that it logs."""
    lines, node = list[str](), Node("127.0.0.1", 104, "ARCHIVE")
    settings = Settings(folder, node, ("SENDER",), node, (Rule("CT", "SEG"),), report_skipped=report_skipped)
    stage = Filling(Shared(Queue(folder, LARGE, LARGE), settings, lines.append, threading.Event(), {}))
    stage.worker = worker(stage.worker._make(*stage.worker._given))  # type: ignore[assignment]
    return stage, lines


def waiting(stage: Filling, study: Path) -> Path:
    """A job of the files of a study."""
    job = stage.queue.root / places.WAITING / f"{STUDY}_1"
    (job / places.INPUT).mkdir(parents=True)
    for path in list(study.rglob("*.dcm")):
        path.rename(job / places.INPUT / f"{pydicom.dcmread(path).SOPInstanceUID}.dcm")
    (job / places.INSTANCES).write_text(json.dumps([path.stem for path in (job / places.INPUT).iterdir()]))
    return job


def test_the_log_says_why_series_are_not_filled_where_others_of_the_study_are(tmp_path: Path) -> None:
    stage, lines = filling(tmp_path / "queue")
    small_study(tmp_path / "study", STUDY)
    other = random_voxels((16, 16, 5), "int16")
    dicom_series(tmp_path / "study" / "other", other, series=f"{STUDY}.8", StudyInstanceUID=STUDY)
    job = waiting(stage, tmp_path / "study")

    assert stage()

    assert lines == [f"study {job.name} filled: 7 results. Not all is filled: No SEG of the study refers to it."]
    assert (stage.queue.root / places.SENDING / job.name).is_dir()


def test_a_study_of_which_all_is_filled_has_no_reasons_in_the_log(tmp_path: Path) -> None:
    stage, lines = filling(tmp_path / "queue")
    small_study(tmp_path / "study", STUDY)
    job = waiting(stage, tmp_path / "study")

    assert stage()

    assert lines == [f"study {job.name} filled: 7 results"]


def test_where_the_process_that_fills_ends_the_archive_is_told_so_on_request(tmp_path: Path) -> None:
    stage, lines = filling(tmp_path / "queue", report_skipped=True, worker=Dying)
    small_study(tmp_path / "study", STUDY)
    job = waiting(stage, tmp_path / "study")

    assert stage()

    assert lines == [f"study {job.name}: nothing is filled. The process that did it ended with -9."]
    sending = stage.queue.root / places.SENDING / job.name
    (path,) = (sending / places.RESULTS).glob("*.dcm")
    texts = [item.TextValue for item in pydicom.dcmread(path).ContentSequence if "TextValue" in item]
    assert f"Series {STUDY}.1 (CT): The process that did it ended with -9." in texts
    stage.queue.finish(sending)
    assert (stage.queue.root / places.FAILED / job.name / places.RECORD).is_file()
    assert not list(stage.queue.root.glob(f"{places.SENT}/*"))


def test_without_a_report_a_study_whose_process_ends_fails(tmp_path: Path) -> None:
    stage, lines = filling(tmp_path / "queue", worker=Dying)
    small_study(tmp_path / "study", STUDY)
    job = waiting(stage, tmp_path / "study")

    assert stage()

    assert lines == [f"study {job.name} failed: The process that did it ended with -9."]
    record = json.loads((stage.queue.root / places.FAILED / job.name / places.RECORD).read_text())
    assert record == {"why": "The process that did it ended with -9."}
