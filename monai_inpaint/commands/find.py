"""`monai-inpaint find IMAGE HOLE`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import (
    add_engine_argument,
    add_image_argument,
    add_overwrite_argument,
    add_progress_argument,
    path_text,
)
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

NAME = "find"
HELP = "Propose the hole of one image, and fill nothing."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image_argument(parser)
    parser.add_argument(
        "hole",
        type=path_text,
        metavar="HOLE",
        help="is written: nonzero where metal, signal voids, bars or burned-in text were detected",
    )
    add_engine_argument(parser)
    add_progress_argument(parser)
    add_overwrite_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.find_hole import find_hole
    from monai_inpaint.jobs.outputs import hole_target
    from monai_inpaint.regions.sources import FoundArtifacts

    with make_progress(args.progress) as progress:
        find_hole(
            Path(args.image),
            hole_target(args.hole),
            FoundArtifacts(args.engine),
            overwrite=args.overwrite,
            progress=progress,
        )
    print(proposal_notice(args.hole))
    return DONE


def proposal_notice(hole: str) -> str:
    """Notice that a detected hole is a proposal."""
    return f"{hole} is a proposal: check that it marks what you want to fill. Research use only."
