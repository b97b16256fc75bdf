"""Parser of arguments, and types that the commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from monai_inpaint.errors import InputError
from monai_inpaint.paths import path_of


class Parser(argparse.ArgumentParser):
    """Refuses arguments in one sentence, as all other input."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help.")


def path_text(text: str) -> str:
    """A path as it was typed: `Path` would take an empty one, often an unset variable of a script, for this folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    path_of(text)
    return text


def nonempty_path(text: str) -> Path:
    """Return a path that is not empty."""
    return Path(path_text(text))


def nonempty_text(value: str) -> str:
    """Return a text that is not empty: an empty one, often an unset variable of a script, would count as absent."""
    if not value.strip():
        raise argparse.ArgumentTypeError("the value is empty")
    return value


def seed_number(text: str) -> int:
    """Return a seed as numpy takes it, refused before a batch begins rather than case by case."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} must be 0 or more")
    return number


def image_count(text: str) -> int:
    """Return a number of images to make."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number <= 10**6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of images, such as 1000")
    return number


def iou_share(text: str) -> float:
    """Return an overlap, from 0 to less than 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no overlap; give a number from 0 to less than 1")
    return share


def add_detections(parser: argparse.ArgumentParser) -> None:
    """Add DETECTIONS, TRUTH and --iou, as all that looks at detections takes them."""
    parser.add_argument(
        "detections",
        type=path_text,
        metavar="DETECTIONS",
        help="JSON of NODE21, Grand Challenge or COCO results; or a folder of them, or of YOLO texts with scores",
    )
    parser.add_argument(
        "truth",
        type=path_text,
        metavar="TRUTH",
        help="folder of NODE21 (metadata.csv), COCO (annotations.json) or YOLO (labels/), or one of these files",
    )
    parser.add_argument(
        "--iou", type=iou_share, default=0.2, metavar="X", help="overlap that a hit exceeds (default: 0.2)"
    )
