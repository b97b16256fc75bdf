"""Turn an exception into one sentence on stderr and an exit code."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.paths import FULL_OR_BROKEN, WRONG_PLACE

DONE, OUR_FAULT, USERS_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "MONAI_INPAINT_DEBUG"

_PACKAGE = str(Path(__file__).parent)
_LONGEST = 1000  # characters of a sentence; names and values in it come from anybody


def exit_code_of(action: Callable[[], int]) -> int:
    """Run a whole program and return its exit code; failures become one sentence, without a stack trace."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        code = action()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read what we print has ended, as `head` does
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the end
        return INTERRUPTED
    except Exception as error:
        code, sentence = explain(error)
        say(sentence)
        return code


def explain(error: Exception) -> tuple[int, str]:
    """The exit code and one sentence for an exception; its trace goes to stderr where MONAI_INPAINT_DEBUG is 1."""
    if isinstance(error, InputError):
        return USERS_INPUT, one_line(error)
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
    if isinstance(error, OSError) and _place_at_fault(error):
        place = _line(os.fsdecode(error.filename)) if error.filename else "The disk"
        return USERS_INPUT, f"{place}: {os.strerror(error.errno or 0)}; check the path, its permissions and its disk."
    if isinstance(error, MemoryError):
        return OUR_FAULT, "not enough memory for this image; close other programs or use a machine with more."
    return OUR_FAULT, (
        f"internal error, not caused by the input: {type(error).__name__}: {one_line(error)} ({_place(error)}); "
        f"please report it, with the trace that {DEBUG}=1 shows."
    )


def say(sentence: str) -> None:
    """Print one line on stderr, if there is one, whatever characters the sentence contains."""
    if sys.stderr is not None:
        with suppress(OSError):  # where nobody reads it, the exit code remains
            print(f"monai-inpaint: {_line(sentence)}", file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    """Return the message of an exception in one line without control characters."""
    return _line(str(error))


def _line(text: str) -> str:
    """Make a text one short line without control characters, safe to print on a terminal."""
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _place_at_fault(error: OSError) -> bool:
    if error.errno in FULL_OR_BROKEN:
        return True
    # what is not there of our own is our fault
    return error.errno in WRONG_PLACE and bool(error.filename) and not os.fsdecode(error.filename).startswith(_PACKAGE)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "place unknown"
