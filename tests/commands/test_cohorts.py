"""`batch` over several processes, shards, clusters and BIDS data sets: everything done, nothing twice, nothing lost."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_samples import box, nifti, picture, picture_hole, run, smooth, tree

from monai_inpaint.commands.bids import read_bids
from monai_inpaint.jobs.cohort import RETRIES, CohortCase, Outcome, run_cohort
from monai_inpaint.jobs.fill_image import Fillers, FillJob
from monai_inpaint.jobs.local_workers import LocalWorkers
from monai_inpaint.jobs.outputs import Target
from monai_inpaint.regions.sources import HoleFile

CASES = 5
VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """So many pictures of one hole."""
    picture_hole(tmp_path / "hole.png")
    for number in range(CASES):
        picture(tmp_path / f"{number}.png", seed=number)
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["image,hole", *(f"{number}.png,hole.png" for number in range(CASES))]) + "\n")
    return path


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def notes(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


def done(path: Path) -> Counter[str]:
    return Counter(note["output"] for note in notes(path) if note["status"] == "done")


def plain(table: Path, capfd) -> dict[str, bytes]:
    assert run(capfd, "batch", table, table.parent / "plain", "--bundle", "cxr").code == 0
    return outputs(table.parent / "plain")


def test_the_journal_says_what_was_filled_by_what(table: Path, capfd) -> None:
    plain(table, capfd)

    (last,) = [
        note
        for note in notes(table.parent / "plain" / "batch.jsonl")
        if (note["output"], note["status"]) == ("3.png", "done")
    ]
    digest = hashlib.sha256((table.parent / "3.png").read_bytes()).hexdigest()
    assert last["inputs"]["image"] == digest
    assert last["bundle"]["name"] == "cxr_inpainting"
    assert last["seconds"] > 0


def test_a_batch_goes_on_with_the_options_it_was_begun_with(table: Path, capfd) -> None:
    plain(table, capfd)

    ran = run(capfd, "batch", table, table.parent / "plain", "--bundle", "cxr", "--resume", "--seed", "3", "--sample")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "was begun with bundle cxr, engine auto, sample False, seed 0" in ran.lines[0]


def test_shards_together_fill_what_a_plain_batch_fills(table: Path, capfd) -> None:
    expected, out = plain(table, capfd), table.parent / "out"

    for number in (1, 2, 3):
        assert run(capfd, "batch", table, out, "--bundle", "cxr", "--shard", f"{number}/3").code == 0

    assert outputs(out) == expected
    assert sum((done(path) for path in out.glob("batch-*.jsonl")), Counter()) == Counter(dict.fromkeys(expected, 1))


def test_several_processes_fill_what_one_fills(table: Path, capfd) -> None:
    expected, out = plain(table, capfd), table.parent / "out"

    assert run(capfd, "batch", table, out, "--bundle", "cxr", "--workers", 2).code == 0

    assert outputs(out) == expected
    assert done(out / "batch.jsonl") == Counter(dict.fromkeys(expected, 1))


def cases(table: Path, out: Path) -> list[CohortCase]:
    out.mkdir()
    fillers = Fillers("cxr", "auto")
    hole = HoleFile(table.parent / "hole.png", None)
    names = [f"{number}.png" for number in range(CASES)]
    return [
        CohortCase(name, FillJob(image=table.parent / name, hole=hole, output=Target(out / name)), fillers)
        for name in names
    ]


def test_a_case_whose_process_was_killed_is_filled_by_the_next(table: Path, capfd) -> None:
    expected, out = plain(table, capfd), table.parent / "out"
    workers, ended = LocalWorkers(2), dict[str, Outcome]()
    killed: list[int] = []

    def begun(case: CohortCase) -> None:
        if case.name == "2.png" and not killed:
            killed.append(workers._workers[0].process.pid)
            os.kill(killed[0], signal.SIGKILL)

    def note(case: CohortCase, outcome: Outcome) -> None:
        assert case.name not in ended
        ended[case.name] = outcome

    try:
        run_cohort(cases(table, out), workers, begun, note)
    finally:
        workers.close()

    assert killed
    assert {name: outcome.code for name, outcome in ended.items()} == dict.fromkeys(expected, 0)
    assert outputs(out) == expected


class Lossy:
    """Loses one of the cases whenever it is begun."""

    def __init__(self) -> None:
        self.begun: list[CohortCase] = []
        self.running: list[CohortCase] = []

    @property
    def idle(self) -> int:
        return 2 - len(self.running)

    def begin(self, case: CohortCase) -> None:
        self.begun.append(case)
        self.running.append(case)

    def finished(self) -> list[tuple[CohortCase, Outcome | None]]:
        case = self.running.pop()
        return [(case, None if case.name == "1.png" else Outcome(0))]

    def close(self) -> None:
        self.running.clear()


def test_a_case_that_is_always_lost_is_listed_and_does_not_stop_the_others(table: Path) -> None:
    workers, ended = Lossy(), dict[str, Outcome]()

    run_cohort(
        cases(table, table.parent / "out"), workers, lambda _: None, lambda case, news: ended.update({case.name: news})
    )

    assert {name: outcome.code for name, outcome in ended.items()} == {f"{n}.png": int(n == 1) for n in range(CASES)}
    assert "was lost 4 times" in ended["1.png"].sentence
    again = [case for case in workers.begun if case.name == "1.png"]
    assert [case.overwrite for case in again] == [False] + [True] * RETRIES


@pytest.mark.parametrize(
    ("parts", "journals"),
    [
        ([["--workers", "2"]], ["batch.jsonl"]),
        ([["--shard", f"{n}/2"] for n in (1, 2)], ["batch-1-of-2.jsonl", "batch-2-of-2.jsonl"]),
    ],
    ids=["workers", "shards"],
)
def test_a_batch_that_was_killed_goes_on_and_no_case_is_done_twice(
    table: Path, capfd, parts: list[list[str]], journals: list[str]
) -> None:
    expected, out = plain(table, capfd), table.parent / "out"
    command = [sys.executable, "-m", "monai_inpaint", "batch", table, out, "--bundle", "cxr", *parts[0]]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL) as driver:
        until = time.monotonic() + 120
        while not ((out / journals[0]).is_file() and done(out / journals[0])) and time.monotonic() < until:
            time.sleep(0.01)
        driver.kill()
    assert driver.returncode == -signal.SIGKILL

    for part in parts:
        assert run(capfd, "batch", table, out, "--bundle", "cxr", *part, "--resume").code == 0

    assert outputs(out) == expected
    assert sum((done(out / name) for name in journals), Counter()) == Counter(dict.fromkeys(expected, 1))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shard", "0/3"], "must be between 1/3 and 3/3"),
        (["--shard", "4/3"], "must be between 1/3 and 3/3"),
        (["--shard", "one"], "for example 2/8"),
        (["--workers", "0"], "must be a number of processes"),
        (["--workers", "2", "--ray", "local"], "leave out one of them"),
        (["--masks", "x"], "--masks needs --bids"),
        (["--bids", "."], "give one of them"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(table: Path, capfd, arguments: list[str], said: str) -> None:
    before = tree(table.parent)

    ran = run(capfd, "batch", table, table.parent / "out", "--bundle", "cxr", *arguments)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert said in ran.lines[0]
    assert tree(table.parent) == before


@pytest.fixture
def bids(tmp_path: Path) -> Path:
    """Two heads with masks of lesions, one in sessions, and one without a mask."""
    folder = tmp_path / "heads"
    volume = (1000 * smooth((48, 48, 4))).astype(np.int16)
    for place, name in (("sub-01/anat", "sub-01"), ("sub-02/ses-a/anat", "sub-02_ses-a"), ("sub-03/anat", "sub-03")):
        (folder / place).mkdir(parents=True)
        nifti(folder / place / f"{name}_T1w.nii.gz", volume)
        (folder / place / f"{name}_T1w.json").write_text("{}")
        if name != "sub-03":
            masks = folder / "derivatives" / "lesions" / place
            masks.mkdir(parents=True)
            nifti(masks / f"{name}_label-lesion_mask.nii.gz", box(volume.shape))
    (folder / "dataset_description.json").write_text(
        json.dumps({"Name": "Heads", "BIDSVersion": "1.10.0", "DatasetType": "raw", "License": "CC0", "Authors": ["A"]})
    )
    (folder / "README.md").write_text("Heads that were computed, for tests.\n" * 5)
    return folder


def test_a_bids_data_set_gives_derivatives_with_their_provenance(bids: Path, tmp_path: Path, capfd) -> None:
    out = tmp_path / "filled"

    assert run(capfd, "batch", "--bids", bids, out).code == 0

    name = "sub-02/ses-a/anat/sub-02_ses-a_desc-filled_T1w"
    assert {path for path in tree(out) if (out / path).is_file()} == {
        "batch.jsonl", "dataset_description.json", "sub-01/anat/sub-01_desc-filled_T1w.json",
        "sub-01/anat/sub-01_desc-filled_T1w.nii.gz", f"{name}.json", f"{name}.nii.gz", ".bidsignore",
    }  # fmt: skip
    sidecar = json.loads((out / f"{name}.json").read_text())
    assert sidecar["Sources"] == [
        "bids:source:sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz",
        "bids:source:derivatives/lesions/sub-02/ses-a/anat/sub-02_ses-a_label-lesion_mask.nii.gz",
    ]
    assert sidecar["bundle"]["name"] == "mr_inpainting"
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["DatasetLinks"]["source"] == bids.resolve().as_uri()


def test_the_bids_validator_finds_no_fault(bids: Path, tmp_path: Path, capfd) -> None:
    assert run(capfd, "batch", "--bids", bids, tmp_path / "filled").code == 0

    said = subprocess.run([VALIDATOR, "--json", tmp_path / "filled"], capture_output=True, text=True, check=False)

    issues = json.loads(said.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_masks_are_found_by_a_pattern_and_several_of_one_image_are_refused(bids: Path, tmp_path: Path, capfd) -> None:
    assert [pair.name for pair in read_bids(bids, tmp_path / "out")][0] == "sub-01/anat/sub-01_desc-filled_T1w.nii.gz"

    ran = run(capfd, "batch", "--bids", bids, tmp_path / "out", "--masks", "derivatives/*/sub-*/**/*_mask.nii.gz")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "has 2 masks" in ran.lines[0]
    assert run(capfd, "batch", "--bids", bids, tmp_path / "out", "--masks", "{no}").code == 2
    assert run(capfd, "batch", "--bids", bids / "sub-01", tmp_path / "out").code == 2
    assert not (tmp_path / "out").exists()
