"""The web socket: what a browser may call, with what, and how large it may be."""

# trame and wslink bring no types
# pyright: basic

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from wslink.backends.aiohttp import AioHttpWsHandler
from wslink.chunking import UnChunker

from monai_inpaint.web.door import Door

PATIENCE = 10  # seconds until the secret must be there
STRANGERS = 32  # connections that have not shown it yet
LARGEST = 2**18  # bytes of a message: clicks and numbers; files come by another way
PENDING = 8  # messages that have begun to arrive
WIDEST = 8192  # pixels of a view
POLICY = 1008  # the web socket's code for what is against the rules

Checks = Mapping[str, Callable[[Any], bool]]


class Session(AioHttpWsHandler):
    """wslink's handler for those who know the secret, with a few methods in place of all.

    Args:
        protocol: trame's.
        web_app: wslink's.
        door: knows the secret.
        checks: the variables that a browser may set, and whether a value is one for it.
    """

    def __init__(self, protocol: Any, web_app: Any, door: Door, checks: Checks) -> None:
        super().__init__(protocol, web_app)
        self._door = door
        self._checks = checks
        self._known = {name: self.functionMap[name] for name in ("trame.state.get", *_GUARDED)}
        self.functionMap = {name: (self, guard) for name, guard in _GUARDED.items()}
        self.functionMap["trame.state.get"] = self._known["trame.state.get"]
        self.functionMap["trame.lifecycle.update"] = (self, _pass_over)
        self._dismissals: set[asyncio.Task] = set()

    async def handleWsRequest(self, request: web.Request) -> web.StreamResponse:  # noqa: N802  wslink's name
        """Take a connection, unless too many wait at the door."""
        if len(self.connections) - len(self.authentified_client_ids) >= STRANGERS:
            raise web.HTTPServiceUnavailable(text="Too many connections without the secret; try again in a minute.")
        return await super().handleWsRequest(request)

    async def onConnect(self, request: Any, client_id: str) -> None:  # noqa: N802
        """Wait for the secret, but not for ever."""
        await super().onConnect(request, client_id)
        self.unchunkers[client_id] = _Messages()
        waiting = asyncio.create_task(self._dismiss_stranger(client_id))
        self._dismissals.add(waiting)
        waiting.add_done_callback(self._dismissals.discard)

    async def onMessage(self, is_binary: bool, msg: Any, client_id: str) -> None:  # noqa: N802
        """Take a part of a message; who sends what is none, or the wrong secret, is shown out."""
        try:
            message = self.unchunkers[client_id].process_chunk(msg.data) if is_binary else None
            partial = message is None and is_binary
        except (TypeError, ValueError):
            message, partial = None, False
        if _is_call(message):
            await self.onCompleteMessage(message, client_id)
            partial = self.isClientAuthenticated(client_id)
        if not partial:
            await self._close(client_id)

    async def validateToken(self, token: Any, client_id: str) -> bool:  # noqa: ARG002, N802
        """Whether this is the secret."""
        return self._door.opens(token)

    async def sendWrappedError(self, rpcid, code, message, data=None, client_id=None) -> None:  # noqa: ARG002, N802
        """Tell that a call failed; the trace, with this machine's paths, is for the server's own log."""
        await super().sendWrappedError(rpcid, code, message, client_id=client_id)

    async def _dismiss_stranger(self, client_id: str) -> None:
        await asyncio.sleep(PATIENCE)
        if not self.isClientAuthenticated(client_id):
            await self._close(client_id)

    async def _close(self, client_id: str) -> None:
        if client_id in self.connections:
            await self.connections[client_id].close(code=POLICY)

    def _call(self, name: str, *args: Any) -> Any:
        protocol, method = self._known[name]
        return method(protocol, *args)


class _Messages(UnChunker):
    """Of one client; small, and few at a time."""

    def set_max_message_size(self, size: int) -> None:
        super().set_max_message_size(min(size, LARGEST))

    def process_chunk(self, chunk: bytes) -> Any:
        if len(self.pending_messages) > PENDING:
            raise ValueError("too many messages have begun")
        return super().process_chunk(chunk)


def _is_call(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("id"), str) and isinstance(message.get("method"), str)


def _set_state(session: Session, changes: Any) -> Any:
    """Only variables that the page binds to a widget, and only values that the widget can have."""
    for change in changes:
        name, value = change["key"], change.get("value")
        check = session._checks.get(name)
        if check is None or not check(value):
            raise ValueError(f"{name!r} may not be set to that")
    return session._call("trame.state.update", changes)


def _trigger(session: Session, name: str, args: Any = (), kwargs: Any = ()) -> Any:
    """What buttons do takes nothing from the browser."""
    if args or kwargs:
        raise ValueError("a button was pressed with arguments")
    return session._call("trame.trigger", name, [], {})


def _resize(session: Session, area: str, origin: str, size: Any) -> Any:
    width, height, ratio = size["w"], size["h"], size.get("p", 1)
    if not all(is_number(value) and 0 <= value * ratio <= WIDEST for value in (width, height)):
        raise ValueError("no view is as large")
    return session._call("trame.rca.size", area, origin, {"w": width, "h": height, "p": ratio})


def _interact(session: Session, area: str, origin: str, event: Any) -> Any:
    return session._call("trame.rca.event", area, origin, event)


def _pass_over(session: Session, *args: Any) -> None:
    """A browser tells that it came or went; nothing here depends on it."""


def is_number(value: Any) -> bool:
    """A finite one, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_GUARDED = {
    "trame.state.update": _set_state,
    "trame.trigger": _trigger,
    "trame.rca.size": _resize,
    "trame.rca.event": _interact,
}
