"""`monai-inpaint difference IMAGE OUTPUT`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import path_text
from monai_inpaint.commands.fill import add_model_arguments
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

NAME = "difference"
HELP = "Map where an image is not as its surroundings lead to expect."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=path_text, metavar="IMAGE", help="image file, or a folder with one DICOM series")
    parser.add_argument(
        "output", type=path_text, metavar="OUTPUT", help="where to write the map (float32: NIfTI, NRRD, MHA, TIFF)"
    )
    parser.add_argument(
        "--boxes", type=path_text, metavar="PATH", help="write boxes around what stands out, with scores, as CSV"
    )
    parser.add_argument(
        "--doubled", type=path_text, metavar="PATH", help="write |source - filled|, doubled, as a picture (.png)"
    )
    parser.add_argument(
        "--report", type=path_text, metavar="PATH", help="write what was done as JSON (file names, no patient data)"
    )
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="existing outputs may be replaced (never an input)")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.fill_image import Fillers
    from monai_inpaint.jobs.map_anomaly import map_anomaly
    from monai_inpaint.jobs.outputs import picture_target, report_target, table_target, units_target

    output = units_target(args.output)
    boxes = table_target(args.boxes) if args.boxes else None
    doubled = picture_target(args.doubled) if args.doubled else None
    report = report_target(args.report) if args.report else None
    progress = make_progress(args.progress)
    try:
        fillers = Fillers(args.bundle, args.engine)
        map_anomaly(
            Path(args.image),
            output,
            boxes,
            report,
            fillers,
            doubled=doubled,
            overwrite=args.overwrite,
            progress=progress,
        )
    finally:
        progress.clear()
    return DONE
