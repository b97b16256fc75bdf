"""`monai-inpaint detect score|train`: detectors of nodules."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import Parser, add_detections, path_text
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import KINDS, make_progress

NAME = "detect"
HELP = "Score detectors of lung nodules, and train them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="score", required=True, parser_class=Parser)
    about = "Score the detections of any detector: FROC, AUC, NODE21 scores and mAP@50, with intervals by patient."
    score = actions.add_parser("score", help=about, description=f"{about} Research use only.", allow_abbrev=False)
    _add_score_arguments(score)
    score.set_defaults(act=_score)


def _add_score_arguments(parser: argparse.ArgumentParser) -> None:
    add_detections(parser)
    parser.add_argument("--output", type=path_text, metavar="DIR", help="also write tables and a page into this folder")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the resamplings (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="an earlier score in DIR may be replaced")
    parser.add_argument("--progress", choices=KINDS, default="auto", help="on stderr: a line (auto), JSON, nothing")


def run(args: argparse.Namespace) -> int:
    return args.act(args)


def _score(args: argparse.Namespace) -> int:
    from monai_inpaint.datasets.boxed_images import read_detections, read_truth
    from monai_inpaint.detection.score import score
    from monai_inpaint.detection.score_page import score_markdown, write_score
    from monai_inpaint.io import check_output
    from monai_inpaint.io.atomic import staged

    output = Path(args.output) if args.output else None
    if output:
        if args.overwrite and output.is_dir() and any(output.iterdir()) and not (output / "score.csv").is_file():
            raise InputError(f"{output} holds other things than a score; name another folder.")
        check_output(output, overwrite=args.overwrite, sources=[args.detections, args.truth])
    progress = make_progress(args.progress)
    try:
        truth = read_truth(args.truth, progress.stage("read"))
        found = read_detections(args.detections, truth)
        told = score(truth, found, iou=args.iou, seed=args.seed, progress=progress.stage("score"))
    finally:
        progress.clear()
    facts = {"detections of": Path(args.detections).name, "truth": Path(args.truth).name, "seed": str(args.seed)}
    if output:
        with staged(output, folder=True, overwrite=args.overwrite) as folder:
            write_score(told, facts, folder)
    print(score_markdown(told, facts))
    return DONE
