"""What the user reads when something went wrong, and the exit codes that go with it."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from monai_inpaint.errors import InputError

DONE, OUR_FAULT, USERS_INPUT, INTERRUPTED = 0, 1, 2, 130
DEBUG = "MONAI_INPAINT_DEBUG"

# The machine or the place the user named, not this program, is at fault.
_PLACE_AT_FAULT = {errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EROFS, errno.EIO, errno.ENAMETOOLONG}


def exit_code_of(action: Callable[[], int]) -> int:
    """The exit code of a whole program: what goes wrong in it is said in one sentence, without a stack trace."""
    try:
        return action()
    except KeyboardInterrupt:
        say("interrupted")
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
    if isinstance(error, OSError) and error.errno in _PLACE_AT_FAULT:
        return USERS_INPUT, f"{error.filename or 'a file'}: {os.strerror(error.errno)}."
    if isinstance(error, MemoryError):
        return OUR_FAULT, "not enough memory for this image; close other programs or use a machine with more."
    return OUR_FAULT, (
        f"a fault of monai-inpaint, not of your input: {type(error).__name__}: {one_line(error)} ({_place(error)}); "
        f"set {DEBUG}=1 to see the trace, and report it."
    )


def say(sentence: str) -> None:
    """One line on stderr, if there is one."""
    if sys.stderr is not None:
        print(f"monai-inpaint: {sentence}", file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "place unknown"
