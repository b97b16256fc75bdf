"""`monai-inpaint metal IMAGE OUTPUT`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monai_inpaint.commands.arguments import (
    add_image_argument,
    add_model_arguments,
    add_output_argument,
    add_overwrite_argument,
    add_report_argument,
    add_results_argument,
    add_segment_argument,
    nonempty_text,
    path_text,
)
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

if TYPE_CHECKING:
    from monai_inpaint.jobs.outputs import Target

NAME = "metal"
HELP = "Find metal in CT or MR, and reduce its artifacts."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image_argument(parser)
    add_output_argument(parser)
    parser.add_argument(
        "--method",
        type=nonempty_text,
        metavar="NAME",
        help="network, nmar, li or inpaint (default: network for CT if ASTRA is installed, else inpaint)",
    )
    parser.add_argument(
        "--metal",
        choices=("keep", "fill"),
        default="keep",
        help="keep the voxels of the metal as they are (default), or replace them with tissue",
    )
    parser.add_argument(
        "--metal-hu",
        type=nonempty_text,
        metavar="HU",
        help="assign this value to the voxels of the metal, as treatment planning needs it: a number in HU, or "
        "titanium, steel or cobalt-chromium",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="HU",
        help="take all voxels in the patient from HU upwards as metal (default: decided for each piece of metal)",
    )
    parser.add_argument("--region", type=path_text, metavar="HOLE", help="change only voxels that this image marks")
    add_segment_argument(parser)
    add_results_argument(parser)
    parser.add_argument(
        "--computed",
        type=path_text,
        metavar="PATH",
        help="also write which voxels were computed, or for methods on projections which changed (uint8)",
    )
    parser.add_argument(
        "--labels",
        type=path_text,
        metavar="PATH",
        help="also write the label map of --find-only",
    )
    parser.add_argument(
        "--find-only",
        action="store_true",
        help="only write a label map: 1 metal, 2 region with artifacts, 3 possible metal (MR)",
    )
    add_report_argument(parser)
    add_model_arguments(parser)
    add_overwrite_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.correct_metal import MetalJob, correct_metal
    from monai_inpaint.jobs.outputs import hole_target, image_target, report_target, results_target
    from monai_inpaint.regions.sources import HoleFile

    if args.find_only and args.dicom_results:
        raise InputError(
            "--find-only changes no image, so there are no DICOM results; leave out --find-only or --dicom-results."
        )
    if args.find_only and (args.computed or args.labels):
        raise InputError("--find-only writes the label map to OUTPUT, and computes no voxel; leave out --computed and "
                         "--labels.")  # fmt: skip
    if args.find_only and args.metal_hu is not None:
        raise InputError("--find-only changes no image; leave out --find-only or --metal-hu.")
    if args.segment is not None and not args.region:
        raise InputError("--segment selects a part of --region; add --region, or leave out --segment.")
    target = results_target if args.dicom_results else image_target
    output = _label_target(args.output) if args.find_only else target(args.output)
    job = MetalJob(
        image=Path(args.image),
        output=output,
        report=report_target(args.report) if args.report else None,
        computed=hole_target(args.computed) if args.computed else None,
        labels=_label_target(args.labels) if args.labels else None,
        region=HoleFile(Path(args.region), args.segment) if args.region else None,
        method=args.method,
        metal=args.metal,
        metal_hu=args.metal_hu,
        threshold=args.threshold,
        find_only=args.find_only,
        results=args.dicom_results,
        bundle=args.bundle,
        engine=args.engine,
    )
    with make_progress(args.progress) as progress:
        facts = correct_metal(job, overwrite=args.overwrite, progress=progress)
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
        raise InputError(f"{text}: a label map is written there; choose one of {', '.join(HOLES)}.")
    return Target(Path(text))
