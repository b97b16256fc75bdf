"""Parser, options and argument types that several commands share; each option with its default and its help."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from monai_inpaint.engines.names import CHOICES
from monai_inpaint.errors import InputError
from monai_inpaint.paths import path_of
from monai_inpaint.progress import KINDS


class Parser(argparse.ArgumentParser):
    """Refuses arguments in one sentence, as all other input."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help.")


def path_text(text: str) -> str:
    """A path as typed: `Path` would read an empty one, often an unset variable of a script, as this folder."""
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
    """Return a seed in the range of numpy, refused before a batch starts rather than case by case."""
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
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of images, such as 1000")
    return number


def iou_share(text: str) -> float:
    """Return an overlap, from 0 to less than 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an overlap; give a number from 0 to less than 1")
    return share


def add_detections(parser: argparse.ArgumentParser) -> None:
    """Add DETECTIONS, TRUTH and --iou, common to the commands that use detections."""
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


def add_image_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=path_text, metavar="IMAGE", help="image file, or a folder with one DICOM series")


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "output",
        type=path_text,
        metavar="OUTPUT",
        help="output file, its format by its suffix; without suffix a folder with a DICOM series",
    )


def add_segment_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--segment",
        type=nonempty_text,
        metavar="NAME",
        help="segment, ROI or label to use if HOLE contains several: name, number or pattern; '*' for all",
    )


def add_results_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dicom-results",
        action="store_true",
        help="make OUTPUT a folder with all objects for an archive: derived series, hole (SEG), difference, record "
        "(SR), overview",
    )


def add_report_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=path_text, metavar="PATH", help="also write a report as JSON (file names, no patient data)"
    )


def add_overwrite_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace existing outputs (never an input)")


def add_sample_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to fill with."""
    parser.add_argument(
        "--sample", action="store_true", help="fill with one plausible, sharp sample instead of the best estimate"
    )
    parser.add_argument(
        "--seed",
        type=seed_number,
        default=0,
        metavar="N",
        help="seed of the samples (default: 0); the same seed gives the same voxels",
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add bundle, engine and progress."""
    parser.add_argument(
        "--bundle",
        type=nonempty_text,
        metavar="NAME",
        help="model: cxr, ct, mr, or a bundle's name or folder (default: by the DICOM modality)",
    )
    add_engine_argument(parser)
    add_progress_argument(parser)


def add_engine_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=CHOICES, default="auto", help="what runs the networks (default: auto)")


def add_progress_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress",
        choices=KINDS,
        default="auto",
        help="progress on stderr: a line on a terminal (auto, the default), JSON lines, or none",
    )


def add_row_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --split, --source and --modality, which select rows of a data list."""
    for column in ("split", "source", "modality"):
        parser.add_argument(f"--{column}", type=nonempty_text, metavar="VALUE", help=f"only rows with this {column}")


def add_synthesis_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --seed, --resume, --engine and --progress of commands that make synthetic images."""
    parser.add_argument("--seed", type=seed_number, default=0, metavar="N", help="same seed, same voxels (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on: leave out what is done")
    add_engine_argument(parser)
    add_progress_argument(parser)


def add_synthesis_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=path_text, metavar="OUTPUT", help="folder for images/, masks/ and manifests/")
