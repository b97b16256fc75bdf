"""`batch --ray` on two nodes of this machine, one of which is killed."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_samples import picture, picture_hole, run
from ray.cluster_utils import Cluster

CASES = 12


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that computes nothing and two nodes of one CPU each."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 10**8})
    yield made
    made.shutdown()


@pytest.mark.slow
def test_a_killed_node_loses_no_case_and_none_is_done_twice(
    cluster: Any, tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai_inpaint.commands.batch import _Batch

    picture_hole(tmp_path / "hole.png")
    for number in range(CASES):
        picture(tmp_path / f"{number}.png", seed=number)
    table, out = tmp_path / "pairs.csv", tmp_path / "out"
    table.write_text("\n".join(["image,hole", *(f"{number}.png,hole.png" for number in range(CASES))]) + "\n")
    assert run(capfd, "batch", table, tmp_path / "plain", "--bundle", "cxr").code == 0
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=10**8) for _ in range(2)]
    note, ended = _Batch.note_ended, []

    def note_and_kill(self: Any, case: Any, outcome: Any) -> None:
        note(self, case, outcome)
        ended.append(case.name)
        if len(ended) == CASES // 3:
            cluster.remove_node(nodes[0], allow_graceful=False)

    monkeypatch.setattr(_Batch, "note_ended", note_and_kill)

    assert run(capfd, "batch", table, out, "--bundle", "cxr", "--ray", cluster.address).code == 0

    filled = {path.name: path.read_bytes() for path in out.glob("*.png")}
    assert filled == {path.name: path.read_bytes() for path in (tmp_path / "plain").glob("*.png")}
    notes = [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()][1:]
    assert Counter(note["output"] for note in notes if note["status"] == "done") == Counter(dict.fromkeys(filled, 1))


def test_a_cluster_that_is_not_there_is_reported(tmp_path: Path, capfd) -> None:
    (tmp_path / "pairs.csv").write_text("image,hole\na.png,hole.png\n")

    ran = run(capfd, "batch", tmp_path / "pairs.csv", tmp_path / "out", "--bundle", "cxr", "--ray", "127.0.0.1:1")

    assert ran.code == 2
    assert "no Ray cluster at 127.0.0.1:1" in ran.lines[-1]
