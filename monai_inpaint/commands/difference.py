"""`monai-inpaint difference IMAGE OUTPUT`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import (
    add_image_argument,
    add_model_arguments,
    add_overwrite_argument,
    add_report_argument,
    path_text,
)
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

NAME = "difference"
HELP = "Map where an image differs from what its surroundings predict."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image_argument(parser)
    parser.add_argument(
        "output", type=path_text, metavar="OUTPUT", help="the map (float32; NIfTI, NRRD, MetaImage or TIFF)"
    )
    parser.add_argument(
        "--boxes",
        type=path_text,
        metavar="PATH",
        help="also write boxes around the peaks of the map, with scores, as CSV",
    )
    parser.add_argument(
        "--doubled", type=path_text, metavar="PATH", help="write |source - filled|, doubled, as a picture (.png)"
    )
    add_report_argument(parser)
    add_model_arguments(parser)
    add_overwrite_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.fill_image import Fillers
    from monai_inpaint.jobs.map_anomaly import map_anomaly
    from monai_inpaint.jobs.outputs import picture_target, report_target, table_target, units_target

    output = units_target(args.output)
    boxes = table_target(args.boxes) if args.boxes else None
    doubled = picture_target(args.doubled) if args.doubled else None
    report = report_target(args.report) if args.report else None
    with make_progress(args.progress) as progress:
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
    return DONE
