"""`monai-inpaint detect score|train`: detectors of nodules."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import (
    Parser,
    add_detections,
    add_progress_argument,
    image_count,
    path_text,
    seed_number,
)
from monai_inpaint.detection.detector_names import BACKBONES, DETECTORS, RETINANET
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.paths import check_replaceable
from monai_inpaint.progress import make_progress

NAME = "detect"
HELP = "Score detectors of lung nodules, and train them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="score|train", required=True, parser_class=Parser)
    about = "Score the detections of any detector: FROC, AUC, NODE21 scores and mAP@50, with intervals by patient."
    score = actions.add_parser("score", help=about, description=f"{about} Research use only.", allow_abbrev=False)
    _add_score_arguments(score)
    score.set_defaults(act=_score)
    about = "Train RetinaNet, Faster or Cascade R-CNN on boxes, by folds of patients, and let them detect."
    train = actions.add_parser("train", help=about, description=f"{about} Research use only.", allow_abbrev=False)
    _add_train_arguments(train)
    train.set_defaults(act=_train)


def _add_score_arguments(parser: argparse.ArgumentParser) -> None:
    add_detections(parser)
    parser.add_argument("--output", type=path_text, metavar="DIR", help="also write tables and a page into this folder")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the resamplings (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="an earlier score in DIR may be replaced")
    add_progress_argument(parser)


def _add_train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=path_text, metavar="DATA", help="images with boxes, as TRUTH of detect score")
    parser.add_argument("output", type=path_text, metavar="OUTPUT", help="folder for weights and detections")
    parser.add_argument("--detector", choices=DETECTORS, default=RETINANET)
    parser.add_argument("--backbone", choices=BACKBONES, default=BACKBONES[0])
    parser.add_argument("--folds", type=_folds, default=5, metavar="N", help="parts of the patients (default: 5)")
    parser.add_argument("--fold", type=int, metavar="K", help="train this one only, from 0")
    parser.add_argument("--start", type=path_text, metavar="RUN", help="train the detectors of another OUTPUT further")
    parser.add_argument(
        "--synthetic", type=path_text, metavar="DATA", help="images to train with, too, as synthesize mine writes them"
    )
    parser.add_argument(
        "--order",
        choices=("mixed", "synthetic-first"),
        default="mixed",
        help="real and synthetic images together (default), or synthetic ones in the first half of the epochs",
    )
    parser.add_argument("--epochs", type=image_count, metavar="N", help="default: 20; with --start 10")
    parser.add_argument("--rate", type=float, metavar="X", help="default: 1e-3; with --start 1e-4")
    parser.add_argument(
        "--side", type=_side, default=512, metavar="N", help="pixels of the longer side in training (default: 512)"
    )
    parser.add_argument("--seed", type=seed_number, default=0, metavar="N", help="of weights and order (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on where a run was ended")
    add_progress_argument(parser)


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
        if args.overwrite:
            check_replaceable(output, "score.csv", "a score")
        check_output(output, overwrite=args.overwrite, sources=[args.detections, args.truth])
    with make_progress(args.progress) as progress:
        truth = read_truth(args.truth, progress.stage("read"))
        found = read_detections(args.detections, truth)
        scored = score(truth, found, iou=args.iou, seed=args.seed, progress=progress.stage("score"))
    facts = {
        "detections of": Path(args.detections).resolve().name,
        "truth": Path(args.truth).resolve().name,
        "seed": str(args.seed),
    }
    if output:
        with staged(output, folder=True, overwrite=args.overwrite) as folder:
            write_score(scored, facts, folder)
    print(score_markdown(scored, facts))
    return DONE


def _train(args: argparse.Namespace) -> int:
    from monai_inpaint.datasets.boxed_images import read_truth

    try:
        import torchvision.ops  # noqa: F401  # pyright: ignore[reportMissingImports]

        from monai_inpaint.detection.detector_folds import train_folds
        from monai_inpaint.detection.detector_training import FINER, FIRST, Recipe
    except (ImportError, RuntimeError) as error:  # a torchvision of another torch raises RuntimeError
        raise InputError(
            "Training needs MONAI and a torch and torchvision that fit each other; make setup-detection installs them "
            f"in .venv-detection ({error})."
        ) from None
    if args.fold is not None and not 0 <= args.fold < args.folds:
        raise InputError(f"--fold {args.fold}: there are the folds 0 to {args.folds - 1}.")
    epochs, rate = FINER if args.start else FIRST
    rate = rate if args.rate is None else args.rate
    if not 0 < rate < 1:
        raise InputError(f"--rate {rate:g}: give a number between 0 and 1.")
    recipe = Recipe(
        detector=args.detector,
        backbone=args.backbone,
        side=args.side,
        epochs=args.epochs or epochs,
        rate=rate,
        seed=args.seed,
    )
    with make_progress(args.progress) as progress:
        done = train_folds(
            recipe,
            read_truth(args.data, progress.stage("read")),
            Path(args.output),
            folds=args.folds,
            only=args.fold,
            synthetic=read_truth(args.synthetic, progress.stage("read")) if args.synthetic else (),
            order=args.order,
            start=Path(args.start) if args.start else None,
            resume=args.resume,
            progress=progress,
        )
    print(f"{len(done)} of {args.folds} folds trained; detections in {args.output}. Research use only.")
    return DONE


def _folds(text: str) -> int:
    number = image_count(text)
    if number > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of folds, such as 5")
    return number


def _side(text: str) -> int:
    number = image_count(text)
    if number % 64:
        raise argparse.ArgumentTypeError(f"{text!r} must be a multiple of 64")
    return number
