"""Silence libraries on stderr, so that programs that read it get only our lines."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from monai_inpaint.failure import DEBUG


@contextmanager
def libraries_silenced() -> Iterator[None]:
    """Drop warnings of libraries, and what C++ libraries write to file descriptor 2; sys.stderr still works.

    OpenVINO also prints there what it raises as an exception; pydicom warns of unusual values when they are first read.
    With MONAI_INPAINT_DEBUG=1 nothing is dropped.
    """
    if os.environ.get(DEBUG) == "1":
        yield
        return
    with warnings.catch_warnings(action="ignore"), _descriptor_silenced():
        yield


@contextmanager
def _descriptor_silenced() -> Iterator[None]:
    try:
        real = os.dup(2)
    except OSError:  # closed by whoever started us
        yield
        return
    ours = sys.stderr
    if ours is not None and _descriptor(ours) == 2:
        ours.flush()
        sys.stderr = os.fdopen(real, "w", buffering=1, encoding=ours.encoding, errors=ours.errors, closefd=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        sys.stderr = ours
        os.dup2(real, 2)
        os.close(real)


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return None
