"""What a training took, in a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from monai_inpaint.errors import InputError
from monai_inpaint.registry.training_cost import TrainingCost, read_training_cost, write_training_cost

EFFORT = TrainingCost(91.5, 180, 2, 4000, 64_000, 11.7, "two cores of a processor", "2026-11-21")


def test_the_cost_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_training_cost(tmp_path) is None
    assert write_training_cost(EFFORT, tmp_path) == tmp_path / "docs" / "training.json"
    assert read_training_cost(tmp_path) == EFFORT


def test_costs_add_up_where_a_training_went_on_with_weights_of_another() -> None:
    after = TrainingCost(9.5, 20, 1, 1000, 16_000, 25.0, "another processor", "2026-11-22")

    assert after.after(EFFORT) == TrainingCost(101.0, 200, 1, 5000, 80_000, 25.0, "another processor", "2026-11-22")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"minutes": -1}, "minutes is -1"),
        ({"minutes": float("nan")}, "minutes is nan"),
        ({"steps": 2.5}, "whole number"),
        ({"threads": True}, "threads is True"),
        ({"hardware": ""}, "hardware is ''"),
        ({"date": "yesterday"}, "yesterday"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_a_cost_that_is_none_is_reported_in_one_sentence(change: dict, said: str, tmp_path: Path) -> None:
    path = write_training_cost(EFFORT, tmp_path)
    path.write_text(json.dumps(asdict(EFFORT) | change), encoding="utf-8")
    with pytest.raises(InputError, match=said) as refusal:
        read_training_cost(tmp_path)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"minutes": 3}'])
def test_a_file_that_is_no_cost_is_reported(text: str, tmp_path: Path) -> None:
    write_training_cost(EFFORT, tmp_path).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="states no training cost|cannot be read as JSON"):
        read_training_cost(tmp_path)


def test_reading_needs_no_torch() -> None:
    said = "import sys, monai_inpaint.registry.training_cost; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0
