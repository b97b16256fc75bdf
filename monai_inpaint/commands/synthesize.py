"""`monai-inpaint synthesize WHAT ...`."""

from __future__ import annotations

import argparse

from monai_inpaint.commands import mine, nodules, paint
from monai_inpaint.commands.arguments import Parser

NAME = "synthesize"
HELP = "Make images for training data: nodules in films and CT, other films around a finding, findings in films."
_WHAT = {
    "nodules": (nodules.HELP, nodules.add_arguments, nodules.run),
    "mine": (mine.HELP, mine.add_arguments, mine.run),
    "outpaint": (paint.OUTPAINT_HELP, paint.add_outpaint_arguments, paint.run_outpaint),
    "inpaint-lesion": (paint.INPAINT_HELP, paint.add_inpaint_arguments, paint.run_inpaint),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(
        dest="what", title="what", metavar="|".join(_WHAT), required=True, parser_class=Parser
    )
    for name, (about, add, do) in _WHAT.items():
        sub = kinds.add_parser(name, help=about, description=f"{about} Research use only.", allow_abbrev=False)
        add(sub)
        sub.set_defaults(do=do)


def run(args: argparse.Namespace) -> int:
    return args.do(args)
