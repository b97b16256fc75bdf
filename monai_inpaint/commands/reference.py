"""`monai-inpaint reference HEALTHY.csv -o healthy.npz`."""

from __future__ import annotations

import argparse

from monai_inpaint.commands.arguments import nonempty_path, nonempty_text
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE

NAME = "reference"
HELP = "Measure healthy chest films, to which `difference` compares (models/healthy.npz of a bundle)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", type=nonempty_path, metavar="HEALTHY.csv", help="data list of chest films without findings"
    )
    parser.add_argument("-o", "--output", type=nonempty_path, required=True, metavar="NPZ", help="file to write")
    parser.add_argument(
        "--bundle", type=nonempty_text, default="cxr", metavar="NAME", help="bundle that fills them (default: cxr)"
    )
    parser.add_argument("--split", type=nonempty_text, metavar="VALUE", help="only rows with this split")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N films of each source, chosen with seed 0")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.anomaly.measure_reference import measured
    from monai_inpaint.anomaly.reference import save_reference
    from monai_inpaint.evaluation.datalist import in_order, read_data_list
    from monai_inpaint.fill.filler import Filler
    from monai_inpaint.io.atomic import check_output, staged

    if args.output.suffix != ".npz":
        raise InputError(f"{args.output}: the name of a reference must end with .npz.")
    check_output(args.output, overwrite=True, sources=[args.data])
    entries = read_data_list(args.data, split=args.split)
    sources = {source: [entry for entry in entries if entry.source == source] for source in {e.source for e in entries}}
    drawn = [in_order(films, args.limit, 0)[: args.limit] for films in sources.values()]
    reference = measured(Filler(args.bundle), drawn)
    with staged(args.output, overwrite=True) as place:
        save_reference(reference, place)
    print(f"Written: {args.output}, of {reference.films} films")
    return DONE
