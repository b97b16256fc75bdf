"""`python -m monai_inpaint.data LAYOUT PLACE -o index.csv`: a data list of a data set as published."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from monai_inpaint.data.brats import read_brats
from monai_inpaint.data.listing import split_by_patient, write_listing
from monai_inpaint.data.nih import read_nih
from monai_inpaint.data.node21 import read_node21
from monai_inpaint.data.plain import read_csv, read_folder
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, exit_code_of

_ABOUT = (
    "Write the data list of a data set for training and `monai-inpaint evaluate`: patients split into train, val and "
    "(where published) test, images with a finding in train-unhealthy and so on. Research use only."
)
_READERS = {
    "nih": read_nih,
    "node21": read_node21,
    "brats": read_brats,
    "cxr": partial(read_folder, modality="CR"),
    "ct": partial(read_folder, modality="CT"),
    "mr": partial(read_folder, modality="MR"),
    "csv": read_csv,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the list; returns the exit code of `monai-inpaint`."""
    parser = argparse.ArgumentParser("python -m monai_inpaint.data", description=_ABOUT)
    parser.add_argument(
        "layout", choices=_READERS, help="of a public data set; cxr, ct, mr: images in folders; csv: a table of images"
    )
    parser.add_argument("place", type=Path, help="the data set's folder; for csv a table of images")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="CSV", help="the list to write")
    parser.add_argument("--val", type=float, default=0.1, help="share of the patients to validate on (default: 0.1)")
    args = parser.parse_args(argv)
    return exit_code_of(lambda: _run(args.layout, args.place, args.output, args.val))


def _run(layout: str, place: Path, output: Path, val: float) -> int:
    if layout != "csv" and not place.is_dir():
        raise InputError(f"{place} is no folder; give the one in which the data set lies.")
    listing = _READERS[layout](place)
    listing = replace(listing, rows=split_by_patient(listing.rows, val))
    lines = [f"Written: {path}" for path in write_listing(listing, output)]
    for split, count in sorted(Counter(row.split for row in listing.rows).items()):
        patients = len({row.patient for row in listing.rows if row.split == split})
        lines.append(f"{split}: {count} images of {patients} patients")
    print("\n".join(lines))  # noqa: T201
    return DONE


if __name__ == "__main__":
    sys.exit(main())
