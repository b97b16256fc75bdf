"""`monai-inpaint index LAYOUT PLACE -o index.csv`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monai_inpaint.commands.arguments import add_progress_argument, nonempty_path
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

if TYPE_CHECKING:
    from monai_inpaint.datasets.listing import Listing

NAME = "index"
HELP = "Write the data list of a published data set, split by patient, for training and for `evaluate`."
LAYOUTS = ("nih", "node21", "vindr-cxr", "vindr-mammo", "cbis-ddsm", "brats", "cxr", "ct", "mr", "csv", "peaks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "layout",
        choices=LAYOUTS,
        help="layout of a published data set; cxr, ct, mr: images in folders; csv: a table of images; peaks: "
        "such a table, and boxes around the peaks of our own abnormality map in its films with a finding",
    )
    parser.add_argument("place", type=nonempty_path, help="folder of the data set; for csv and peaks the table")
    parser.add_argument("-o", "--output", type=nonempty_path, required=True, metavar="CSV", help="data list to write")
    parser.add_argument("--val", type=float, default=0.1, help="share of the patients for validation (default: 0.1)")
    add_progress_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.datasets.listing import boxes_of, split_by_patient, write_listing
    from monai_inpaint.io import check_output
    from monai_inpaint.jobs.box_peaks import box_peaks

    if args.layout not in ("csv", "peaks") and not args.place.is_dir():
        raise InputError(f"{args.place} is not a folder; name the folder of the data set.")
    check_output(args.output)
    listing = _reader(args.layout)(args.place)
    if args.layout == "peaks":
        check_output(boxes_of(args.output))  # before the maps, which take minutes
        with make_progress(args.progress) as progress:
            listing = box_peaks(listing, args.place.parent, progress)
    listing = replace(listing, rows=split_by_patient(listing.rows, args.val))
    lines = [f"Written: {path}" for path in write_listing(listing, args.output)]
    for split, count in sorted(Counter(row.split for row in listing.rows).items()):
        patients = len({row.patient for row in listing.rows if row.split == split})
        lines.append(f"{split}: {count} images of {patients} patients")
    print("\n".join(lines))
    return DONE


def _reader(layout: str) -> Callable[[Path], Listing]:
    from monai_inpaint.datasets.brats import read_brats
    from monai_inpaint.datasets.cbis_ddsm import read_cbis_ddsm
    from monai_inpaint.datasets.nih import read_nih
    from monai_inpaint.datasets.node21 import read_node21
    from monai_inpaint.datasets.plain import read_csv, read_folder
    from monai_inpaint.datasets.vindr_cxr import read_vindr_cxr
    from monai_inpaint.datasets.vindr_mammo import read_vindr_mammo
    from monai_inpaint.imaging.modality import FROM_DICOM

    readers = {
        "nih": read_nih,
        "node21": read_node21,
        "vindr-cxr": read_vindr_cxr,
        "vindr-mammo": read_vindr_mammo,
        "cbis-ddsm": read_cbis_ddsm,
        "brats": read_brats,
        "csv": read_csv,
        "peaks": read_csv,
    }
    code = next((code for code, modality in FROM_DICOM.items() if modality == layout), "")
    return readers.get(layout) or partial(read_folder, modality=code)
