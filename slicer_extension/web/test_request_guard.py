"""Who comes in, and what they may say: attacks on the real application, by a client of our own and from a real page."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from client import Refused, Socket, run, upload
from conftest import App

WSLINKS_DEFAULT = "wslink-secret"
ELSEWHERE = "http://elsewhere.example"


async def _page(session: aiohttp.ClientSession, address: str, **headers: str) -> tuple[int, str]:
    async with session.get(address, headers=headers) as answer:
        return answer.status, await answer.text()


async def _state(session: aiohttp.ClientSession, app: App, **headers: str) -> dict[str, Any]:
    async with Socket(session, app.origin, headers) as wire:
        await wire.hello(app.secret)
        state = (await wire.call("trame.state.get"))["state"]
        return {name: value for name, value in state.items() if name != "trame__busy"}


def test_with_the_secret_the_page_and_what_it_shows_are_given(app: App) -> None:
    end = time.monotonic() + 20  # for who was there before to be gone
    status, text = run(lambda session: _page(session, app.address))
    while status == 409 and time.monotonic() < end:
        time.sleep(0.2)
        status, text = run(lambda session: _page(session, app.address))
    state = run(lambda session: _state(session, app, Origin=app.origin))

    assert (status, "trame" in text) == (200, True)
    assert state["loaded"]


@pytest.mark.parametrize("secret", ["", "wrong", WSLINKS_DEFAULT, "%00", "é"])
@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_without_the_secret_the_page_is_a_sentence(app: App, path: str, secret: str) -> None:
    status, text = run(lambda session: _page(session, f"{app.origin}{path}?secret={secret}"))

    assert status == 403
    assert "open the" in text
    assert "trame" not in text


@pytest.mark.parametrize("secret", ["", "wrong", WSLINKS_DEFAULT, None, 0, True, {"a": 1}, ["x"]])
def test_without_the_secret_a_web_socket_gives_nothing(app: App, secret: object) -> None:
    async def knock(session: aiohttp.ClientSession) -> None:
        async with Socket(session, app.origin) as wire:
            with pytest.raises(Refused):
                await wire.hello(secret)
            with pytest.raises(Refused):
                await wire.call("trame.state.get")

    run(knock)


@pytest.mark.parametrize("method", ["trame.state.get", "trame.trigger", "application.exit"])
def test_nothing_is_called_before_the_secret_is_shown(app: App, method: str) -> None:
    async def knock(session: aiohttp.ClientSession) -> None:
        async with Socket(session, app.origin) as wire:
            with pytest.raises(Refused):
                await wire.call(method)

    run(knock)


def test_without_the_secret_no_file_is_taken(app: App) -> None:
    for secret in ("", "wrong", WSLINKS_DEFAULT):
        status, _ = run(lambda session, secret=secret: upload(session, app.origin, secret, [("a.nii", b"x")]))
        assert status == 403


@pytest.mark.parametrize(
    "origin",
    [ELSEWHERE, "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://127.0.0.1:{port}@elsewhere.example",
     "http://127.0.0.1:{port}.elsewhere.example", "http://127.0.0.1", "http://localhost.elsewhere.example:{port}",
     "file://", "", "127.0.0.1:{port}"],
)  # fmt: skip
def test_a_page_of_another_origin_gets_nothing_even_with_the_secret(app: App, origin: str) -> None:
    headers = {"Origin": origin.format(port=app.port)}

    status, _ = run(lambda session: _page(session, app.address, **headers))
    assert status == 403
    status, _ = run(lambda session: upload(session, app.origin, app.secret, [("a.nii", b"x")], headers=headers))
    assert status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        run(lambda session: _state(session, app, **headers))


@pytest.mark.parametrize(
    "host",
    ["elsewhere.example", "elsewhere.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.elsewhere.example:{port}",
     "127.0.0.1:{port}@elsewhere.example", "elsewhere.example@127.0.0.1:{port}", "127.0.0.1:{port}/x", "", "[", "::1"],
)  # fmt: skip
def test_a_name_that_was_made_to_lead_here_gets_nothing_even_with_the_secret(app: App, host: str) -> None:
    headers = {"Host": host.format(port=app.port)}

    status, _ = run(lambda session: _page(session, app.address, **headers))
    assert status in (400, 421)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        run(lambda session: _state(session, app, **headers))


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_the_names_of_this_machine_are_known(app: App, name: str) -> None:
    place = f"{name}:{app.port}"

    state = run(lambda session: _state(session, app, Host=place, Origin=f"http://{place}"))

    assert state["loaded"]


def test_a_second_host_beside_the_right_one_is_refused(app: App) -> None:
    with socket.create_connection(("127.0.0.1", app.port), 10) as raw:
        hosts = f"Host: 127.0.0.1:{app.port}\r\nHost: elsewhere.example\r\n"
        raw.sendall(f"GET /?secret={app.secret} HTTP/1.1\r\n{hosts}\r\n".encode())
        assert raw.recv(4096).split()[1] in (b"400", b"421")


def test_what_is_shown_is_in_no_frame_and_tells_its_address_to_nobody(app: App) -> None:
    async def headers(session: aiohttp.ClientSession) -> list[Any]:
        answers = [await session.get(f"{app.origin}{path}") for path in (f"/?secret={app.secret}", "/", "/nothing")]
        return [answer.headers for answer in answers]

    for answered in run(headers):
        assert "frame-ancestors 'none'" in answered["Content-Security-Policy"]
        assert answered["Referrer-Policy"] == "no-referrer"
        assert answered["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answered


@pytest.mark.parametrize(
    ("name", "value"),
    [("secret", "mine"), ("message", "<b>"), ("loaded", False), ("busy", True), ("limits", [0, 1]),
     ("trame__template_main", "<iframe src='file:///etc/passwd'>"), ("trame__scripts", ["http://elsewhere.example"]),
     ("bundle", "../../etc"), ("bundle", "/etc/passwd"), ("bundle", "mr --report /tmp/x"), ("bundle", None),
     ("bundle", ["mr"]), ("values", "/etc/passwd"), ("values", [0, "/etc/passwd"]), ("values", [0]),
     ("values", [0, True]), ("values", [0, float("nan")]),
     ("tool", "format"), ("active", "no region"), ("shown", ["no region"]), ("brush", 0), ("brush", 10**9),
     ("margin", -1), ("seed", -1), ("seed", 1.5), ("seed", "1 --output x"), ("method", "../x"), ("suffix", ".exe"),
     ("drawn", "x"), ("fade", 101), ("flicker", 1), ("width", 0), ("preset", "x"), ("filled", True),
     ("overlay", "x"), ("overlay", []), ("at", 99), ("at", -1), ("at", 0.5), ("steps", ["x"]), ("name", "x"),
     ("path", "/etc/passwd"), ("__class__", "x"), ("", "")],
)  # fmt: skip
def test_a_browser_sets_only_what_its_widgets_can(app: App, name: str, value: object) -> None:
    async def change(session: aiohttp.ClientSession) -> tuple[dict, dict]:
        before = await _state(session, app)
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            with contextlib.suppress(Refused):
                await wire.call("trame.state.update", [{"key": name, "value": value}])
            with contextlib.suppress(Refused):
                await wire.call("trame.trigger", "fill", [], {name: value})
        return before, await _state(session, app)

    before, after = run(change)

    assert {**after, "message": ""} == {**before, "message": ""}


def test_a_value_that_is_refused_is_reported_and_holds_no_other_one_up(app: App) -> None:
    async def change(session: aiohttp.ClientSession) -> dict:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            await wire.call("trame.state.update", [{"key": "width", "value": 0}, {"key": "margin", "value": 7}])
        return await _state(session, app)

    state = run(change)

    assert state["margin"] == 7
    assert state["message"] == "The width cannot be that now, and stays as it is."


def test_a_browser_chooses_the_model_and_the_values(app: App) -> None:
    async def change(session: aiohttp.ClientSession) -> dict:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            changes = [{"key": "bundle", "value": "ct"}, {"key": "values", "value": [100, 200.5]}]
            await wire.call("trame.state.update", changes)
            changed = await _state(session, app)
            await wire.call("trame.state.update", [{"key": "bundle", "value": "mr"}])
        return changed

    state = run(change)

    assert (state["bundle"], state["values"]) == ("ct", [100, 200.5])


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("application.exit", []), ("application.exit.later", [0]), ("file.server.directory.list", ["/etc"]),
     ("trame.force.push", ["secret"]), ("trame.error.client", ["x"]), ("trame.rca.push", ["a", {}, b"x"]),
     ("viewport.image.render", [{}]), ("__init__", [])],
)  # fmt: skip
def test_a_browser_calls_only_what_its_page_needs(app: App, method: str, arguments: list) -> None:
    async def call(session: aiohttp.ClientSession) -> str:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            with pytest.raises(Refused) as refused:
                await wire.call(method, *arguments)
            return str(refused.value)

    assert "Unregistered method called" in run(call)
    assert app.process.poll() is None


def test_what_goes_wrong_tells_no_path_of_the_server(app: App) -> None:
    calls = [
        ("trame.trigger", ["fill", ["/etc/passwd"], {}]),
        ("trame.trigger", ["fill", [], {"path": "/etc/passwd"}]),
        ("trame.trigger", [["x"], [], {}]),
        ("trame.trigger", []),
        ("trame.state.update", ["x"]),
        ("trame.rca.size", ["x", "y", {"w": 10**9, "h": 10**9}]),
        ("trame.rca.size", ["x", "y", {"w": 100, "h": 100, "p": float("nan")}]),
        ("trame.rca.event", ["x"]),
    ]

    async def call(session: aiohttp.ClientSession, method: str, arguments: list) -> str:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            with pytest.raises(Refused) as refused:
                await wire.call(method, *arguments)
            return str(refused.value)

    for method, arguments in calls:
        refusal = run(functools.partial(call, method=method, arguments=arguments))
        assert "Exception raised" in refusal
        assert "/" not in refusal


def test_a_stranger_costs_little_memory_and_is_shown_out(app: App) -> None:
    before = app.most_memory

    async def greedy(session: aiohttp.ClientSession) -> None:
        async with Socket(session, app.origin) as wire:  # claims 4 GiB
            await wire.send(b"x", claim=2**32 - 1)
            with pytest.raises(Refused):
                await wire.receive()

    async def busy(session: aiohttp.ClientSession) -> None:
        async with Socket(session, app.origin) as wire:  # begins ten thousand messages
            for number in range(10_000):
                await wire.send(b"x", claim=500, number=number)
            await wire.receive()

    async def many(session: aiohttp.ClientSession) -> None:
        waiting = [await session.ws_connect(f"{app.origin}/ws") for _ in range(100)]
        assert (await _state(session, app))["loaded"]  # who knows the secret comes in all the same
        silent = await asyncio.gather(*(connection.receive(30) for connection in waiting))
        assert {message.type for message in silent} <= {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}

    run(greedy)
    with pytest.raises((Refused, aiohttp.ClientError)):
        run(busy)
    run(many)
    assert app.most_memory - before < 100e6


def test_who_knows_the_secret_sends_no_large_messages(app: App) -> None:
    before = app.most_memory

    async def talk(session: aiohttp.ClientSession) -> None:
        async with Socket(session, app.origin) as wire:
            await wire.hello(app.secret)
            await wire.send(b"x", claim=2**32 - 1)
            with pytest.raises(Refused):
                await wire.call("trame.state.get")

    run(talk)

    assert app.most_memory - before < 100e6


@pytest.fixture
def foreign_page(tmp_path: Path) -> Iterator[str]:
    """A web server of someone else on this machine, which a person may happen to look at."""
    (tmp_path / "index.html").write_text("<!doctype html><title>weather</title>", encoding="utf-8")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://weather.example:{server.server_port}/"
        server.shutdown()


ATTACK = """async ([origin, secret]) => {
  const got = {};
  const tell = async (name, attempt) => {
    try { got[name] = await attempt(); } catch (error) { got[name] = "nothing"; }
  };
  await tell("page", async () => (await fetch(`${origin}/?secret=${secret}`)).text());
  await tell("upload", async () => (await fetch(`${origin}/upload/volume`, {method: "POST", body: "[]"})).text());
  await tell("script", () => new Promise((good, bad) => {
    const script = document.createElement("script");
    script.onload = () => good("a script"); script.onerror = bad;
    script.src = `${origin}/vue.global.js`;
    document.head.append(script);
  }));
  await tell("socket", () => new Promise((good, bad) => {
    const socket = new WebSocket(`${origin.replace("http", "ws")}/ws`);
    socket.onopen = () => good("an open socket"); socket.onerror = bad;
  }));
  await tell("frame", () => new Promise((good) => {
    const frame = document.createElement("iframe");
    frame.onload = () => good(frame.contentDocument === null ? "nothing" : "a frame");
    frame.src = `${origin}/?secret=${secret}`;
    document.body.append(frame);
  }));
  return got;
}"""


def test_a_web_page_of_someone_else_gets_nothing_even_with_the_secret(page: Any, app: App, foreign_page: str) -> None:
    page.goto(foreign_page)

    for name in ("127.0.0.1", "localhost"):
        got = page.evaluate(ATTACK, [f"http://{name}:{app.port}", app.secret])
        assert set(got.values()) == {"nothing"}, got


def test_the_page_of_the_application_gets_what_others_do_not(page: Any, app: App) -> None:
    page.goto(app.address)
    page.wait_for_selector("#fill")

    got = page.evaluate(ATTACK, [app.origin, app.secret])

    assert {name for name, what in got.items() if what != "nothing"} == {"page", "upload", "script", "socket"}


def test_a_second_person_gets_a_sentence_and_the_session_once_the_first_has_left(page: Any, app: App) -> None:
    page.goto(app.address)
    page.wait_for_selector("#fill")
    second = page.context.browser.new_page()

    answer = second.goto(app.address)
    assert answer.status == 409
    assert second.inner_text("#message").startswith("Somebody works in this session already")
    page.close()
    second.wait_for_selector("#fill", timeout=60_000)
    second.close()


def test_a_tab_that_is_loaded_anew_is_let_in_again(page: Any, app: App) -> None:
    page.goto(app.address)
    page.wait_for_selector("#fill")
    page.reload()
    page.wait_for_selector("#fill", timeout=60_000)


def test_a_web_page_whose_name_was_made_to_lead_here_gets_a_sentence(page: Any, app: App) -> None:
    answer = page.goto(f"http://rebound.example:{app.port}/?secret={app.secret}")

    assert answer.status == 421
    assert "not one that monai-inpaint-web was started for" in page.inner_text("body")


def test_the_secret_is_in_no_list_of_processes(app: App) -> None:
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout

    assert "monai_inpaint.web" in listed
    assert app.secret not in listed
    assert len(app.secret) >= 32


def test_who_connects_from_elsewhere_needs_the_secret_of_the_file(
    page: Any, serve: Callable[..., App], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("a-secret-of-their-own\n", encoding="utf-8")
    app = serve("--host", "0.0.0.0", "--token-file", file, "--origin", "https://fill.example")
    place = f"127.0.0.1:{app.port}"

    assert app.secret == "..."
    page.goto(f"http://{place}/?secret=another-secret-of-theirs")
    assert "not the one of this session" in page.inner_text("#message")
    page.goto(f"http://{place}/?secret=a-secret-of-their-own")
    page.wait_for_selector("#fill")
    page.reload()  # without the secret in the address
    page.wait_for_selector("#fill")
    assert "secret" not in page.url
    for headers in ({"Host": "fill.example", "Origin": "https://fill.example"}, {"Origin": "https://fill.example"}):
        status, _ = run(
            lambda session, headers=headers: _page(session, f"http://{place}/?secret=a-secret-of-their-own", **headers)
        )
        assert status == 409  # it is let in, and the page is open already


def test_it_listens_on_this_machine_only(app: App) -> None:
    others = [entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for address in {*others} - {"127.0.0.1"}:
        with socket.socket() as connection:
            connection.settimeout(2)
            assert connection.connect_ex((address, app.port)) != 0
