"""Web socket: limits the calls, arguments and message sizes of a browser."""

# trame and wslink bring no types
# pyright: basic

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

from wslink.backends.aiohttp import AioHttpWsHandler
from wslink.chunking import UnChunker

from monai_inpaint.web.request_guard import RequestGuard

PATIENCE = 10  # seconds until the secret must be there
UNVERIFIED = 32  # connections that have not shown it yet
LARGEST = 2**18  # bytes of a message: clicks and numbers; files come by another way
PENDING = 8  # messages that have begun to arrive
WIDEST = 8192  # pixels of a view
POLICY = 1008  # the web socket's code for what is against the rules

_NONE = object()  # no message
Checks = Mapping[str, Callable[[Any], bool]]


class Session(AioHttpWsHandler):
    """wslink's handler for those who know the secret, with a few methods in place of all.

    Args:
        protocol: trame's.
        web_app: wslink's.
        guard: knows the secret.
        checks: the variables that a browser may set, and whether a value is one for it.
        refused: called with the names of variables that a browser set to something else; they stay as they are.
    """

    def __init__(
        self, protocol: Any, web_app: Any, guard: RequestGuard, checks: Checks, refused: Callable[[list[str]], None]
    ) -> None:
        super().__init__(protocol, web_app)
        self._guard = guard
        self._checks = checks
        self._refused = refused
        self._methods = self.functionMap
        own = {
            "trame.state.get": Session._state,
            "trame.state.update": Session._set_state,
            "trame.trigger": Session._trigger,
            "trame.lifecycle.update": Session._pass_over,
            "trame.rca.size": Session._resize,
            "trame.rca.event": Session._interact,
        }
        self.functionMap = {name: (self, method) for name, method in own.items()}
        self._unverified: dict[str, asyncio.Transport] = {}  # the oldest first

    @property
    def occupied(self) -> bool:
        """Whether somebody who knows the secret is connected."""
        return any(self.isClientAuthenticated(client) for client in self.connections)

    async def onConnect(self, request: Any, client_id: str) -> None:  # noqa: N802  wslink's name
        """Wait for the secret, but not for ever, and not together with any number of others."""
        await super().onConnect(request, client_id)
        self.unchunkers[client_id] = _Messages()
        self._unverified[client_id] = request.transport
        asyncio.get_running_loop().call_later(PATIENCE, self._dismiss, client_id)
        if len(self._unverified) > UNVERIFIED:
            self._dismiss(next(iter(self._unverified)))

    async def onClose(self, client_id: str) -> None:  # noqa: N802
        """Forget who left."""
        self._unverified.pop(client_id, None)
        await super().onClose(client_id)

    async def onMessage(self, is_binary: bool, msg: Any, client_id: str) -> None:  # noqa: N802
        """Take a part of a message; who sends what is none, or the wrong secret, is shown out."""
        try:
            message = self.unchunkers[client_id].process_chunk(msg.data) if is_binary else _NONE
        except (TypeError, ValueError):
            message = _NONE
        if message is None:
            return
        if _is_call(message):
            await self.onCompleteMessage(message, client_id)
            if self.isClientAuthenticated(client_id):
                self._unverified.pop(client_id, None)
                return
        await self.connections[client_id].close(code=POLICY)

    async def validateToken(self, token: Any, client_id: str) -> bool:  # noqa: ARG002, N802
        """Whether this is the secret."""
        return self._guard.opens(token)

    async def sendWrappedError(self, rpcid, code, message, data=None, client_id=None) -> None:  # noqa: ARG002, N802
        """Report that a call failed; the trace, with this machine's paths, goes to the server's own log only."""
        await super().sendWrappedError(rpcid, code, message, client_id=client_id)

    def _dismiss(self, client_id: str) -> None:
        """Close the connection, unless the secret was shown meanwhile."""
        transport = self._unverified.pop(client_id, None)
        if transport is not None:
            transport.abort()

    def _call(self, name: str, *args: Any) -> Any:
        protocol, method = self._methods[name]
        return method(protocol, *args)

    def _state(self) -> Any:
        return self._call("trame.state.get")

    def _set_state(self, changes: Any) -> None:
        """Only variables that the page binds to a widget, and only values that the widget can have."""
        self._take({change["key"]: change.get("value") for change in changes})

    def _take(self, values: dict[str, Any]) -> bool:
        """Set variables; returns whether all values were possible.

        A page sends a change that fails again with every later one, so one value that is refused must not fail all.
        """
        if unknown := values.keys() - self._checks.keys():
            raise ValueError(f"{sorted(unknown)} may not be set")
        possible = {name: value for name, value in values.items() if self._checks[name](value)}
        if possible:
            self._call("trame.state.update", [{"key": name, "value": value} for name, value in possible.items()])
        if refused := sorted(values.keys() - possible.keys()):
            self._refused(refused)
        return not refused

    def _trigger(self, name: str, args: Any = (), kwargs: Any = None) -> Any:
        """Press a button; with it come the fields that were changed before, which would arrive after it else."""
        if args:
            raise ValueError("a button was pressed with arguments")
        return self._call("trame.trigger", name, [], {}) if self._take(dict(kwargs or {})) else None

    def _pass_over(self, *_: Any) -> None:
        """A browser announces that it came or went; nothing here depends on it."""

    def _resize(self, area: str, origin: str, size: Any) -> Any:
        width, height, ratio = size["w"], size["h"], size.get("p", 1)
        if not all(is_number(value) and 0 <= value * ratio <= WIDEST for value in (width, height)):
            raise ValueError("no view is as large")
        return self._call("trame.rca.size", area, origin, {"w": width, "h": height, "p": ratio})

    def _interact(self, area: str, origin: str, event: Any) -> Any:
        return self._call("trame.rca.event", area, origin, event)


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


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
