"""Whether the disk is full: that is no job's fault, and passes."""

from __future__ import annotations

import errno

_FULL = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name)}


def is_full(error: BaseException | None) -> bool:
    """Whether an error says that the disk or the user's share of it is full, or comes from one that does."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
