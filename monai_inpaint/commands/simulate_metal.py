"""`monai-inpaint simulate-metal CT OUTPUT_DIR`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from monai_inpaint.commands.arguments import add_progress_argument, path_text, seed_number
from monai_inpaint.failure import DONE
from monai_inpaint.progress import Progress, make_progress

NAME = "simulate-metal"
HELP = "Simulate an implant and its artifacts in a clean CT, to train and test corrections."
IMPLANTS = ("hip", "filling", "screw", "clip", "random")
_KEPT = (".nii", ".nii.gz", ".nrrd", ".mha")  # formats that results are written in if the source is of them


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
    progress = make_progress(args.progress)
    try:
        _run(args, progress)
    finally:
        progress.clear()
    return DONE


def _run(args: argparse.Namespace, progress: Progress) -> None:
    from monai_inpaint.io import check_output, suffix_of, write_image
    from monai_inpaint.io.atomic import staged
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded
    from monai_inpaint.synthesis.metal.simulate import simulate_metal
    from monai_inpaint.version import __version__

    source, folder = Path(args.ct), Path(args.output_dir)
    check_output(folder, sources=[source])
    progress("read", 0, 1)
    fork_reader(source)
    image = read_image_guarded(source)
    progress("read", 1, 1)
    simulation = simulate_metal(image, args.implant, args.seed, progress=progress.stage("simulate"))
    suffix = suffix_of(source) if suffix_of(source) in _KEPT else ".nii.gz"
    facts = {"source": source.name, **simulation.facts}
    progress("write", 0, 1)
    with staged(folder, folder=True) as place:
        for name in ("artifact", "truth", "metal"):
            derived = {
                "description": f"Simulated metal: {name}",
                "model": f"{facts['implant']['kind']}, seed {args.seed}",
                "version": __version__,
            }
            write_image(getattr(simulation, name), place / f"{name}{suffix}", derived=derived)
        (place / "simulation.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    progress("write", 1, 1)
