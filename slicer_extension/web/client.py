"""A client of the application that is not a browser: it sends whatever a test gives it."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import msgpack

PATIENCE = 30  # seconds


class Refused(Exception):
    """The application does not do this."""


def run(conversation: Callable[[aiohttp.ClientSession], Coroutine]) -> Any:
    """What becomes of a conversation."""

    async def talk() -> Any:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return await asyncio.wait_for(conversation(session), 120)

    with ThreadPoolExecutor(1) as thread:  # where playwright has no loop of its own
        return thread.submit(asyncio.run, talk()).result()


class Socket:
    """A web socket; `async with`, and then `call`.

    Args:
        session: of aiohttp.
        origin: "http://127.0.0.1:8080".
        headers: to say more, or something else.
    """

    def __init__(self, session: aiohttp.ClientSession, origin: str, headers: dict[str, str] | None = None) -> None:
        self._coming = session.ws_connect(f"{origin}/ws", headers=headers, max_msg_size=0)
        self._calls = 0

    async def __aenter__(self) -> Socket:
        self.socket = await self._coming
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def hello(self, secret: object) -> Any:
        """Show a secret."""
        return await self.call("wslink.hello", {"secret": secret}, id="system:c0:0")

    async def call(self, method: str, *args: Any, id: str | None = None) -> Any:  # noqa: A002
        """What it returns.

        Raises:
            Refused: the answer is an error, or the connection closed.
        """
        self._calls += 1
        number = id or f"rpc:c:{self._calls}"
        await self.send(msgpack.packb({"wslink": "1.0", "id": number, "method": method, "args": list(args)}))
        while (message := await self.receive()).get("id") != number:
            pass
        if "error" in message:
            raise Refused(json.dumps(message["error"]))
        return message["result"]

    async def send(self, message: bytes, claim: int | None = None, number: int = 1) -> None:
        """One message, or the beginning of one that claims to have this many bytes."""
        header = struct.pack("<III", number, 0, len(message) if claim is None else claim)
        await self.socket.send_bytes(header + message)

    async def receive(self) -> dict[str, Any]:
        """The next message.

        Raises:
            Refused: the connection closed.
        """
        content = b""
        while True:
            part = await self.socket.receive(PATIENCE)
            if part.type is not aiohttp.WSMsgType.BINARY:
                raise Refused(f"closed: {part.data}")
            content += part.data[12:]
            if len(content) >= struct.unpack_from("<I", part.data, 8)[0]:
                return msgpack.unpackb(content, strict_map_key=False)


async def upload(
    session: aiohttp.ClientSession,
    origin: str,
    secret: str,
    files: list[tuple[str, bytes]],
    listed: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Send files as a browser does; returns the status and the sentence."""
    names = json.dumps([[name, len(content)] for name, content in files] if listed is None else listed).encode()
    sent = {"X-Secret": secret, "X-List": str(len(names)), **(headers or {})}
    body = names + b"".join(content for _, content in files)
    async with session.post(f"{origin}/upload/volume", data=body, headers=sent) as answer:
        return answer.status, await answer.text()
