"""`monai-inpaint fill IMAGE HOLE OUTPUT`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from monai_inpaint.commands.arguments import nonempty_text, path_text, seed_number
from monai_inpaint.engines.names import CHOICES
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import KINDS, make_progress

if TYPE_CHECKING:
    from monai_inpaint.regions.sources import Source

NAME = "fill"
HELP = "Fill the hole of one image."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=path_text, metavar="IMAGE", help="image file, or a folder with one DICOM series")
    parser.add_argument(
        "hole",
        type=path_text,
        metavar="HOLE",
        help="image of the hole: 1 = fill; or DICOM SEG, RTSTRUCT; with --find or --burned-in it is written",
    )
    parser.add_argument(
        "output", type=path_text, metavar="OUTPUT", help="where to write, format by suffix; folder: DICOM series"
    )
    add_segment_argument(parser)
    parser.add_argument(
        "--find", action="store_true", help="propose the hole (metal, voids, bars, burned-in text) and write it to HOLE"
    )
    parser.add_argument(
        "--burned-in",
        type=nonempty_text,
        metavar="RECTS",
        help="fill burned-in text: 'x,y,width,height;...' in pixels, a .csv with x,y,w,h, or 'flag': find it where the "
        "file says that there is some; HOLE is written",
    )
    parser.add_argument(
        "--burned-in-complete", action="store_true", help="the rectangles cover all text: say so in the DICOM output"
    )
    parser.add_argument(
        "--grow", type=float, default=0.0, metavar="MM", help="make the hole larger by so many mm in all directions"
    )
    add_results_argument(parser)
    parser.add_argument(
        "--difference", type=path_text, metavar="PATH", help="write filled - source (float32: NIfTI, NRRD, MHA, TIFF)"
    )
    parser.add_argument(
        "--report", type=path_text, metavar="PATH", help="write what was done as JSON (file names, no patient data)"
    )
    add_sample_arguments(parser)
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="draw N samples (2 or more) for --spread")
    parser.add_argument(
        "--spread",
        type=path_text,
        metavar="PATH",
        help="write the error to expect at each voxel, by how far the samples lie apart (float32)",
    )
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="existing outputs may be replaced (never an input)")


def add_segment_argument(parser: argparse.ArgumentParser) -> None:
    """What `fill` and `metal` share."""
    parser.add_argument(
        "--segment",
        type=nonempty_text,
        metavar="NAME",
        help="which segments, ROIs or labels of a hole that holds several: name, number or pattern, '*' for all",
    )


def add_results_argument(parser: argparse.ArgumentParser) -> None:
    """What `fill` and `metal` share."""
    parser.add_argument(
        "--dicom-results",
        action="store_true",
        help="OUTPUT is a folder for all that goes back to an archive: derived series, hole (SEG), difference, record "
        "(SR), overview",
    )


def add_sample_arguments(parser: argparse.ArgumentParser) -> None:
    """What to fill with, which `fill` and `batch` share."""
    parser.add_argument(
        "--sample", action="store_true", help="fill with one plausible, sharp sample instead of the best estimate"
    )
    parser.add_argument(
        "--seed", type=seed_number, default=0, metavar="N", help="of the samples: same seed, same voxels"
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Bundle, engine and progress, which `fill` and `batch` share."""
    parser.add_argument(
        "--bundle", type=nonempty_text, metavar="NAME", help="cxr, ct, mr, a bundle's name or its folder"
    )
    parser.add_argument("--engine", choices=CHOICES, default="auto", help="what runs the network (default: auto)")
    parser.add_argument(
        "--progress", choices=KINDS, default="auto", help="on stderr: a line on a terminal (auto), JSON lines, nothing"
    )


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.fill_image import Fillers, FillJob, fill_image
    from monai_inpaint.jobs.outputs import hole_target, image_target, report_target, results_target, units_target

    if args.spread and not args.samples:
        raise InputError("--spread needs samples; say how many: --samples 8.")
    if args.find and args.segment is not None:
        raise InputError("--find proposes a hole, so there is no segment to choose; leave out one of both.")
    if args.burned_in is None and args.burned_in_complete:
        raise InputError("--burned-in-complete says something of --burned-in; list its rectangles.")
    if args.burned_in is not None and (args.find or args.segment is not None or args.difference):
        raise InputError(
            "--burned-in goes without --find and --segment, and without --difference, which tells the text."
        )
    job = FillJob(
        image=Path(args.image),
        hole=_source(args),
        output=results_target(args.output) if args.dicom_results else image_target(args.output),
        proposal=hole_target(args.hole) if args.find or args.burned_in is not None else None,
        difference=units_target(args.difference) if args.difference else None,
        report=report_target(args.report) if args.report else None,
        spread=units_target(args.spread) if args.spread else None,
        sample=args.sample,
        samples=args.samples,
        seed=args.seed,
        grow=args.grow,
        results=args.dicom_results,
    )
    progress = make_progress(args.progress)
    try:
        fill_image(job, Fillers(args.bundle, args.engine), overwrite=args.overwrite, progress=progress)
    finally:
        progress.clear()
    if "proposed_by" in job.hole.facts():
        print(f"{args.hole} is a proposal: look whether it is what you mean to fill. Research use only.")
    return DONE


def _source(args: argparse.Namespace) -> Source:
    """Where the hole comes from."""
    from monai_inpaint.regions.burned_in import read_burned_in
    from monai_inpaint.regions.sources import BurnedInText, FoundArtifacts, HoleFile

    if args.find:
        return FoundArtifacts(args.engine)
    if args.burned_in is not None:
        return BurnedInText(read_burned_in(args.burned_in, complete=args.burned_in_complete), args.engine)
    return HoleFile(Path(args.hole), args.segment)
