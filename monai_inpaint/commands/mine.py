"""`monai-inpaint synthesize mine DETECTIONS TRUTH IMAGES OUTPUT`: nodules like those that a detector misses."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import (
    add_detections,
    add_synthesis_arguments,
    add_synthesis_folder,
    image_count,
    nonempty_text,
    path_text,
)
from monai_inpaint.commands.nodules import make_nodules
from monai_inpaint.commands.synthesis_folder import find_images
from monai_inpaint.jobs.synthesize_nodules import FORMATS
from monai_inpaint.progress import make_progress

HELP = "Put nodules like those that a detector misses into images (hard-example mining, Shen et al. 2022)."
_BY = ("diameter", "density", "shape")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_detections(parser)
    parser.add_argument(
        "images",
        nargs="+",
        type=path_text,
        metavar="IMAGES",
        help="films or single CT slices without a nodule: files, folders, or .txt and .csv lists of these",
    )
    add_synthesis_folder(parser)
    parser.add_argument("--count", type=image_count, required=True, metavar="N", help="images to make, IMAGES in turn")
    parser.add_argument(
        "--by", choices=_BY, default="diameter", help="what is to be as in missed nodules (default: diameter)"
    )
    parser.add_argument("--pairs", action="store_true", help="write each image without its nodule, too")
    parser.add_argument("--format", choices=FORMATS, default="node21", help="of the boxes (default: node21)")
    parser.add_argument("--bundle", type=nonempty_text, metavar="NAME", help="texture network (see nodules)")
    add_synthesis_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.mine_nodules import plan_mining

    folder = Path(args.output)
    images = find_images([Path(text) for text in args.images])
    progress = make_progress(args.progress)
    chosen = {name: getattr(args, name) for name in ("count", "by", "iou", "seed", "pairs", "bundle")}
    plan = plan_mining(args.detections, args.truth, images, folder, progress, engine=args.engine, **chosen)
    asked = {"images": [path.name for path in images], **chosen, "format": args.format, "nodules": plan.nodules}
    code = make_nodules(plan.jobs, folder, asked, progress, args, write=plan.write, remove=plan.remove)
    print(plan.message)
    return code
