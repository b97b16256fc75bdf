"""Runs in the background: they queue, are ended with all they started, leave nothing, and say why they failed."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from InpaintLib.environment import Environment
from InpaintLib.runs import Run, RunQueue, State

TICK = 0.05
_WITH_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                          "print('ready', flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(f"child {child.pid}", flush=True)
time.sleep(600)
"""


@dataclass(eq=False)
class Script:
    """A job that runs Python code, in a folder with one file in it."""

    code: str
    title: str = "script"
    collected: list[str] = field(default_factory=list)

    def prepare(self, folder: Path) -> list[str]:
        (folder / "some input").write_text("1", encoding="utf-8")
        return ["-c", self.code]

    def collect(self, folder: Path, messages: list[str]) -> Any:
        assert (folder / "some input").is_file()
        return list(messages)


@pytest.fixture
def here(temporary: Path) -> Environment:
    return Environment(sys.executable, temporary)


def _until(queue: RunQueue, condition: Any, seconds: float = 30.0) -> list[Run]:
    ended, start = [], time.monotonic()
    while not condition():
        run = queue.tick()
        ended += [run] if run else []
        assert time.monotonic() - start < seconds
        time.sleep(TICK)
    return ended


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"  # ended, but nobody has asked for its exit code


def test_runs_follow_one_another_in_order_and_only_one_is_running(here: Environment, temporary: Path) -> None:
    queue = RunQueue()
    runs = [queue.add(Run(Script(f"print({n})"), here)) for n in range(3)]
    most = []

    ended = _until(queue, lambda: most.append(sum(r.state is State.RUNNING for r in runs)) or not len(queue))

    assert ended == runs
    assert [run.result for run in runs] == [["0"], ["1"], ["2"]]
    assert max(most) <= 1
    assert not any(temporary.iterdir())


def test_a_module_that_lies_where_slicer_was_started_or_where_a_run_works_is_not_taken(
    here: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Work(Script):
        def prepare(self, folder: Path) -> list[str]:
            words = super().prepare(folder)
            (folder / "numpy.py").write_text("print('of the run')", encoding="utf-8")
            return words

    (tmp_path / "numpy.py").write_text("print('of the place')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    queue = RunQueue()
    run = queue.add(Run(Work("import numpy, os; print(numpy.int16(7), os.listdir())"), here))
    _until(queue, lambda: run.ended)

    assert (run.error, run.result) == ("", ["7 []"])


def test_at_the_end_nothing_is_left_of_any_run(here: Environment, temporary: Path) -> None:
    queue = RunQueue()
    run = queue.add(Run(Script("import time; print('began', flush=True); time.sleep(600)"), here))
    waiting = queue.add(Run(Script("print('never')"), here))
    _until(queue, lambda: run.log)

    queue.end()

    assert (run.state, waiting.state) == (State.CANCELLED, State.CANCELLED)
    assert not any(temporary.iterdir())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_cancel_ends_the_whole_tree_within_a_second_and_leaves_nothing(here: Environment, temporary: Path) -> None:
    queue = RunQueue()
    run = queue.add(Run(Script(_WITH_A_CHILD), here))
    waiting = queue.add(Run(Script("print('never')"), here))
    _until(queue, lambda: any(line.startswith("child") for line in run.log))
    child = int(run.log[0].split()[1])
    assert _alive(child)
    assert any(temporary.iterdir())

    start = time.monotonic()
    queue.cancel()
    called = time.monotonic() - start
    _until(queue, lambda: run.ended)
    seconds = time.monotonic() - start

    assert called < 0.1
    assert seconds < 1.0
    assert (run.state, waiting.state, waiting.log) == (State.CANCELLED, State.CANCELLED, [])
    assert not _alive(child)
    assert not any(temporary.iterdir())


def test_a_run_cancelled_while_it_writes_its_files_never_starts_the_command(here: Environment, temporary: Path) -> None:
    class Slow(Script):
        def prepare(self, folder: Path) -> list[str]:
            time.sleep(0.3)
            return super().prepare(folder)

    queue = RunQueue()
    run = queue.add(Run(Slow("print('never')"), here))
    queue.tick()
    queue.cancel()
    _until(queue, lambda: run.ended)

    assert (run.state, run.log) == (State.CANCELLED, [])
    assert not any(temporary.iterdir())


def test_a_failed_command_fails_with_its_own_sentence(here: Environment, temporary: Path) -> None:
    code = "import sys; print('monai-inpaint: head.nii is empty; give another.', file=sys.stderr); sys.exit(2)"
    queue = RunQueue()
    run = queue.add(Run(Script(code), here))
    _until(queue, lambda: run.ended)

    assert (run.state, run.error) == (State.FAILED, "head.nii is empty; give another.")
    assert not any(temporary.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="there are no signals on Windows")
def test_a_command_that_was_killed_says_that_memory_may_have_run_out(here: Environment) -> None:
    queue = RunQueue()
    run = queue.add(Run(Script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), here))
    _until(queue, lambda: run.ended)

    assert "ran out of memory" in run.error


def test_a_python_without_the_package_says_what_to_press(here: Environment) -> None:
    class Command(Script):
        def prepare(self, folder: Path) -> list[str]:
            return ["-I", "-m", "monai_inpaint", "info"]

    queue = RunQueue()
    run = queue.add(Run(Command(""), here))
    _until(queue, lambda: run.ended)

    assert run.error == "The package monai-inpaint is not installed; press Install under Before you start."


def test_a_python_that_is_missing_is_named(temporary: Path) -> None:
    queue = RunQueue()
    run = queue.add(Run(Script(""), Environment(str(temporary / "no python"), temporary)))
    _until(queue, lambda: run.ended)

    assert "no python" in run.error
    assert not any(temporary.iterdir())


def test_a_read_only_folder_for_temporary_files_is_said_to_be_so(temporary: Path) -> None:
    temporary.chmod(0o500)
    if os.access(temporary, os.W_OK):
        pytest.skip("root and Windows may write to read-only folders")
    _check_refused(temporary)


def test_a_missing_folder_for_temporary_files_is_said_to_be_so(temporary: Path) -> None:
    _check_refused(temporary / "gone")


def test_a_folder_that_may_not_be_written_to_is_said_to_be_so(temporary: Path, monkeypatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    _check_refused(temporary)


def _check_refused(folder: Path) -> None:
    queue = RunQueue()
    run = queue.add(Run(Script(""), Environment(sys.executable, folder)))
    _until(queue, lambda: run.ended)

    assert run.state is State.FAILED
    assert "may not be written to, and temporary files go there; choose another folder" in run.error


def test_progress_is_read_from_json_lines_and_the_rest_is_kept_as_log(here: Environment) -> None:
    code = """
import json, time
for done in range(5):
    print(json.dumps({"stage": "fill", "done": done, "total": 4, "seconds": done / 10}), flush=True)
    time.sleep(0.1)
print("Done. Müde.")
time.sleep(0.5)
"""
    queue = RunQueue()
    run = queue.add(Run(Script(code), here))
    _until(queue, lambda: run.progress.fraction > 0.5 or run.ended)
    left = run.progress.seconds_left
    _until(queue, lambda: run.ended)

    assert left is not None
    assert 0 <= left < 1
    assert run.progress.sentences == ["Done. Müde."]
    assert len(run.log) == 6
