"""A long benchmark goes on in its folder only with the options that it began with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kept_folder import kept_folder
from benchmarks.setting import Options
from monai_inpaint.errors import InputError


def test_a_run_goes_on_in_its_folder_also_with_other_rows(tmp_path: Path) -> None:
    options = Options(data=tmp_path / "index.csv", output=tmp_path / "out", bundle="one")
    with kept_folder(options) as folder:
        (folder / "made").touch()

    with kept_folder(replace(options, arms=("none",), counts=(5,))) as folder:
        assert folder == tmp_path / "out"
        assert (folder / "made").is_file()


@pytest.mark.parametrize("other", [{"bundle": "two"}, {"seed": 1}, {"limit": 5}, {"data": Path("other.csv")}])
def test_what_was_made_with_other_options_is_not_taken_for_a_result(other: dict, tmp_path: Path) -> None:
    options = Options(data=tmp_path / "index.csv", output=tmp_path / "out", bundle="one")
    with kept_folder(options):
        pass

    (name,) = other
    with (
        pytest.raises(InputError, match=f"has results with --{name} .*; give another --output"),
        kept_folder(replace(options, **other)),
    ):
        pass


def test_a_folder_that_is_older_than_an_option_has_its_default(tmp_path: Path) -> None:
    options = Options(data=tmp_path / "index.csv", output=tmp_path)
    with kept_folder(options):
        pass
    settings = json.loads((tmp_path / "settings.json").read_text())
    del settings["source"]
    (tmp_path / "settings.json").write_text(json.dumps(settings))

    with pytest.raises(InputError, match="--source lidc, not nih"), kept_folder(replace(options, source="nih")):
        pass
    with kept_folder(options) as folder:
        assert folder == tmp_path


def test_without_an_output_nothing_is_kept() -> None:
    with kept_folder(Options()) as folder:
        assert folder.is_dir()
    assert not folder.exists()
