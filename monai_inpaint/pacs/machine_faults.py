"""Distinguish faults of the machine, such as a full disk, from faults of a job."""

from __future__ import annotations

import errno
import os

from monai_inpaint.pacs.anonymous_errors import sentence_of

_FULL = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name)}


def is_full(error: BaseException | None) -> bool:
    """Return whether an error says that the disk or the user's share of it is full, or comes from one that does."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def reason_of(error: Exception) -> str:
    """Return one sentence for the log, without a name or a value of the patient's."""
    if isinstance(error, OSError) and error.errno:
        return f"{os.strerror(error.errno)}."
    return sentence_of(error)
