"""Types of arguments that the commands share."""

from __future__ import annotations

import argparse


def path_text(text: str) -> str:
    """A path as it was typed: `Path` would take an empty one, often an unset variable of a script, for this folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return text
