"""`monai-inpaint synthesize mine DETECTIONS TRUTH IMAGES OUTPUT`: nodules like those that a detector misses."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.commands.arguments import add_detections, image_count, nonempty_text, path_text, seed_number
from monai_inpaint.engines.names import CHOICES
from monai_inpaint.errors import InputError
from monai_inpaint.jobs.synthesize_nodules import FORMATS, NoduleJob
from monai_inpaint.progress import KINDS, Progress

if TYPE_CHECKING:
    from monai_inpaint.detection.mining import NoduleDraw

HELP = "Put nodules into images that are like those a detector misses (hard-example mining, Shen et al. 2022)."
MINED, OUTLINES = "mining.json", "outlines"
_BY = ("diameter", "density", "shape")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_detections(parser)
    parser.add_argument(
        "images",
        nargs="+",
        type=path_text,
        metavar="IMAGES",
        help="films or single CT slices without a nodule: files, folders, or .txt and .csv lists of these",
    )
    parser.add_argument("output", type=path_text, metavar="OUTPUT", help="folder for images/, masks/ and manifests/")
    parser.add_argument("--count", type=image_count, required=True, metavar="N", help="images to make, IMAGES in turn")
    parser.add_argument(
        "--by", choices=_BY, default="diameter", help="what is to be as in missed nodules (default: diameter)"
    )
    parser.add_argument("--pairs", action="store_true", help="write each image without its nodule, too")
    parser.add_argument("--format", choices=FORMATS, default="node21", help="of the boxes (default: node21)")
    parser.add_argument("--seed", type=seed_number, default=0, metavar="N", help="same seed, same voxels (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on: leave out what is done")
    parser.add_argument("--engine", choices=CHOICES, default="auto", help="what runs the networks (default: auto)")
    parser.add_argument("--bundle", type=nonempty_text, metavar="NAME", help="texture network (see nodules)")
    parser.add_argument("--progress", choices=KINDS, default="auto", help="on stderr: a line (auto), JSON, nothing")


@dataclass(frozen=True)
class Plan:
    """What is to be made, and why.

    Attributes:
        jobs: one for each image.
        asked: what a run that goes on must ask for, too.
        told: for people: what is missed, and why no more images are made than are.
        content: of mining.json.
        draws: one for each job.
    """

    jobs: list[NoduleJob]
    asked: dict[str, Any]
    told: str
    content: dict[str, Any]
    draws: list[NoduleDraw]

    def write(self, folder: Path, progress: Progress) -> None:
        """Write mining.json, and the outlines that were chosen by their width over height."""
        from monai_inpaint.detection.mined_outlines import write_outline
        from monai_inpaint.io.atomic import staged

        with staged(folder / MINED, overwrite=True) as part:
            part.write_text(json.dumps(self.content, indent=2) + "\n", encoding="utf-8")
        for number, (job, draw) in enumerate(zip(self.jobs, self.draws, strict=True)):
            if isinstance(job.shape, Path) and draw.aspect is not None and not job.shape.exists():
                progress("outlines", number, len(self.jobs))
                job.shape.parent.mkdir(exist_ok=True)
                write_outline(draw.aspect, draw.seed, job.shape, job.engine)

    def remove(self, folder: Path) -> None:
        """Take away what `write` wrote."""
        (folder / MINED).unlink(missing_ok=True)
        shutil.rmtree(folder / OUTLINES, ignore_errors=True)


def plan(args: argparse.Namespace, folder: Path, images: Sequence[Path], progress: Progress) -> Plan:
    """Read detections and truth, find what is missed, and draw from it.

    Raises:
        InputError: as the readers and `draw_missed` say, or images and truth differ in whether they tell a pixel size.
    """
    from monai_inpaint.datasets.boxed_images import read_detections, read_truth
    from monai_inpaint.datasets.named_images import stem_of
    from monai_inpaint.detection.mining import borne, digest_of, draw_missed, histogram
    from monai_inpaint.detection.missed import nodules_of
    from monai_inpaint.detection.score import score

    try:
        truth = read_truth(args.truth, progress.stage("read"))
    finally:
        progress.clear()
    told = score(truth, read_detections(args.detections, truth), iou=args.iou, resampled=0)
    nodules = nodules_of(told)
    count, reason = borne(truth, args.count)
    draws = draw_missed(nodules, count, args.by, args.seed)
    unit = nodules[0].unit
    if unit == "pixels":
        _check_no_spacing(images)
    jobs = [
        NoduleJob(
            image=images[number % len(images)],
            folder=folder,
            name=(name := f"{stem_of(images[number % len(images)].name)}_mined{number + 1:04d}"),
            place="lungs",
            diameters=(draw.diameter,),
            scaled=unit == "mm",
            shape="random" if draw.aspect is None else folder / OUTLINES / f"{name}.png",
            density="random" if draw.density is None else draw.density,
            seeds=(draw.seed,),
            pair=args.pairs,
            engine=args.engine,
            bundle=args.bundle,
        )
        for number, draw in enumerate(draws)
    ]
    missed = sum(not nodule.found for nodule in nodules)
    bins = histogram(nodules)
    lines = [
        f"{missed} of {len(nodules)} nodules are missed at 0.25 false positives an image (scores below "
        f"{told.threshold:.4g}, IoU {args.iou:g}).",
        f"Missed of all, by diameter in {unit}: "
        + ", ".join(f"{low:g}-{high:g}: {some} of {every}" for low, high, some, every in bins)
        + ".",
        *([f"Stopped at {count}: {reason}."] if reason else []),
    ]
    content = {
        "iou": args.iou,
        "threshold": told.threshold if abs(told.threshold) != float("inf") else None,
        "nodules": len(nodules),
        "missed_diameters": [round(nodule.diameter, 4) for nodule in nodules if not nodule.found],
        "unit": unit,
        "histogram": [dict(zip(("from", "to", "missed", "all"), one, strict=True)) for one in bins],
        "by": args.by,
        "asked_for": args.count,
        "drawn": [[draw.diameter, draw.density, draw.aspect] for draw in draws],
        "stopped": reason,
    }
    kept = ("count", "by", "iou", "pairs", "seed", "bundle", "format")
    asked = {
        "images": [path.name for path in images],
        **{name: getattr(args, name) for name in kept},
        "nodules": digest_of(nodules),
    }
    return Plan(jobs, asked, "\n".join(lines), content, draws)


def _check_no_spacing(images: Sequence[Path]) -> None:
    from monai_inpaint.io.isolated import read_image_guarded

    for path in images:
        if read_image_guarded(path).spacing:
            raise InputError(
                f"{path} tells its pixel size, and the images of the truth do not, so diameters of missed nodules are "
                "known in pixels only; give images without it, or a truth with it."
            )
