"""`python -m benchmarks [name ...] [--data DATA.csv]`: without names, all tables that can be measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.pages import write_tables
from benchmarks.setting import Options
from monai_inpaint.errors import InputError

NAMES = ("speed", "start", "volume", "memory", "read_back", "precision", "quality", "trust", "downstream",
         "strangers", "pictures", "readme_picture", "lesion_sheet", "formulations", "abnormality", "published", "find",
         "mar_eval", "metal_real", "nodules", "nodule_shapes", "nodule_rims", "nodule_pictures", "augmentation",
         "outpainting", "painting", "classification", "difference_classifier", "finding_regression", "masses",
         "at_scale", "cohort", "deploy.app", "deploy.kills")  # fmt: skip
NEED_DATA = ("precision", "quality", "trust", "downstream", "formulations", "abnormality", "published", "find",
             "metal_real", "nodules", "nodule_shapes", "nodule_rims", "augmentation", "outpainting",
             "painting", "classification", "difference_classifier", "finding_regression", "masses")  # fmt: skip
# four write pictures instead of printing a table, five train for hours, one needs boxes, two an environment or half an
# hour
WHEN_NAMED = ("pictures", "readme_picture", "lesion_sheet", "nodule_pictures", "formulations", "augmentation",
              "classification", "difference_classifier", "masses", "finding_regression", "deploy.app",
              "deploy.kills")  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--data", type=Path, metavar="DATA.csv", help=f"images for {', '.join(NEED_DATA)}, pictures")
    parser.add_argument("--split", default="val", help="rows of the list to take, '' for all (default: val)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="for pages: of quality's evaluations, of pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, metavar="N", help="at most N images a row")
    parser.add_argument(
        "--features", type=Path, metavar="PATH", help="SqueezeNet features, for quality, nodules, painting"
    )
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="BOXES.csv",
        help="of findings, for abnormality, finding_regression, published, masses",
    )
    parser.add_argument("--methods", metavar="A,B", help="to compare in published, as in monai-inpaint evaluate")
    parser.add_argument("--detectors", default="retinanet", metavar="A,B", help="of augmentation and masses")
    parser.add_argument("--arms", metavar="A,B", help="of augmentation, classification and masses (default: all)")
    parser.add_argument("--counts", default="500", metavar="N,M", help="of synthetic images, for augmentation")
    parser.add_argument("--folds", type=int, default=3, metavar="N", help="of patients, for augmentation")
    parser.add_argument("--fold", type=int, metavar="N", help="the only one that augmentation measures, from 0 on")
    parser.add_argument("--source", default="lidc", help="rows of the list for augmentation: lidc (CT), nih (films)")
    parser.add_argument("--fractions", metavar="P,Q", help="parts of the training films in classification, in %%")
    parser.add_argument("--bundle", metavar="NAME", help="what paints in classification, masses and painting")
    parser.add_argument("--pages", type=Path, metavar="DIR", help="also write the tables into the pages of this folder")
    parser.add_argument("--tiny", action="store_true", help="only show that it works; the figures mean nothing")
    args = parser.parse_args(argv)
    unknown = [name for name in args.names if name not in NAMES]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    names = args.names or [n for n in NAMES if n not in WHEN_NAMED and (args.data or n not in NEED_DATA)]
    if args.data is None and any(name in NEED_DATA for name in names):
        parser.error(f"{', '.join(NEED_DATA)} need --data DATA.csv")
    methods, detectors, arms, counts, fractions = (
        _parts(text) for text in (args.methods, args.detectors, args.arms, args.counts, args.fractions)
    )
    try:
        percents = tuple(float(text) for text in fractions)
    except ValueError:
        parser.error(f"--fractions {args.fractions}: give numbers such as 100,50,25,12.5")
    if not all(0 < percent <= 100 for percent in percents):
        parser.error(f"--fractions {args.fractions}: give numbers above 0, up to 100")
    options = Options(args.data, args.split or None, args.output, args.seed, args.limit, args.features, args.tiny,
                      args.boxes, methods, detectors, arms, tuple(map(int, counts)), args.folds, percents,
                      args.bundle, args.fold, args.source)  # fmt: skip
    for name in names:
        try:
            printed = import_module(f"benchmarks.{name}").run(options)
            print(printed, flush=True)
            if args.pages:
                write_tables(printed, args.pages)
        except InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
    if not args.data and not args.names:
        print(f"Not run, as they need --data DATA.csv: {', '.join(NEED_DATA)}", flush=True)
    return 0


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


if __name__ == "__main__":
    sys.exit(main())
