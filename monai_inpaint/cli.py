"""Command line: parse the arguments, run one command, turn errors into one sentence and an exit code.

Exit codes: 0 done, 1 internal error, 2 error in the input, 130 interrupted (Ctrl-C or SIGTERM).
"""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from monai_inpaint.commands import (
    batch,
    detect,
    difference,
    evaluate,
    export,
    fill,
    find,
    index,
    info,
    metal,
    reader_study,
    reference,
    serve_dicom,
    simulate_metal,
    synthesize,
)
from monai_inpaint.commands.arguments import Parser
from monai_inpaint.commands.quiet import libraries_silenced
from monai_inpaint.failure import exit_code_of
from monai_inpaint.version import __version__

_ABOUT = (
    "Fill a marked region (the hole) of a chest X-ray, CT or MR image with what healthy anatomy would look like there; "
    "everything outside the hole stays as it is. Research use only: not a medical device, not for diagnosis."
)
_EXIT_CODES = "Exit codes: 0 done, 1 internal error, 2 error in the input, 130 interrupted."


class _CommandParser(Parser):
    """Refuses options that the command does not have itself, so that the sentence names the command's own help."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments without the program's name; None: those of the process.

    Returns:
        the exit code.
    """
    return exit_code_of(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    with _sigterm_as_interrupt(), libraries_silenced():
        args = make_parser().parse_args(argv)
        return args.run(args)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands; its result carries `run`."""
    parser = Parser("monai-inpaint", description=_ABOUT, epilog=_EXIT_CODES, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"monai-inpaint {__version__} (research use only)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_CommandParser)
    for command in (
        fill,
        find,
        batch,
        difference,
        metal,
        simulate_metal,
        synthesize,
        detect,
        evaluate,
        reader_study,
        index,
        reference,
        export,
        serve_dicom,
        info,
    ):
        sub = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=f"{command.HELP} Research use only.",
            epilog=_EXIT_CODES,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C, which cleans up; only possible in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
