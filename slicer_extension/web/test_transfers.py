"""A file is handed over whole, or the browser knows that it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from client import run

from monai_inpaint.web.transfers import PART, Transfers


class State(dict):
    """What `Transfers` needs of trame's state."""

    def __init__(self) -> None:
        super().__init__(busy=False, fraction=0, message="")

    __getattr__, __setattr__ = dict.__getitem__, dict.__setitem__

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Failing(type(Path())):  # type: ignore[misc]
    """A file of which the second part cannot be read."""

    def open(self, *args: Any, **options: Any) -> Any:
        file = super().open(*args, **options)
        read = file.read

        class Broken:
            def __enter__(self) -> Broken:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def tell(self) -> int:
                return file.tell()

            def read(self, size: int) -> bytes:
                if file.tell():
                    raise OSError(5, "Input/output error")
                return read(size)

        return Broken()


def saved(folder: Path, write: Any) -> tuple[State, int, bytes | None]:
    """The state after a file was asked for, the status, and its content; None where the connection was cut."""

    async def ask(session: aiohttp.ClientSession) -> tuple[State, int, bytes | None]:
        state, application = State(), web.Application()
        transfers = Transfers(state, folder)

        async def handed_over(request: web.Request) -> web.StreamResponse:
            return await transfers.hand_over(request, write, "image.nii")

        application.router.add_get("/", handed_over)
        async with TestServer(application) as server, session.get(server.make_url("/")) as answer:
            try:
                content = await answer.read()
            except aiohttp.ClientError:
                content = None
            return state, answer.status, content

    return run(ask)


def test_a_file_of_several_parts_arrives_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * (3 * PART // 256) + b"end"

    def write(folder: Path) -> Path:
        (folder / "image.nii").write_bytes(content)
        return folder / "image.nii"

    state, status, received = saved(tmp_path, write)

    assert (status, received) == (200, content)
    assert (state.message, state.busy, state.fraction) == ("image.nii is saved.", False, 0)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_reported_in_the_answer(tmp_path: Path) -> None:
    def write(_folder: Path) -> Path:
        raise OSError(28, "No space left on device")

    state, status, received = saved(tmp_path, write)

    assert status == 422
    assert received == state.message.encode() != b""
    assert state.busy is False


def test_a_file_that_breaks_off_is_no_file_with_a_sentence_at_its_end(tmp_path: Path) -> None:
    def write(folder: Path) -> Path:
        (folder / "image.nii").write_bytes(bytes(3 * PART))
        return Failing(folder / "image.nii")

    state, _, received = saved(tmp_path, write)

    assert received is None
    assert state.message
    assert "saved" not in state.message
    assert (state.busy, state.fraction) == (False, 0)
    assert not list(tmp_path.iterdir())
