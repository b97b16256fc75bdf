"""Settings (JSON) of the service. See docs/deploy.md."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.pacs.log import KINDS, TEXT
from monai_inpaint.pacs.rules import Rule, rules_of
from monai_inpaint.paths import path_of

_MB = 10**6
_DAY = 24 * 3600.0
_OPTIONAL = {
    "quiet_seconds", "study_mb", "quota_mb", "keep_days", "monitor", "log", "fetch", "report_skipped",
    "storage_commitment", "worklist",
}  # fmt: skip


@dataclass(frozen=True)
class Tls:
    """Files in PEM: our certificate and its key, and the authorities whose certificates are taken from others."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True)
class Node:
    """A DICOM application entity: ours, or an archive's."""

    host: str
    port: int
    title: str
    tls: Tls | None = None

    @property
    def name(self) -> str:
        """Name in the log."""
        return self.title


@dataclass(frozen=True)
class WebNode:
    """An archive's DICOMweb service; without `tls` the certificate of an https server is checked as usual."""

    url: str
    tls: Tls | None = None

    @property
    def name(self) -> str:
        """Name in the log."""
        return self.url


@dataclass(frozen=True)
class WorklistSettings:
    """Address of a worklist, and the code of the work items that we perform: value, coding scheme and meaning."""

    at: Node | WebNode
    code: tuple[str, str, str]
    poll_seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """The service's settings.

    Attributes:
        queue: folder of the queue.
        listen: where studies are taken.
        callers: AE titles that may send.
        send: where results go.
        fetch: where series are fetched that a SEG or RTSTRUCT refers to and that did not come; None: nowhere.
        rules: see `monai_inpaint.pacs.rules`.
        quiet_seconds: a study is complete when nothing has come for so long.
        study_bytes: of the largest study that is taken.
        quota_bytes: that the queue may take in all, results included.
        keep_seconds: how long the images of a study that is done are kept, for a region that is drawn later.
        monitor: port on 127.0.0.1 of `/health` and `/metrics`; None: there are none.
        log: "text" or "json".
        report_skipped: why series are skipped that a rule is for goes to the archive, as a structured report.
        storage_commitment: results are kept until the archive says that it keeps them.
        worklist: whose work items are performed; None: nobody's.
    """

    queue: Path
    listen: Node
    callers: tuple[str, ...]
    send: Node | WebNode
    rules: tuple[Rule, ...]
    quiet_seconds: float = 30.0
    study_bytes: int = 4000 * _MB
    quota_bytes: int = 50000 * _MB
    keep_seconds: float = 7 * _DAY
    monitor: int | None = None
    log: str = TEXT
    fetch: Node | WebNode | None = None
    report_skipped: bool = False
    storage_commitment: bool = False
    worklist: WorklistSettings | None = None


def read_settings(path: Path) -> Settings:
    """Read the settings of a JSON file; relative paths in it start at its folder.

    Raises:
        InputError: no such file, no JSON, or something missing, unknown or out of place.
    """
    given = read_json(path, "give the settings of the service")
    _check_keys(given, str(path), {"queue", "listen", "send", "rules"}, _OPTIONAL)
    queue, listen = given["queue"], given["listen"]
    if not isinstance(queue, str) or not queue.strip():
        raise InputError(f"{path}: queue is {queue!r}; name a folder.")
    _check_keys(listen, f"{path}: listen", {"port", "title", "callers"}, {"host", "tls"})
    callers = listen["callers"]
    if not isinstance(callers, list) or not callers or not all(_is_title(title) for title in callers):
        raise InputError(f"{path}: callers is {callers!r}; list the AE titles that may send, at least one.")
    send = _archive(given["send"], f"{path}: send", path.parent)
    storage_commitment = _switch(given, "storage_commitment", path)
    if storage_commitment and isinstance(send, WebNode):
        raise InputError(f"{path}: storage_commitment needs a DICOM node in send: host, port and title, not a url.")
    return Settings(
        path_of(queue, path.parent),
        _node({key: value for key, value in listen.items() if key != "callers"}, f"{path}: listen", path.parent),
        tuple(callers),
        send,
        tuple(rules_of(given["rules"], str(path))),
        _positive(given, "quiet_seconds", 30, path),
        round(_MB * _positive(given, "study_mb", 4000, path)),
        round(_MB * _positive(given, "quota_mb", 50000, path)),
        _DAY * _positive(given, "keep_days", 7, path),
        _port(given["monitor"], f"{path}: monitor") if "monitor" in given else None,
        _log(given, path),
        _archive(given["fetch"], f"{path}: fetch", path.parent) if "fetch" in given else None,
        _switch(given, "report_skipped", path),
        storage_commitment,
        _worklist(given, path),
    )


def listening_tls(tls: Tls) -> ssl.SSLContext:
    """TLS of a service that takes callers with a certificate of the authority only.

    Raises:
        InputError: files that are missing or no certificates.
    """
    context = _context(tls, ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION  # work that a peer could ask for without an end
    return context


def sending_tls(tls: Tls) -> ssl.SSLContext:
    """TLS of a sender, who shows a certificate and checks the receiver's, its host name too; raises as above."""
    return _context(tls, ssl.Purpose.SERVER_AUTH)


def _context(tls: Tls, purpose: ssl.Purpose) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(purpose, cafile=str(tls.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:  # ssl.SSLError is one
        files = f"{tls.certificate}, {tls.key} and {tls.authority}"
        raise InputError(f"TLS cannot be set up from {files} ({error}); check these files.") from error
    return context


def _archive(given: Any, name: str, folder: Path) -> Node | WebNode:
    if not (isinstance(given, dict) and "url" in given):
        return _node(given, name, folder)
    _check_keys(given, name, {"url"}, {"tls"})
    url = given["url"]
    try:
        parts = urlsplit(url)
        fit = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        fit = fit and "@" not in parts.netloc and (parts.port or 1) > 0
    except (ValueError, AttributeError, TypeError):
        fit = False
    if not fit:
        raise InputError(f"{name}: url must be http(s)://HOST/PATH of a DICOMweb service; passwords go to .netrc.")
    return WebNode(url.rstrip("/"), _tls(given, name, folder))


def _worklist(given: Mapping[str, Any], path: Path) -> WorklistSettings | None:
    if "worklist" not in given:
        return None
    name, worklist = f"{path}: worklist", given["worklist"]
    if "fetch" not in given:
        raise InputError(f"{path}: worklist needs fetch, from where the images of a work item come.")
    if not (isinstance(worklist, dict) and "code" in worklist):
        raise InputError(f"{name} lacks code; see docs/deploy.md.")
    ours = ("code", "poll_seconds")
    at = _archive({key: value for key, value in worklist.items() if key not in ours}, name, path.parent)
    code = worklist["code"]
    _check_keys(code, f"{name}: code", {"value", "scheme", "meaning"}, set())
    for key, most in (("value", 16), ("scheme", 16), ("meaning", 64)):
        text = code[key]
        if not isinstance(text, str) or not text.strip() or len(text) > most or "\\" in text:
            raise InputError(f"{name}: code: {key} is {text!r}; give a text of 1 to {most} letters, no backslash.")
    return WorklistSettings(
        at, (code["value"], code["scheme"], code["meaning"]), _positive(worklist, "poll_seconds", 30, path)
    )


def _node(given: Any, name: str, folder: Path) -> Node:
    _check_keys(given, name, {"port", "title"}, {"host", "tls"})
    host, port, title = given.get("host", "127.0.0.1"), given["port"], given["title"]
    if not isinstance(host, str) or not host.strip():
        raise InputError(f"{name}: host is {host!r}; give a name or an address.")
    _port(port, f"{name}: port")
    if not _is_title(title):
        raise InputError(f"{name}: title is {title!r}; an AE title has 1 to 16 characters of ASCII, no backslash.")
    return Node(host, port, title, _tls(given, name, folder))


def _tls(given: Mapping[str, Any], name: str, folder: Path) -> Tls | None:
    if "tls" not in given:
        return None
    files = given["tls"]
    _check_keys(files, f"{name}: tls", {"certificate", "key", "authority"}, set())
    if not all(isinstance(file, str) and file.strip() for file in files.values()):
        raise InputError(f"{name}: tls names files in PEM: certificate, key and authority.")
    return Tls(**{key: path_of(file, folder) for key, file in files.items()})


def _port(port: Any, name: str) -> int:
    if type(port) is not int or not 0 < port < 2**16:
        raise InputError(f"{name} is {port!r}; give a number from 1 to 65535.")
    return port


def _log(given: Mapping[str, Any], path: Path) -> str:
    kind = given.get("log", TEXT)
    if kind not in KINDS:
        raise InputError(f"{path}: log is {kind!r}; give one of {', '.join(KINDS)}.")
    return kind


def _switch(given: Mapping[str, Any], key: str, path: Path) -> bool:
    value = given.get(key, False)
    if not isinstance(value, bool):
        raise InputError(f"{path}: {key} is {value!r}; give true or false.")
    return value


def _is_title(title: Any) -> bool:
    return (
        isinstance(title, str)
        and title == title.strip()
        and 0 < len(title) <= 16
        and all(" " <= letter <= "~" and letter != "\\" for letter in title)
    )


def _positive(given: Mapping[str, Any], key: str, default: float, path: Path) -> float:
    value = given.get(key, default)
    if type(value) not in (int, float) or not 0 < value < 1e12:
        raise InputError(f"{path}: {key} is {value!r}; give a positive number.")
    return value


def _check_keys(given: Any, name: str, needed: set[str], others: set[str]) -> None:
    if not isinstance(given, dict):
        raise InputError(f"{name} is not a JSON object; see docs/deploy.md.")
    for key in sorted(needed - set(given)):
        raise InputError(f"{name} lacks {key}; see docs/deploy.md.")
    for key in sorted(set(given) - needed - others):
        raise InputError(f"{name} has the unknown key {key}; known are {', '.join(sorted(needed | others))}.")
