"""`monai-inpaint fill IMAGE HOLE OUTPUT`."""

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
    add_sample_arguments,
    add_segment_argument,
    nonempty_text,
    path_text,
)
from monai_inpaint.commands.find import proposal_notice
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

if TYPE_CHECKING:
    from monai_inpaint.regions.sources import Source

NAME = "fill"
HELP = "Fill the hole of one image."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image_argument(parser)
    parser.add_argument(
        "hole",
        type=path_text,
        metavar="HOLE",
        help="image that is nonzero where IMAGE is to be filled, or a DICOM SEG or RTSTRUCT; an output with --find or "
        "--burned-in",
    )
    add_output_argument(parser)
    add_segment_argument(parser)
    parser.add_argument(
        "--find",
        action="store_true",
        help="detect metal, signal voids, bars and burned-in text; fill them, and write their region to HOLE",
    )
    parser.add_argument(
        "--burned-in",
        type=nonempty_text,
        metavar="RECTS",
        help="fill burned-in text in every slice: rectangles 'x,y,width,height;...' in pixels, or a .csv with the "
        "columns x,y,w,h; 'flag' detects the text if the DICOM header says that there is some; writes HOLE",
    )
    parser.add_argument(
        "--burned-in-complete",
        action="store_true",
        help="state in the DICOM output that the rectangles cover all burned-in text",
    )
    parser.add_argument(
        "--grow", type=float, default=0.0, metavar="MM", help="dilate the hole by MM millimetres (default: 0)"
    )
    add_results_argument(parser)
    parser.add_argument(
        "--computed",
        type=path_text,
        metavar="PATH",
        help="also write which voxels were computed: HOLE on the grid of IMAGE, dilated (uint8)",
    )
    parser.add_argument(
        "--difference",
        type=path_text,
        metavar="PATH",
        help="also write filled minus source (float32; NIfTI, NRRD, MetaImage or TIFF)",
    )
    add_report_argument(parser)
    add_sample_arguments(parser)
    parser.add_argument(
        "--samples",
        type=int,
        default=0,
        metavar="N",
        help="draw N samples (2 or more) to predict the error of the best estimate, for --spread and --report",
    )
    parser.add_argument(
        "--spread",
        type=path_text,
        metavar="PATH",
        help="also write the predicted standard deviation of the error at each voxel (float32); needs --samples",
    )
    add_model_arguments(parser)
    add_overwrite_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.fill_image import Fillers, FillJob, fill_image
    from monai_inpaint.jobs.outputs import hole_target, image_target, report_target, results_target, units_target

    if args.spread and not args.samples:
        raise InputError("--spread needs samples; add --samples N, for example --samples 8.")
    if args.find and args.segment is not None:
        raise InputError("--find detects the hole, so there is no segment to choose; leave out --find or --segment.")
    if args.burned_in is None and args.burned_in_complete:
        raise InputError("--burned-in-complete needs the rectangles of --burned-in; add them.")
    if args.burned_in is not None and (args.find or args.segment is not None or args.difference):
        raise InputError(
            "--burned-in does not go with --find, --segment or --difference (the difference shows the text); "
            "leave them out."
        )
    job = FillJob(
        image=Path(args.image),
        hole=_source(args),
        output=results_target(args.output) if args.dicom_results else image_target(args.output),
        proposal=hole_target(args.hole) if args.find or args.burned_in is not None else None,
        computed=hole_target(args.computed) if args.computed else None,
        difference=units_target(args.difference) if args.difference else None,
        report=report_target(args.report) if args.report else None,
        spread=units_target(args.spread) if args.spread else None,
        sample=args.sample,
        samples=args.samples,
        seed=args.seed,
        grow=args.grow,
        results=args.dicom_results,
    )
    with make_progress(args.progress) as progress:
        fill_image(job, Fillers(args.bundle, args.engine), overwrite=args.overwrite, progress=progress)
    if "proposed_by" in job.hole.facts():
        print(proposal_notice(args.hole))
    return DONE


def _source(args: argparse.Namespace) -> Source:
    """Source of the hole."""
    from monai_inpaint.regions.burned_in import read_burned_in
    from monai_inpaint.regions.sources import BurnedInText, FoundArtifacts, HoleFile

    if args.find:
        return FoundArtifacts(args.engine)
    if args.burned_in is not None:
        return BurnedInText(read_burned_in(args.burned_in, complete=args.burned_in_complete), args.engine)
    return HoleFile(Path(args.hole), args.segment)
