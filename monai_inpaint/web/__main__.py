"""`monai-inpaint-web [IMAGE] [--bundle NAME] [--port 8080] [--host 127.0.0.1] [--token-file FILE] [--origin URL]`."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from monai_inpaint.commands.arguments import Parser, nonempty_path, nonempty_text
from monai_inpaint.errors import InputError
from monai_inpaint.failure import exit_code_of
from monai_inpaint.imaging.modality import MODALITIES
from monai_inpaint.io.stage import temporary_folder
from monai_inpaint.paths import regular_file
from monai_inpaint.private import private_files

LOCAL = "127.0.0.1"
ANY = ("0.0.0.0", "::")
TOKEN = "MONAI_INPAINT_WEB_TOKEN"
_TOKEN_FORM = re.compile(r"[A-Za-z0-9._~-]{16,512}")
_ORIGIN_FORM = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    return exit_code_of(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser("monai-inpaint-web", description="Fill regions of an image, in the browser.", allow_abbrev=False)
    parser.add_argument(
        "image", nargs="?", type=nonempty_path, help="NIfTI, NRRD, DICOM, PNG, ...; or load one in the browser"
    )
    parser.add_argument(
        "--bundle", choices=MODALITIES, help="the model where the file does not state its modality (default: ask)"
    )
    parser.add_argument("--port", type=int, default=8080, help="0: any that is free (default: 8080)")
    parser.add_argument(
        "--host", type=nonempty_text, default=LOCAL, help="address to listen on (default: this machine only)"
    )
    parser.add_argument(
        "--token-file",
        type=nonempty_path,
        metavar="FILE",
        help=f"file with the secret of the address (or {TOKEN}; default: random)",
    )
    parser.add_argument(
        "--origin", type=nonempty_text, metavar="URL", help="what browsers see it under behind a proxy or a tunnel"
    )
    args = parser.parse_args(argv)
    given = token(args.token_file)
    check(args.port, args.origin, args.image)
    secret = given or secrets.token_urlsafe(32)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the folder goes away
    with _listening(args.host, args.port):  # before much is loaded in vain
        family = socket.AF_INET6 if ":" in args.host else socket.AF_INET
        socket.create_server((args.host, args.port), family=family).close()
    from monai_inpaint.web.app import InpaintApp
    from monai_inpaint.web.request_guard import RequestGuard

    with private_files(), temporary_folder("monai-inpaint-web") as folder:
        app = InpaintApp(folder, RequestGuard(secret, args.host, args.origin), args.bundle)
        if args.image is not None:
            app.open(args.image)
        shown = "..." if given else secret  # whoever wrote a file with the secret knows it; it need not be in logs
        with _listening(args.host, args.port):
            app.serve(
                args.host,
                args.port,
                lambda port: print(f"Open {args.origin or _origin(args.host, port)}/?secret={shown}", flush=True),
            )
    return 0


def _origin(host: str, port: int) -> str:
    name = socket.gethostname() if host in ANY else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def token(file: Path | None) -> str | None:
    """Return the secret that the person chose, if any; not by an argument, which every user of the machine can read.

    Raises:
        InputError: the file cannot be read, or the secret is short or does not fit into an address.
    """
    place, token = TOKEN, os.environ.pop(TOKEN, None)  # what is started from here need not know it
    if file is not None:
        place = str(file)
        regular_file(file)
        try:
            with file.open(encoding="utf-8") as text:
                token = text.read(1024).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file} cannot be read as the file with the secret; check it.") from error
    if token is not None and not _TOKEN_FORM.fullmatch(token):
        raise InputError(f"The secret in {place} is not 16 to 512 letters, digits and . _ ~ -; give one that is.")
    return token


def check(port: int, origin: str | None, image: Path | None) -> None:
    """Refuse what could not start.

    Raises:
        InputError: no such port or file, an origin of another form, or the extra is not installed.
    """
    if not 0 <= port < 2**16:
        raise InputError(f"--port {port} is not a port; give 0 to 65535.")
    if origin is not None and not _ORIGIN_FORM.fullmatch(origin):
        raise InputError(f"--origin {origin} is not of the form https://name:port, in lower case and without a path.")
    if image is not None:
        regular_file(image)
    if find_spec("trame_slicer") is None:
        raise InputError("trame-slicer is not installed; install it with: pip install 'monai-inpaint[web]'")


@contextmanager
def _listening(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Python adds to the system's words, and counts what a name server says below 0
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
        raise InputError(f"Port {port} of {host} cannot be listened on ({why}); choose another --port.") from error


if __name__ == "__main__":
    sys.exit(main())
