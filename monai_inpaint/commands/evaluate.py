"""`monai-inpaint evaluate DATA.csv`: compare fills on images whose truth is known."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import (
    add_engine_argument,
    add_progress_argument,
    add_row_arguments,
    nonempty_text,
    path_text,
)
from monai_inpaint.failure import DONE
from monai_inpaint.paths import check_replaceable
from monai_inpaint.progress import make_progress

NAME = "evaluate"
HELP = "Compare bundles and classical methods on a list of images."
PROTOCOLS = ("cxr-centre", "cxr-patch", "cxr-lungs", "slice-square", "free-form", "lesion", "ellipsoid", "metal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=path_text,
        metavar="DATA.csv",
        help="table with the column path; optionally mask, patient, split, modality, source",
    )
    parser.add_argument(
        "--protocol", required=True, choices=PROTOCOLS, help="which holes are made, see docs/evaluate.md"
    )
    parser.add_argument(
        "--methods",
        type=nonempty_text,
        required=True,
        metavar="A,B",
        help="methods: ring, telea, navier-stokes, biharmonic, bundles, BUNDLE:sample for one sample of a bundle; with "
        "--protocol metal of none, inpaint, li, nmar, network",
    )
    parser.add_argument(
        "--output", type=path_text, required=True, metavar="DIR", help="folder for the tables and the page"
    )
    add_row_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of holes, samples and choice of images (default: 0)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N images, chosen with the seed")
    parser.add_argument(
        "--features",
        type=path_text,
        metavar="PATH",
        help="SqueezeNet features (safetensors), to measure LPIPS and how well a classifier tells fills from the truth",
    )
    add_engine_argument(parser)
    add_progress_argument(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier evaluation in DIR")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.evaluation.run import evaluate
    from monai_inpaint.evaluation.tables import summary_markdown

    output = Path(args.output)
    if args.overwrite:
        check_replaceable(output, "cases.csv", "an evaluation")
    methods = [name for name in (part.strip() for part in args.methods.split(",")) if name]
    with make_progress(args.progress) as progress:
        summary = evaluate(
            args.data,
            args.protocol,
            methods,
            output,
            split=args.split,
            source=args.source,
            modality=args.modality,
            seed=args.seed,
            limit=args.limit,
            features=args.features,
            engine=args.engine,
            overwrite=args.overwrite,
            progress=progress.stage("evaluate"),
        )
    print(summary_markdown(summary))
    return DONE
