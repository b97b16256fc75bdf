"""`monai-inpaint simulate-metal CT OUTPUT_DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import add_progress_argument, path_text, seed_number
from monai_inpaint.failure import DONE
from monai_inpaint.progress import make_progress

NAME = "simulate-metal"
HELP = "Simulate an implant and its artifacts in a clean CT, to train and test corrections."
IMPLANTS = ("hip", "filling", "screw", "clip", "random")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ct", type=path_text, metavar="CT", help="CT in HU without metal: a file, or a folder with one DICOM series"
    )
    parser.add_argument(
        "output_dir",
        type=path_text,
        metavar="OUTPUT_DIR",
        help="new folder for the images artifact, truth and metal, and simulation.json",
    )
    parser.add_argument("--implant", choices=IMPLANTS, default="random", help="kind of implant (default: random)")
    parser.add_argument(
        "--seed",
        type=seed_number,
        default=0,
        metavar="N",
        help="seed (default: 0); the same seed gives the same voxels",
    )
    add_progress_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.simulate_implant import SimulationJob, simulate_implant

    job = SimulationJob(image=Path(args.ct), folder=Path(args.output_dir), implant=args.implant, seed=args.seed)
    progress = make_progress(args.progress)
    try:
        simulate_implant(job, progress)
    finally:
        progress.clear()
    return DONE
