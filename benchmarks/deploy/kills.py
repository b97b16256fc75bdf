"""A hundred studies sent to `serve-dicom` while it is killed at random moments: what came back.

Not a figure of speed: each study must have come back exactly once, with nothing changed outside its hole.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from benchmarks.deploy.service import Archive, Service, send_until_taken
from benchmarks.deploy.studies import small_study
from benchmarks.setting import Options, markdown

STUDIES, KILLS, LONGEST = 100, 30, 20.0  # seconds that the service runs at most before a kill


def run(options: Options) -> str:
    """The table."""
    studies, kills, longest = (2, 2, 2.0) if options.tiny else (STUDIES, KILLS, LONGEST)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder, archive = Path(place) / "studies", Archive()
        service = Service(Path(place) / "service", archive.port, quiet_seconds=2.0)
        try:
            killed = send_and_kill(service, folder, studies=studies, kills=kills, seed=options.seed, longest=longest)
        finally:
            archive.close()
        wrong = [why for study in sorted(folder.iterdir()) if (why := wrong_with(archive.of(study.name), study))]
        again = sum(len(copies) > 1 for held in archive.received.values() for copies in held.values())
        other = sum(any(copy != copies[0] for copy in copies) for held in archive.received.values()
                    for copies in held.values())  # fmt: skip
        left = sum(len(service.jobs(state)) for state in ("arriving", "waiting", "sending", "failed"))
    rows = [[str(studies), str(killed), str(studies - len(wrong)), str(len(wrong)), str(left), str(again), str(other)]]
    heading = ["studies", "kills", "came back once and whole", "did not", "left in the queue",
               "instances sent again after a kill", "of them not the same"]  # fmt: skip
    notes = [
        f"SIGKILL 0 to {longest:.0f} s after the service listens, drawn with the seed",
        "what was not acknowledged is sent again",
        f"{(time.perf_counter() - started) / 60:.0f} minutes",
        *wrong,
    ]
    return markdown("Studies through a service that is killed", heading, rows, notes)


def send_and_kill(service: Service, folder: Path, *, studies: int, kills: int, seed: int, longest: float = 6.0) -> int:
    """Send studies as an archive does while the service is killed and started again; returns how often it was killed.

    Returns when every study is done. `folder` gets a folder a study, named by its UID. The service runs `longest`
    seconds at most before it is killed.
    """
    rng = np.random.default_rng(seed)
    files = [small_study(folder / f"1.2.840.{n}", f"1.2.840.{n}", n) for n in range(studies)]
    waits = rng.uniform(0.0, longest, kills)
    failures: list[BaseException] = []

    def send_all() -> None:
        try:
            for one in files:
                send_until_taken(one, service.port, 600)
        except BaseException as error:
            failures.append(error)

    service.start()
    sender = threading.Thread(target=send_all, daemon=True)
    sender.start()
    for wait in waits:
        time.sleep(wait)
        service.kill()
        service.start()
    sender.join()
    assert not failures, failures
    service.wait_sent(studies, 60 * studies)
    service.interrupt()
    return len(waits)


def wrong_with(received: Sequence[Dataset], study: Path) -> str:
    """What is wrong with the results of one study, whose files lie below a folder; "" if nothing is."""
    kinds = sorted(dataset.Modality for dataset in received)
    if kinds != ["CT", "CT", "OT", "OT", "RTSTRUCT", "SEG", "SR"]:
        return f"it has {kinds}"
    sources = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, study.rglob("*.dcm"))}
    drawn = pydicom.dcmread(study / "seg.dcm")
    marked = np.atleast_3d(drawn.pixel_array.reshape(-1, drawn.Rows, drawn.Columns)) != 0
    slices = [dataset for dataset in received if dataset.Modality == "CT"]
    if len({dataset.SeriesInstanceUID for dataset in slices}) != 1:
        return "it has slices of several series"
    changed = 0
    for dataset in slices:
        source = sources[dataset.SourceImageSequence[0].ReferencedSOPInstanceUID]
        other = dataset.pixel_array != source.pixel_array
        if (other & ~marked.any(axis=0)).any():
            return "voxels outside the hole changed"
        changed += int(other.sum())
    if not changed:
        return "nothing was filled"
    uids = {element.value for dataset in received for element in dataset.iterall()
            if element.keyword == "ReferencedSOPInstanceUID"}  # fmt: skip
    known = {uid for dataset in received for uid in (dataset.SOPInstanceUID, dataset.StudyInstanceUID)}
    missing = uids - set(sources) - known
    return f"references that lead nowhere: {missing}" if missing else ""
