"""Files in and out over HTTP: one at a time, never during a run, and a sentence whatever happens."""

# trame brings no types
# pyright: basic

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from monai_inpaint.failure import explain
from monai_inpaint.slicer.errors import InpaintError
from monai_inpaint.web.uploads import receive

PART = 2**20  # bytes of a file that are in memory at a time
BUSY = "Wait until what runs has ended, or press Cancel."


class Transfers:
    """Takes in and hands over the files of one session.

    Args:
        state: trame's, with `busy`, `fraction`, `message` and `tool`.
        folder: of the session, private.
    """

    def __init__(self, state: Any, folder: Path) -> None:
        self._state = state
        self._folder = folder

    async def take_in(
        self, request: web.Request, folder: Path, load: Callable[[Path, str], Awaitable[None]]
    ) -> web.Response:
        """Write what a browser sends into a folder, and load it; the message reports the outcome.

        Args:
            request: as `receive` takes it.
            folder: an empty one, or one that does not exist.
            load: takes the file, or the folder of a DICOM series, and its name for people.
        """
        if self._state.busy:
            return self.answer(BUSY, status=409)
        with self._state:
            self._state.update({"busy": True, "message": "Loading...", "tool": "look"})
        names: dict[Path, str] = {}
        try:
            folder.mkdir(exist_ok=True)
            listed = request.headers.get("X-List", "")
            path, name = await receive(request.content, listed, folder, names, self._show_share)
            with self._state:
                self._state.update({"fraction": 0, "message": f"Reading {name}..."})
            with self._state:
                await load(path, name)
        except Exception as error:  # whatever it is, the person reads why nothing is shown
            return self.answer(_sentence(error, names), status=422)
        finally:
            with self._state:
                self._state.update({"busy": False, "fraction": 0})
        return self.answer(self._state.message)

    async def hand_over(self, request: web.Request, write: Callable[[Path], Path], name: str) -> web.StreamResponse:
        """Write a file into a folder that goes away, and send it under this name, part by part.

        An error before the first part is reported in the answer; later the connection is cut, so that the browser
        does not take a sentence for the rest of the file.
        """
        if self._state.busy:
            return self.answer(BUSY, status=409)
        with self._state:
            self._state.update({"busy": True, "message": "Saving..."})
        answer = web.StreamResponse(headers={"X-Name": quote(name), "Content-Type": "application/octet-stream"})
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                path = await asyncio.to_thread(write, Path(folder))
                answer.content_length = path.stat().st_size
                with path.open("rb") as file:
                    await answer.prepare(request)
                    while part := await asyncio.to_thread(file.read, PART):
                        await answer.write(part)
                        self._show_share(file.tell() / answer.content_length)
                    await answer.write_eof()
        except Exception as error:  # whatever it is, the person reads why nothing is saved
            refusal = self.answer(_sentence(error, {self._folder: "the folder of the session"}), status=422)
            if not answer.prepared:
                return refusal
            if request.transport:
                request.transport.abort()
            return answer
        finally:
            with self._state:
                self._state.update({"busy": False, "fraction": 0})
        self.answer(f"{name} is saved.")
        return answer

    def _show_share(self, share: float) -> None:
        percent = int(100 * share)
        if percent != self._state.fraction:
            with self._state:
                self._state.fraction = percent

    def answer(self, sentence: str, status: int = 200) -> web.Response:
        """Show a sentence as the page's message, and return it as the response."""
        with self._state:
            self._state.message = sentence
        return web.Response(text=sentence, status=status)


def named(sentence: str, names: Mapping[Path, str]) -> str:
    """The sentence with the names that the person knows in place of paths of this machine."""
    for path, name in names.items():
        sentence = sentence.replace(str(path), name)
    return sentence


def _sentence(error: Exception, names: Mapping[Path, str]) -> str:
    return named(str(error) if isinstance(error, InpaintError) else explain(error)[1], names)
