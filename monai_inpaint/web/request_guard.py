"""Admit requests by address, page and secret, before anything else sees them."""

from __future__ import annotations

import hmac
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

PAGES = ("/", "/index.html")
HTTP = 80
ENTERING = 3  # seconds from the page to its web socket, in which nobody else is let in
SECRET = "X-Secret"  # the header of requests that do not load a page
# what is shown runs no code but its own, is in no frame, and sends its address to nobody: the secret is in it
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; form-action 'none'; "
        "base-uri 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
MISSING = (
    "The address lacks the secret of this session; open the whole address that monai-inpaint-web printed when it "
    "started, with ?secret= at its end."
)
WRONG = (
    "The secret in the address is not the one of this session; open the address that monai-inpaint-web printed when "
    "it last started."
)
OCCUPIED = (
    "Somebody works in this session already, perhaps you in another window; this page opens by itself once that one is "
    "closed."
)
ELSEWHERE = "This address is not one that monai-inpaint-web was started for; open the address that it printed."
ANOTHER_PAGE = "Pages from elsewhere may not use monai-inpaint-web."


class RequestGuard:
    """Lets in whoever names this server by an address of its own, from a page of its own, with the secret.

    The names are checked because a browser comes with requests of foreign pages too: a page may call any address, and
    the name in its own address may be made to lead here (DNS rebinding).

    Args:
        secret: of this session.
        host: that the server listens on.
        origin: under which browsers see the server where something lies between ("https://fill.example.org").
    """

    def __init__(self, secret: str, host: str, origin: str | None = None) -> None:
        self.secret = secret
        self.port = 0  # once the server listens
        self._names = {"localhost", "127.0.0.1", "::1", host.lower(), socket.gethostname().lower()}
        self._origin = origin
        self._occupied: Callable[[], bool] = lambda: False
        self._promised = 0.0  # until then the session is kept for who got the page last

    def opens(self, secret: object) -> bool:
        """Return whether this is the secret; takes as long for a wrong one."""
        return isinstance(secret, str) and hmac.compare_digest(secret.encode("utf-8", "replace"), self.secret.encode())

    def protect(self, app: web.Application, occupied: Callable[[], bool]) -> None:
        """Stand before all that the application serves.

        Args:
            app: of aiohttp.
            occupied: says whether somebody works in the session.
        """
        self._occupied = occupied
        app.middlewares.append(self._check)
        app.on_response_prepare.append(_add_headers)

    @web.middleware
    async def _check(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not self._is_own(hosts[0], request):
            raise web.HTTPMisdirectedRequest(text=ELSEWHERE)
        for origin in request.headers.getall("Origin", []):
            scheme, _, place = origin.partition("://")
            if origin != self._origin and not (scheme == "http" and self._is_own(place, request)):
                raise web.HTTPForbidden(text=ANOTHER_PAGE)
        if request.path in PAGES:
            # nothing of the session is in the page: what it shows comes by the web socket, which asks for the secret
            # itself; it is asked for here so that there is a sentence to read
            secret = request.query.get("secret")
            if not self.opens(secret):
                return _refusal(WRONG if secret else MISSING)
            if self._occupied() or time.monotonic() < self._promised:
                return _refusal(OCCUPIED, status=409, headers={"Refresh": "1"})
            if request.path != PAGES[0]:  # which leads to the other one
                self._promised = time.monotonic() + ENTERING
        elif request.method not in ("GET", "HEAD") and not self.opens(request.headers.get(SECRET)):
            raise web.HTTPForbidden(text=MISSING)
        return await handler(request)

    def _is_own(self, place: str, request: web.Request) -> bool:
        if self._origin is not None and place == self._origin.partition("://")[2]:
            return True
        try:
            parts = urlsplit(f"//{place}")
            name, port = parts.hostname, parts.port or HTTP
        except ValueError:
            return False
        bare = parts.netloc == place and "@" not in place
        return bare and port == self.port and (name in self._names or name == _address(request))


def _address(request: web.Request) -> str:
    """Of this machine, that the connection came in by."""
    secret = request.transport.get_extra_info("sockname") if request.transport else None
    if not secret:
        return ""
    address = ipaddress.ip_address(secret[0].partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _refusal(sentence: str, status: int = 403, headers: Mapping[str, str] | None = None) -> web.Response:
    """A page with a sentence; a tab that was let in before, or that waits for its turn, opens itself again."""
    page = Path(__file__).with_name("refusal.html").read_text(encoding="utf-8")
    text = page.replace("SENTENCE", sentence)
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
