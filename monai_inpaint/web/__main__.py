"""`monai-inpaint-web [VOLUME] [--bundle mr] [--port 8080] [--host 127.0.0.1]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from monai_inpaint.commands.failure import exit_code_of
from monai_inpaint.errors import InputError
from monai_inpaint.images import MODALITIES

LOCAL = ("127.0.0.1", "localhost", "::1")
SHORTEST = 16  # characters of a token


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    return exit_code_of(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser("monai-inpaint-web", description="Fill regions of a volume, in the browser.")
    parser.add_argument("volume", nargs="?", type=Path, help="NRRD, NIfTI, ...; or load one in the browser")
    parser.add_argument("--bundle", choices=MODALITIES, default="mr", help="the model (default: mr)")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--host", default=LOCAL[0], help="address to listen on (default: this machine only)")
    parser.add_argument("--token", help="of others who connect; needed, and only taken, with another --host")
    args = parser.parse_args(argv)
    check(args.host, args.token, args.volume)
    from monai_inpaint.web.app import InpaintApp

    app = InpaintApp(volume=args.volume, bundle=args.bundle)
    key = [f"--authKey={args.token}"] if args.token else []
    sys.argv = [sys.argv[0], *key]  # trame reads it there only
    app.server.start(host=args.host, port=args.port, open_browser=False, timeout=0)
    return 0


def check(host: str, token: str | None, volume: Path | None) -> None:
    """Refuse what would be open to others, or could not start.

    Raises:
        InputError: another address without a token, a short token, no such file, or the extra is not installed.
    """
    if host not in LOCAL and not token:
        raise InputError(f"--host {host} lets other machines in; add --token with a secret of your own.")
    if token is not None and len(token) < SHORTEST:
        raise InputError(f"The token has {len(token)} characters; give {SHORTEST} or more.")
    if volume is not None and not volume.is_file():
        raise InputError(f"{volume} does not exist; check the path.")
    if find_spec("trame_slicer") is None:
        raise InputError("trame-slicer is not installed; install it with: pip install 'monai-inpaint[web]'")


if __name__ == "__main__":
    sys.exit(main())
