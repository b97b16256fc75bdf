"""What a browser hands over: names, kinds and sizes that are meant to do harm, against the real application."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import numpy as np
import PIL.Image
import pydicom
import pytest
from client import Socket, run, upload
from conftest import App
from pydicom.data import get_testdata_file

from monai_inpaint.web.uploads import BYTES, FILES, receive, shown


def _send(app: App, *files: tuple[str, bytes], **options: Any) -> tuple[int, str]:
    return run(lambda session: upload(session, app.origin, app.secret, list(files), **options))


def _state(app: App) -> dict[str, Any]:
    async def ask(session: aiohttp.ClientSession) -> dict[str, Any]:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            return (await wire.call("trame.state.get"))["state"]

    return run(ask)


@pytest.mark.parametrize(
    ("name", "seen", "written"),
    [("../../../../../../tmp/evil.nii", "evil.nii", ".nii"), ("/tmp/evil.nii", "evil.nii", ".nii"),
     ("..\\..\\evil.nii", "evil.nii", ".nii"), ("C:\\evil.nii", "evil.nii", ".nii"), ("CON.nii", "CON.nii", ".nii"),
     ("a\0/tmp/evil.nii", "evil.nii", ".nii"), ("evil\0.nii", "evil_.nii", ".nii"), ("-rf.nii", "-rf.nii", ".nii"),
     ("$(touch evil).nii", "$(touch evil).nii", ".nii"), ("\u202eiin.nii", "_iin.nii", ".nii"),
     ("evil\n.nii", "evil_.nii", ".nii"), ("x" * 5000 + ".nii", "x" * 80 + "...", ".nii"), ("evil", "evil", ".dcm"),
     ("\uff0e\uff0e\uff0fevil.nii", "\uff0e\uff0e\uff0fevil.nii", ".nii"), ("1.2.840.1", "1.2.840.1", ".dcm"),
     ("..", "..", ".dcm"), ("evil\ud800.nii", "evil_.nii", ".nii")],
)  # fmt: skip
def test_a_name_never_becomes_a_path(tmp_path: Path, name: str, seen: str, written: str) -> None:
    folder, names = tmp_path / "inner" / "folder", {}
    folder.mkdir(parents=True)

    path, seen_name = run(lambda _: _received([(name, b"voxels")], folder, names))

    assert (path, seen_name) == (folder / f"000000{written}", seen)
    assert names == {path: seen}
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert path.read_bytes() == b"voxels"


async def _received(files: list[tuple[str, bytes]], folder: Path, names: dict[Path, str]) -> tuple[Path, str]:
    listed = json.dumps([[name, len(content)] for name, content in files]).encode()
    stream = aiohttp.StreamReader(Mock(_reading_paused=False), 2**16, loop=asyncio.get_running_loop())
    stream.feed_data(listed + b"".join(content for _, content in files))
    stream.feed_eof()
    return await receive(stream, str(len(listed)), folder, names, lambda _: None)


@pytest.mark.parametrize("name", ["../../../../../../tmp/evil.nii", "/tmp/evil.nii", "..\\evil\0<img src=x>.nii"])
def test_a_hostile_name_is_only_shown(app: App, head: Path, name: str) -> None:
    status, sentence = _send(app, (name, head.read_bytes()))

    assert (status, "mark what is to be filled" in sentence) == (200, True)
    assert sentence.startswith("evil")
    assert not app.files
    assert not [path for place in (app.folder, app.temporary, Path("/tmp")) for path in place.glob("*evil*")]


@pytest.mark.parametrize(
    "name",
    ["numpy.py", "sitecustomize.py", "usercustomize.pth", "x.so", "x.pkl", "x.npy", "head.nii.py", "x.html", "x.mrb",
     ".nii", "x.nii/", "x.exe"],
)  # fmt: skip
def test_a_file_of_no_known_kind_is_refused(app: App, name: str) -> None:
    status, sentence = _send(app, (name, b"open('/tmp/evil', 'w')"))

    assert status == 422
    assert sentence.endswith(".")
    assert not app.files


def test_a_module_beside_an_image_is_refused_with_it(app: App, head: Path) -> None:
    status, sentence = _send(app, ("head.nii", head.read_bytes()), ("numpy.py", b"raise SystemExit"))

    assert (status, "numpy.py has no suffix of a format" in sentence) == (422, True)


_META = b"ObjectType = Image\nNDims = 2\nDimSize = 8 8\nElementType = MET_UCHAR\nElementDataFile = "
_NRRD = b"NRRD0005\ntype: uint8\ndimension: 2\nsizes: 8 8\nencoding: raw\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("head.mhd", _META + b"/etc/passwd\n"),
        ("head.mha", _META + b"/etc/passwd\n"),
        ("head.mha", _META.replace(b"\n", b"\r\n") + b"../../../etc/passwd\r\n"),
        ("head.mha", _META + b"LIST\n/etc/passwd\n"),
        ("head.mha", _META + b"%d 1 1 1\n"),
        ("head.mha", _META.replace(b"ElementDataFile = ", b"elementdatafile=") + b"/etc/passwd\n"),
        ("head.mha", _META.rpartition(b"Element")[0]),
        ("head.mha", _META.replace(b"Image\n", b"Image\rElementDataFile = LOCAL\n") + b"/etc/passwd\n"),
        ("head.mha", _META.replace(b"Image\n", b"Image\rElementDataFile = /etc/passwd\n") + b"LOCAL\n"),
        ("head.nrrd", _NRRD + b"# x\rdata file: /etc/passwd\n\n"),
        ("head.nhdr", _NRRD + b"data file: /etc/passwd\n\n"),
        ("head.nrrd", _NRRD + b"data file: /etc/passwd\n\n"),
        ("head.nrrd", _NRRD + b"DATAFILE:/etc/passwd\n\n"),
        ("head.nrrd", (_NRRD + b"datafile: /etc/passwd\n\n").replace(b"\n", b"\r\n")),
        ("head.nrrd", _NRRD + b"data file: LIST\n/etc/passwd\n\n"),
        ("head.hdr", b"\0" * 348),
    ],
)
def test_a_header_that_tells_of_another_file_is_refused(app: App, name: str, content: bytes) -> None:
    before = _state(app)

    status, sentence = _send(app, (name, content))

    assert status == 422
    assert sentence.startswith(name)
    assert re.search(
        "in another file|outside of its own folder|line ends LF|writes 'Element|no ElementDataFile|DATAFILE", sentence
    )
    assert _state(app) == {**before, "message": sentence}


def test_voxels_that_look_like_a_header_are_read(app: App) -> None:
    voxels = b"\ndata file: /etc/passwd\nElementDataFile = /etc/passwd\n".ljust(64, b"\0")

    assert _send(app, ("a.nrrd", _NRRD + b"\n" + voxels))[0] == 200
    assert _send(app, ("a.mha", _META + b"LOCAL\n" + voxels))[0] == 200


def test_the_files_of_one_series_are_one_volume(app: App) -> None:
    files = []
    for number, name in enumerate(("IM1", "1.2.840.2", "third.IMA", "fourth.dcm")):
        slice_ = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        slice_.ImagePositionPatient[2] += 5 * number
        written = io.BytesIO()
        slice_.save_as(written, enforce_file_format=True)
        files.append((name, written.getvalue()))

    status, sentence = _send(app, *files)
    low, high, step = _state(app)["limits"]

    assert (status, sentence.startswith("IM1 and 3 more: mark")) == (200, True)
    assert (low, high, step) == (-896, 1167, 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 352, b"\x5c\x01\0\0" + b"\xff" * 4000],
)
def test_a_bad_file_leaves_image_and_state_as_they_were(app: App, head: Path, content: bytes) -> None:
    _send(app, ("good.nii", head.read_bytes()))
    before = _state(app)

    status, sentence = _send(app, ("bad one.nii", content))
    after = _state(app)

    assert status == 422
    assert sentence.startswith("bad one.nii ")
    assert str(app.temporary) not in sentence
    assert after == {**before, "message": sentence}
    assert not app.files


def test_colour_is_refused_in_a_sentence_and_changes_nothing(app: App) -> None:
    picture = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8)).save(picture, "png")
    before = _state(app)

    status, sentence = _send(app, ("photo.png", picture.getvalue()))

    assert (status, sentence.startswith("photo.png ")) == (422, True)
    assert _state(app) == {**before, "message": sentence}


@pytest.mark.parametrize(
    "listed",
    [None, [], {}, "x", 1, [[]], [["a.nii"]], [["a.nii", -1]], [["a.nii", "1"]], [["a.nii", True]], [["a.nii", 1.5]],
     [[1, 1]], [["a.nii", 1, 1]], [["a.nii", BYTES + 1]], [["a.dcm", BYTES // 2]] * 3, [["a.dcm", 0]] * (FILES + 1),
     [["a.nii", 0], ["b.nii", 0]], [["a" * 2**21, 1]], "[" * 10_000],
)  # fmt: skip
def test_a_list_that_is_none_or_too_long_is_refused(app: App, listed: object) -> None:
    text = json.dumps(listed) if not isinstance(listed, str) else listed

    async def send(session: aiohttp.ClientSession) -> tuple[int, str]:
        headers = {"X-Secret": app.secret, "X-List": str(len(text))}
        async with session.post(f"{app.origin}/upload/volume", data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.text()

    status, sentence = run(send)

    assert status == 422
    assert len(sentence) < 200
    assert "internal error" not in sentence
    assert not app.files


@pytest.mark.parametrize("listed", ["", "-1", "x", "1e3", "²", str(2**40), "9" * 5000])
def test_a_length_that_is_none_is_refused(app: App, listed: str) -> None:
    status, sentence = _send(app, ("a.nii", b"x"), headers={"X-List": listed})

    assert status in (400, 422)
    assert "internal error" not in sentence


def test_more_than_was_announced_is_cut_off_and_takes_no_memory(app: App) -> None:
    before = app.most_memory
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield json.dumps([["a.nii", 1000]]).encode()
        while sent < 2**30:
            sent += 2**20
            yield b"\0" * 2**20

    async def send(session: aiohttp.ClientSession) -> int:
        headers = {"X-Secret": app.secret, "X-List": str(len(json.dumps([["a.nii", 1000]])))}
        async with session.post(f"{app.origin}/upload/volume", data=endless(), headers=headers) as answer:
            return answer.status

    with suppress(aiohttp.ClientError):  # the connection may be closed while it is still sending
        assert run(send) == 422
    assert sent < 2**28
    assert app.most_memory - before < 100e6
    assert not app.files


def test_a_large_file_arrives_in_parts(app: App) -> None:
    before = app.most_memory
    content = b"\0" * 200_000_000

    status, _ = _send(app, ("a.nii", content))

    assert status == 422
    assert app.most_memory - before < 100e6


def test_an_upload_that_breaks_off_leaves_nothing_and_the_next_one_is_taken(app: App, head: Path) -> None:
    content = head.read_bytes()
    listed = json.dumps([["a.nii", len(content)]])

    async def break_off(session: aiohttp.ClientSession) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        fields = f"Host: 127.0.0.1:{app.port}\r\nX-Secret: {app.secret}\r\nX-List: {len(listed)}\r\n"
        writer.write(
            f"POST /upload/volume HTTP/1.1\r\n{fields}Content-Length: {len(listed) + len(content)}\r\n\r\n".encode()
        )
        writer.write(listed.encode() + content[:1000])
        await writer.drain()
        await asyncio.sleep(0.5)
        writer.close()
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            while (state := (await wire.call("trame.state.get"))["state"])["busy"]:
                await asyncio.sleep(0.1)
        assert state["message"] == "The upload was cut off; load the file again."

    run(break_off)

    assert not app.files
    assert _send(app, ("a.nii", content))[0] == 200


def test_nothing_is_loaded_during_a_run(app: App, head: Path) -> None:
    _send(app, ("head.nii", head.read_bytes()))

    async def both(session: aiohttp.ClientSession) -> tuple[dict, tuple[int, str], dict]:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            await wire.call("trame.trigger", "mark", [], {})
            await wire.call("trame.trigger", "fill", [], {})
            answer = await upload(session, app.origin, app.secret, [("other.nii", head.read_bytes())])
            await wire.call("trame.trigger", "remove", [], {})
            during = (await wire.call("trame.state.get"))["state"]
            await wire.call("trame.trigger", "cancel", [], {})
            while (state := (await wire.call("trame.state.get"))["state"])["busy"]:
                await asyncio.sleep(0.1)
            async with session.post(f"{app.origin}/save/image", headers={"X-Secret": app.secret}) as saved:
                assert (saved.status, await saved.text()) == (409, "Fill a region first.")
        return during, answer, state

    during, (status, sentence), after = run(both)

    assert (status, sentence) == (409, "Wait until what runs has ended, or press Cancel.")
    assert (during["message"], during["busy"]) == (sentence, True)
    assert (after["filled"], after["regions"][0]["filled"]) == (False, False)
    assert not app.files


def test_the_folder_of_the_session_is_private(app: App) -> None:
    (folder,) = app.temporary.glob(".monai-inpaint-web.*.partial")

    assert oct(folder.stat().st_mode)[-3:] == "700"
    assert folder.stat().st_uid == os.getuid()


def test_names_are_short_and_printable() -> None:
    assert shown("a/b\\c\x1b[31m.nii") == "c_[31m.nii"
    assert shown("") == shown("a/") == "the file"
