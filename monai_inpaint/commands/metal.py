"""`monai-inpaint metal IMAGE OUTPUT`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monai_inpaint.commands.arguments import nonempty_text, path_text
from monai_inpaint.commands.fill import add_model_arguments, add_results_argument, add_segment_argument
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

if TYPE_CHECKING:
    from monai_inpaint.jobs.outputs import Target

NAME = "metal"
HELP = "Find metal in a CT or MR and take its artifacts out."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=path_text, metavar="IMAGE", help="image file, or a folder with one DICOM series")
    parser.add_argument(
        "output", type=path_text, metavar="OUTPUT", help="where to write, format by suffix; folder: DICOM series"
    )
    parser.add_argument(
        "--method",
        type=nonempty_text,
        metavar="NAME",
        help="network, nmar, li or inpaint (default: network for CT with ASTRA)",
    )
    parser.add_argument(
        "--metal", choices=("keep", "fill"), default="keep", help="keep the metal's own voxels, or fill in tissue"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="HU",
        help="everything in the patient from here on is metal (default: decided by piece)",
    )
    parser.add_argument("--region", type=path_text, metavar="HOLE", help="hole: only what it marks may change")
    add_segment_argument(parser)
    add_results_argument(parser)
    parser.add_argument(
        "--find-only", action="store_true", help="write a label map: 1 metal, 2 affected, in MR 3 what may be metal"
    )
    parser.add_argument(
        "--report", type=path_text, metavar="PATH", help="write what was done as JSON (file names, no patient data)"
    )
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="existing outputs may be replaced (never an input)")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.correct_metal import MetalJob, correct_metal
    from monai_inpaint.jobs.outputs import image_target, report_target, results_target
    from monai_inpaint.regions.sources import HoleFile

    if args.find_only and args.dicom_results:
        raise InputError("--find-only changes nothing, so there are no results; leave out one of both.")
    if args.segment is not None and not args.region:
        raise InputError("--segment chooses from what --region holds; name a region, or leave it out.")
    target = results_target if args.dicom_results else image_target
    output = _label_target(args.output) if args.find_only else target(args.output)
    job = MetalJob(
        image=Path(args.image),
        output=output,
        report=report_target(args.report) if args.report else None,
        region=HoleFile(Path(args.region), args.segment) if args.region else None,
        method=args.method,
        metal=args.metal,
        threshold=args.threshold,
        find_only=args.find_only,
        results=args.dicom_results,
        bundle=args.bundle,
        engine=args.engine,
    )
    progress = make_progress(args.progress)
    try:
        facts = correct_metal(job, overwrite=args.overwrite, progress=progress)
    finally:
        progress.clear()
    for sentence in (facts.get("verdict"), *facts["found"]["warnings"]):
        if sentence:
            print(sentence)
    print(f"{output.path} is computed, not measured: compare it with the original. Research use only.")
    return DONE


def _label_target(text: str) -> Target:
    """An image file of any format but DICOM, which keeps labels in objects of another kind."""
    from monai_inpaint.io import suffix_of
    from monai_inpaint.jobs.outputs import HOLES, Target

    if suffix_of(text) not in HOLES:
        raise InputError(f"{text}: --find-only writes a label map there; choose one of {', '.join(HOLES)}.")
    return Target(Path(text))
