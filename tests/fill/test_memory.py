"""The memory that a fill will need is reported before it begins."""

from __future__ import annotations

import json
import sys

import pytest
from cli_samples import run

from monai_inpaint.fill.memory import expected_memory_mb
from monai_inpaint.machine import available_memory_mb


def test_more_voxels_a_larger_type_and_a_larger_hole_take_more() -> None:
    small = expected_memory_mb((256, 256, 300), "int16", (10, 10, 10))

    assert expected_memory_mb((512, 512, 300), "int16", (10, 10, 10)) > small
    assert expected_memory_mb((256, 256, 300), "float32", (10, 10, 10)) > small
    assert expected_memory_mb((256, 256, 300), "int16", (10, 10, 90)) > small


def test_a_hole_through_many_slices_takes_no_more_than_a_batch_of_them() -> None:
    through = expected_memory_mb((256, 256, 600), "int16", (30, 30, 600))

    assert through == expected_memory_mb((256, 256, 600), "int16", (30, 30, 200))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may not tell")
def test_linux_tells_how_much_memory_is_free() -> None:
    assert (available_memory_mb() or 0) > 100


def test_info_tells_what_a_fill_will_take(capfd) -> None:
    ran = run(capfd, "info", "--json", "--memory", "256x256x180/38x38x30", "--dtype", "float32")

    memory = json.loads(ran.out)["memory"]
    assert memory["expected_mb"] == expected_memory_mb((256, 256, 180), "float32", (38, 38, 30))
    assert "memory" not in json.loads(run(capfd, "info", "--json").out)


@pytest.mark.parametrize("sizes", ["256x256", "256x256/3x3x3", "256x256/300x3", "256x256/0x3", "axb/1x1"])
def test_sizes_that_make_no_sense_are_refused_in_a_sentence(sizes: str, capfd) -> None:
    ran = run(capfd, "info", "--memory", sizes)

    assert (ran.code, len(ran.lines)) == (2, 1)
