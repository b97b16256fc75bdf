"""Types of arguments that the commands share."""

from __future__ import annotations

import argparse

from monai_inpaint.paths import path_of


def path_text(text: str) -> str:
    """A path as it was typed: `Path` would take an empty one, often an unset variable of a script, for this folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    path_of(text)
    return text


def seed_number(text: str) -> int:
    """A seed as numpy takes it, refused before a batch begins rather than case by case."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative, give 0 or more")
    return number
