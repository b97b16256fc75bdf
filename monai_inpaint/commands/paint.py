"""`monai-inpaint synthesize outpaint IMAGES LESIONS OUTPUT` and `synthesize inpaint-lesion IMAGES OUTPUT`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from monai_inpaint.commands.arguments import add_synthesis_arguments, add_synthesis_folder, nonempty_text, path_text
from monai_inpaint.commands.synthesis_folder import ended, find_images, image_name, output_folder, run_all
from monai_inpaint.datasets.finding_boxes import BoxesByImage, FindingBox, read_boxes
from monai_inpaint.errors import InputError
from monai_inpaint.jobs.film_regions import DrawnPlace, ListedBoxes, MapPeaks, MaskFile, Region
from monai_inpaint.jobs.paint_film import PaintJob, paint_into
from monai_inpaint.progress import Progress, make_progress

OUTPAINT_HELP = "Keep the finding of chest films and generate everything around it, for more training data."
INPAINT_HELP = "Draw a finding at a place in chest films without one, by a bundle that was trained on such findings."
PEAKS, RANDOM = "peaks", "random"
_BUNDLE = "cxr_lesion_painting"

Value = TypeVar("Value")


def add_outpaint_arguments(parser: argparse.ArgumentParser) -> None:
    _add_images(parser)
    parser.add_argument(
        "lesions",
        type=path_text,
        metavar="LESIONS",
        help="what is kept: a folder of masks named as the films are, a .csv of boxes (image, label, x, y, w, h), or "
        f"{PEAKS}: boxes around the peaks of our own abnormality map",
    )
    add_synthesis_folder(parser)
    parser.add_argument("--margin", type=_margin, default=0.0, metavar="MM", help="keep so much more (default: 0)")
    _add_rest(parser, _BUNDLE)


def add_inpaint_arguments(parser: argparse.ArgumentParser) -> None:
    _add_images(parser)
    add_synthesis_folder(parser)
    parser.add_argument(
        "--place",
        type=nonempty_text,
        required=True,
        metavar=f"MASK|X,Y,W,H|{RANDOM}",
        help=f"where: a mask, a box in pixels, or {RANDOM}: somewhere in the lungs",
    )
    parser.add_argument(
        "--kind", type=nonempty_text, required=True, metavar="NAME", help="the bundle's finding, for the manifest"
    )
    _add_rest(parser, None)


def run_outpaint(args: argparse.Namespace) -> int:
    """Films with a finding to films with that finding in other chests."""
    region_of = _lesions(args.lesions, args.engine)
    asked = {"outpaint": args.lesions, "margin": args.margin}
    return _run(args, asked, lambda image, _: region_of(image), kept=True, margin=args.margin, finding=None)


def run_inpaint(args: argparse.Namespace) -> int:
    """Films without a finding to films with one."""
    place = _place(args.place)
    asked = {"inpaint-lesion": args.place, "kind": args.kind}
    return _run(args, asked, lambda _, seed: place or DrawnPlace(seed), kept=False, margin=0.0, finding=args.kind)


def _run(
    args: argparse.Namespace,
    asked: dict[str, Any],
    region_of: Callable[[Path, int], Region],
    *,
    kept: bool,
    margin: float,
    finding: str | None,
) -> int:
    folder, images = Path(args.output), find_images([Path(text) for text in args.images])
    jobs: list[PaintJob] = []
    for number, image in enumerate(images):
        for sample in range(args.samples):
            seed, place = (int(n) for n in np.random.SeedSequence([args.seed, number, sample]).generate_state(2))
            jobs.append(
                PaintJob(
                    image=image,
                    folder=folder,
                    name=f"{image_name(image)}_{'outpainted' if kept else 'lesion'}{sample + 1:04d}",
                    region=region_of(image, place),
                    kept=kept,
                    margin=margin,
                    finding=finding,
                    seed=seed,
                    engine=args.engine,
                    bundle=args.bundle,
                )
            )
    asked |= {"images": [image.name for image in images]}
    asked |= {name: getattr(args, name) for name in ("samples", "seed", "bundle")}
    progress = make_progress(args.progress)
    with output_folder(folder, asked, jobs, progress, resume=args.resume):
        # what a run that was ended left of a film is ours to replace
        counts = run_all(
            jobs, lambda job: paint_into(job, progress=Progress(), overwrite=args.resume), "films", progress
        )
    return ended(counts, folder)


def _lesions(text: str, engine: str) -> Callable[[Path], Region]:
    """Region of a film that is kept.

    Raises:
        InputError: neither masks nor boxes, or, when called, nothing for that film.
    """
    if text == PEAKS:
        return lambda _: MapPeaks(engine)
    path = Path(text)
    if path.is_dir():
        masks = {image_name(mask): mask for mask in sorted(path.iterdir()) if not mask.name.startswith(".")}
        return lambda image: MaskFile(_some(masks.get(image_name(image)), image, f"mask in {path}"))
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path} is neither a folder of masks nor a .csv of boxes; name one, or {PEAKS}.")
    boxes = BoxesByImage(read_boxes(path))
    return lambda image: ListedBoxes(tuple(_some(boxes.of(image), image, f"box in {path}")))


def _some(found: Value | None, image: Path, what: str) -> Value:
    if not found:
        raise InputError(f"{image} has no {what}; give one, or leave the image out.")
    return found


def _place(text: str) -> Region | None:
    """None: by chance."""
    if text == RANDOM:
        return None
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError:
        if not Path(text).exists():
            raise InputError(f"--place {text}: there is no such file; give a mask, x,y,w,h or {RANDOM}.") from None
        return MaskFile(Path(text))
    if not (w > 0 and h > 0 and math.isfinite(x + y + w + h)):
        raise InputError(f"--place {text}: the box has no area; give column, row, width and height.")
    return ListedBoxes((FindingBox("", "", x, y, w, h),))


def _add_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images",
        nargs="+",
        type=path_text,
        metavar="IMAGES",
        help="films: files, folders of files, or .txt and .csv lists of these",
    )


def _add_rest(parser: argparse.ArgumentParser, bundle: str | None) -> None:
    parser.add_argument("--samples", type=_samples, default=1, metavar="K", help="films to make of each (default: 1)")
    parser.add_argument(
        "--bundle",
        type=nonempty_text,
        default=bundle,
        required=bundle is None,
        metavar="NAME",
        help=f"what draws: one that paints{f' (default: {bundle})' if bundle else ''}, or one that fills and draws "
        "samples, such as cxr_inpainting",
    )
    add_synthesis_arguments(parser)


def _samples(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of samples from 1 to 1000")
    return int(text)


def _margin(text: str) -> float:
    try:
        mm = float(text)
    except ValueError:
        mm = -1.0
    if not 0 <= mm <= 500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a margin in mm from 0 to 500")
    return mm
