"""Paths, JSON files and tables that users write: one sentence for each way in which they can be wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_samples import run, tree

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.inputs import read_json, read_table
from monai_inpaint.pacs.rules import read_rules
from monai_inpaint.pacs.settings import read_settings
from monai_inpaint.paths import path_of

LONG = "a" * 300
COMMANDS = {
    "fill": [["{}", "hole.png", "o.png"], ["a.png", "{}", "o.png"], ["a.png", "hole.png", "{}"]],
    "metal": [["{}", "o.nii"], ["a.nii", "{}"], ["a.nii", "o.nii", "--region", "{}"]],
    "difference": [["{}", "o.nii"], ["a.nii", "{}"], ["a.nii", "o.nii", "--boxes", "{}"]],
    "batch": [["{}", "out"], ["pairs.csv", "{}"]],
    "evaluate": [["{}", "--protocol", "lesion", "--methods", "ring", "--output", "out"]],
    "simulate-metal": [["{}", "out"], ["a.nii", "{}"]],
    "serve-dicom": [["{}"]],
}


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, str]:
    """Paths that no file can have, by what is wrong with them."""
    (tmp_path / "loop").symlink_to("loop")
    return {
        "zero byte": str(tmp_path / "a\0b"),
        "loop": str(tmp_path / "loop"),
        "below a loop": str(tmp_path / "loop" / "b.nii"),
        "long name": str(tmp_path / f"{LONG}.nii"),
        "long path": str(tmp_path / "/".join(["a"] * 3000)),
        "half a character": str(tmp_path / "a\ud800"),
    }


ARGUMENTS = [(name, n) for name, lists in COMMANDS.items() for n in range(len(lists))]


@pytest.mark.parametrize(("command", "which"), ARGUMENTS)
def test_a_path_that_no_file_can_have_is_one_sentence(
    command: str, which: int, odd: dict[str, str], tmp_path: Path, capfd
) -> None:
    before = tree(tmp_path)
    for kind, path in odd.items():
        ran = run(capfd, command, *(part.format(path) for part in COMMANDS[command][which]))
        assert (ran.code, len(ran.lines)) == (2, 1), (kind, ran.lines)
        assert len(ran.lines[0]) < 1200
    assert tree(tmp_path) == before


def test_a_bundle_is_named_by_a_path_too(odd: dict[str, str], capfd) -> None:
    for kind, path in odd.items():
        ran = run(capfd, "fill", "a.png", "hole.png", "o.png", "--bundle", path)
        assert (ran.code, len(ran.lines)) == (2, 1), kind


def test_a_path_may_hold_whatever_a_file_can_be_called(tmp_path: Path) -> None:
    for name in ("a b", "naïve", os.fsdecode(b"caf\xe9"), "-x", "a\nb", "nowhere"):
        assert path_of(name, tmp_path) == tmp_path / name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Expecting value"),
        (b"{", "cannot be read as JSON"),
        (b"\xff\xfe{\0}\0", "cannot be read as JSON"),
        (b"[" * 100_000, "more than 64 deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "more than 64 deep"),
        (b"9" * 5000, "cannot be read as JSON"),
    ],
)
def test_what_is_no_json_is_reported_whoever_reads_it(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    for read in (lambda: read_json(path, "give another"), lambda: read_rules(path), lambda: read_settings(path)):
        with pytest.raises(InputError, match=words) as refusal:
            read()
        assert str(refusal.value).startswith(f"{path} cannot be read as JSON (")


def test_json_may_begin_with_a_mark_of_its_encoding_and_be_as_deep_as_people_write(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("\ufeff" + "[" * 60 + "]" * 60, encoding="utf-8")
    assert read_json(path, "give another")


@pytest.mark.parametrize("read", [read_table, read_data_list, lambda path: read_json(path, "give another")])
def test_only_a_regular_file_of_a_size_that_people_write_is_read(read, tmp_path: Path) -> None:
    path = tmp_path / "file"
    os.mkfifo(path)
    with pytest.raises(InputError, match="is a pipe; give a regular file"):
        read(path)
    path.unlink()
    path.touch()
    os.truncate(path, 2**34)
    with pytest.raises(InputError, match="larger than"):
        read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="is a folder; give a regular file"):
        read(path)
    with pytest.raises(InputError, match="nowhere does not exist; check the path"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a device; give a regular file"):
        read(Path(os.devnull))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"path\na\0b\n", "zero byte"),
        ("path\né\n".encode("latin-1"), "UTF-8"),
        ("path\na\n".encode("utf-16"), "zero byte"),
        (b"path\n" + b"x" * 200_000, "field larger than field limit"),
        (b'path\n"a', "first line|names no images|a"),
    ],
)
def test_what_is_no_table_is_reported(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    if content.endswith(b'"a'):
        assert [cells for _, cells in read_table(path)] == [["path"], ["a"]]
        return
    with pytest.raises(InputError, match=words) as refusal:
        read_table(path)
    assert str(refusal.value).startswith(str(path))


def test_rows_keep_their_lines_and_lose_their_spaces(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('\ufeffa, b\r\n\r\n"x\ny",\u2028z \r\n', encoding="utf-8", newline="")
    assert read_table(path) == [(1, ["a", "b"]), (4, ["x\ny", "z"])]
