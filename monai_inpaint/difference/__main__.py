"""`python -m monai_inpaint.difference HEALTHY.csv -o healthy.npz`: a bundle's reference of healthy films."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_inpaint.difference.abnormality import small_slice
from monai_inpaint.difference.reference import Reference, gridded, reference_of, save_reference
from monai_inpaint.difference.region import lungs_of, region_of
from monai_inpaint.difference.sliding import mean_of, slide
from monai_inpaint.difference.traits import traits_of
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.fill.filler import Filler
from monai_inpaint.io import read_image
from monai_inpaint.io.atomic import check_output, staged
from monai_inpaint.progress import make_progress

_ABOUT = (
    "Measure how a bundle's fills differ from healthy chest films, for the abnormality maps of `monai-inpaint "
    "difference`. The file goes to models/healthy.npz in the bundle. Research use only."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the reference; returns the exit code of `monai-inpaint`."""
    parser = argparse.ArgumentParser("python -m monai_inpaint.difference", description=_ABOUT)
    parser.add_argument("data", type=Path, metavar="HEALTHY.csv", help="a data list of chest films without findings")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NPZ", help="the file to write")
    parser.add_argument("--bundle", default="cxr", metavar="NAME", help="whose fills (default: cxr)")
    parser.add_argument("--split", metavar="VALUE", help="only rows with this split")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N films of a source, drawn with seed 0")
    args = parser.parse_args(argv)
    return exit_code_of(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    if args.output.suffix != ".npz":
        raise InputError(f"{args.output} is not the name of a reference; give one that ends with .npz.")
    check_output(args.output, overwrite=True, sources=[args.data])
    entries = read_data_list(args.data, split=args.split)
    sources = {source: [entry for entry in entries if entry.source == source] for source in {e.source for e in entries}}
    drawn = [in_order(films, args.limit, 0)[: args.limit] for films in sources.values()]
    reference = measured(Filler(args.bundle), drawn)
    with staged(args.output, overwrite=True) as place:
        save_reference(reference, place)
    print(f"Written: {args.output}, of {reference.films} films")  # noqa: T201
    return DONE


def measured(filler: Filler, sources: Sequence[Sequence[Entry]]) -> Reference:
    """The reference of healthy films, each source with the same weight."""
    progress = make_progress("auto")
    total, groups = sum(map(len, sources)), []
    for films in sources:
        group = []
        for entry in films:
            group.append(_traits(filler, small_slice(read_image(entry.path))))
            progress("films", sum(map(len, groups)) + len(group), total)
        groups.append(group)
    progress.clear()
    return reference_of(groups)


def _traits(filler: Filler, film: np.ndarray) -> np.ndarray:
    region, lungs = region_of(film, "cxr"), lungs_of(film)
    residual = mean_of(slide(filler, film, region), film.shape)
    return np.stack([gridded(trait, lungs) for trait in traits_of(residual, film, region)])


if __name__ == "__main__":
    sys.exit(main())
