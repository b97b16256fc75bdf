"""`monai-inpaint reader-study make` and `score`: a two-alternative forced choice study of fills."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import (
    add_engine_argument,
    add_progress_argument,
    add_row_arguments,
    nonempty_path,
    nonempty_text,
    path_text,
    seed_number,
)
from monai_inpaint.commands.evaluate import PROTOCOLS
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.paths import check_replaceable
from monai_inpaint.progress import make_progress

NAME = "reader-study"
HELP = "Make a study in which readers tell real images from filled ones, and score their answers."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="make|score", required=True, parser_class=type(parser))
    make = actions.add_parser("make", help="write the study", allow_abbrev=False)
    make.add_argument(
        "images", type=nonempty_path, metavar="IMAGES", help="data list (.csv, as for evaluate) or folder"
    )
    make.add_argument(
        "holes", type=nonempty_path, nargs="?", metavar="HOLES", help="folder with the hole of each image, by its name"
    )
    make.add_argument("output", type=nonempty_path, metavar="OUTPUT", help="new folder for the study and its key")
    make.add_argument("--protocol", choices=[name for name in PROTOCOLS if name != "metal"], help="makes the holes")
    make.add_argument(
        "--methods", type=nonempty_text, required=True, metavar="A,B", help="that fill them, as for evaluate"
    )
    make.add_argument("--pairs", type=int, default=60, metavar="N", help="a tenth is shown twice (default: 60)")
    make.add_argument(
        "--size", type=int, default=1024, metavar="PIXELS", help="films are reduced to at most this (default: 1024)"
    )
    make.add_argument("--seconds", type=int, metavar="S", help="hide the images of a pair after S seconds")
    add_row_arguments(make)
    make.add_argument("--seed", type=seed_number, default=0, metavar="N", help="same seed, same study (default: 0)")
    make.add_argument(
        "--features",
        type=path_text,
        metavar="PATH",
        help="SqueezeNet features (safetensors): the automatic reader answers, too",
    )
    add_engine_argument(make)
    add_progress_argument(make)
    make.add_argument("--overwrite", action="store_true", help="an earlier study in OUTPUT may be replaced")
    make.set_defaults(action=_make)
    score = actions.add_parser("score", help="score the answers", allow_abbrev=False)
    score.add_argument(
        "answers", type=nonempty_path, nargs="*", metavar="ANSWERS.json", help="files that readers have saved"
    )
    score.add_argument("output", type=nonempty_path, metavar="OUTPUT", help="the study's folder; writes results/ there")
    score.add_argument("--overwrite", action="store_true", help="earlier results may be replaced")
    score.set_defaults(action=_score)


def run(args: argparse.Namespace) -> int:
    return args.action(args)


def _make(args: argparse.Namespace) -> int:
    from monai_inpaint.evaluation.reader_study import make_study
    from monai_inpaint.evaluation.study_files import AUTOMATIC, KEY, PAGE, READERS

    output: Path = args.output
    if args.overwrite:
        check_replaceable(output, KEY, "a reader study")
    with make_progress(args.progress) as progress:
        key = make_study(
            args.images,
            args.holes,
            args.protocol,
            [name for name in (part.strip() for part in args.methods.split(",")) if name],
            output,
            pairs=args.pairs,
            size=args.size,
            seconds=args.seconds,
            split=args.split,
            source=args.source,
            modality=args.modality,
            seed=args.seed,
            features=args.features,
            engine=args.engine,
            overwrite=args.overwrite,
            progress=progress,
        )
    repeated = len(key["trials"]) - len(key["pairs"])
    print(f"{len(key['pairs'])} pairs, {repeated} of them shown twice. Research use only.")
    print(f"Give readers the folder {output / READERS} ({PAGE} opens in a browser); keep {output / KEY} from them.")
    if args.features and not (output / AUTOMATIC).exists():
        print("The automatic reader does not answer: it needs images of at least five patients.")
    return DONE


def _score(args: argparse.Namespace) -> int:
    from monai_inpaint.evaluation.study_files import AUTOMATIC
    from monai_inpaint.evaluation.study_results import score_study

    if not args.answers and not (args.output / AUTOMATIC).exists():
        raise InputError("There are no answers; give the files that readers have saved, then the folder of the study.")
    print(score_study(args.answers, args.output, overwrite=args.overwrite), end="")
    return DONE
