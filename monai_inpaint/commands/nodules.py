"""`monai-inpaint synthesize nodules IMAGES OUTPUT`; also makes the nodules of `synthesize mine`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_inpaint.commands.arguments import (
    add_synthesis_arguments,
    add_synthesis_folder,
    image_count,
    nonempty_text,
    path_text,
)
from monai_inpaint.commands.synthesis_folder import ended, find_images, image_name, output_folder, run_all
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.jobs.synthesize_nodules import (
    FORMATS,
    NoduleJob,
    boxed_images,
    synthesize_into,
)
from monai_inpaint.progress import Progress, make_progress
from monai_inpaint.synthesis.nodules import FILM_MM

HELP = "Put nodules of chosen places, sizes, shapes and densities into images."
DENSITY_NAMES = ("solid", "part-solid", "ground-glass", "random")
REGION_NAMES = ("lungs", "free", "ribs", "heart")
_DEFAULT = "8-30"  # mm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images",
        nargs="+",
        type=path_text,
        metavar="IMAGES",
        help="films or CT: files, folders of files, folders of a DICOM series, or .txt and .csv lists of these",
    )
    add_synthesis_folder(parser)
    parser.add_argument(
        "--count",
        type=image_count,
        metavar="N",
        help="images to make, IMAGES in turn (default: one of each)",
    )
    parser.add_argument(
        "--diameter",
        type=nonempty_text,
        metavar="MM|MIN-MAX|FILE",
        help="in mm, in pixels where an image has no pixel size; a range, or a file of diameters to draw from "
        f"(default: {_DEFAULT} mm, an image without pixel size taken for {FILM_MM:g} mm long)",
    )
    parser.add_argument(
        "--per-image",
        type=_per_image,
        default=(1, 1),
        metavar="N|MIN-MAX",
        help="nodules in each image, none on another (default: 1)",
    )
    parser.add_argument(
        "--shape", type=nonempty_text, default="random", metavar="random|MASK", help="drawn, or the outline of a mask"
    )
    parser.add_argument(
        "--density", choices=DENSITY_NAMES, default="random", help="default: random, as often as in LIDC"
    )
    parser.add_argument(
        "--where",
        type=nonempty_text,
        default="lungs",
        metavar="REGION|MASK|X,Y|BOXES",
        help=f"{', '.join(REGION_NAMES)} (films: between ribs, on one, at the heart), a mask, pixels, or the JSON of "
        "boxes that NODE21 gives a generator, with places and sizes (default: lungs)",
    )
    parser.add_argument("--pairs", action="store_true", help="write each image without its nodule, too")
    parser.add_argument("--format", choices=FORMATS, help="also write the boxes as NODE21, COCO or YOLO have them")
    parser.add_argument(
        "--again", type=path_text, metavar="MANIFEST", help="make the nodules of a manifest again, in the same image"
    )
    parser.add_argument(
        "--bundle",
        type=nonempty_text,
        metavar="NAME",
        help="texture network (default: CT nodule_texture_ct, films none)",
    )
    add_synthesis_arguments(parser)


def run(args: argparse.Namespace) -> int:
    folder = Path(args.output)
    images = find_images([Path(text) for text in args.images])
    jobs = [_again(args, folder, images)] if args.again else _jobs(args, folder, images)
    return make_nodules(jobs, folder, _asked(args, images), make_progress(args.progress), args)


def make_nodules(
    jobs: Sequence[NoduleJob],
    folder: Path,
    asked: dict[str, Any],
    progress: Progress,
    args: argparse.Namespace,
    *,
    write: Callable[[Path, Progress], None] | None = None,
    remove: Callable[[Path], None] | None = None,
) -> int:
    """Make all that is not made yet, then write the boxes; returns the exit code.

    Args:
        jobs: one for each image.
        folder: of the outputs.
        asked: the settings; a resumed run must have the same.
        progress: of the run.
        args: `resume` and `format`.
        write: writes further files of the folder; `remove` removes them if no image was made.
    """
    with output_folder(folder, asked, jobs, progress, resume=args.resume, remove=remove):
        if write:
            write(folder, progress)
        # what a run that was ended left of a nodule is ours to replace
        counts = run_all(
            jobs, lambda job: synthesize_into(job, progress=Progress(), overwrite=args.resume), "nodules", progress
        )
        if args.format:
            boxes = list(boxed_images(folder, jobs))
            if boxes:
                _writer(args.format)(boxes, folder)
    return ended(counts, folder)


def _jobs(args: argparse.Namespace, folder: Path, images: list[Path]) -> list[NoduleJob]:
    """One for each output; everything that is drawn follows from the seed and the numbers of output and nodule."""
    shape = "random" if args.shape == "random" else _existing(args.shape, "--shape")
    if args.where.lower().endswith(".json"):
        places = _boxes(args, images)
    else:
        places = [Places(image, _where(args.where)) for image in images]
    diameters = _Diameters(args.diameter)
    if isinstance(places[0].place, tuple) and args.per_image[1] > 1:
        raise InputError("--where X,Y is the place of one nodule; leave out --per-image, or name a region or a mask.")
    jobs: list[NoduleJob] = []
    for number in range(args.count or len(places)):
        image, place, sizes = places[number % len(places)]
        low, high = (len(sizes), len(sizes)) if sizes else args.per_image
        nodules = range(np.random.default_rng([args.seed, number]).integers(low, high + 1))
        states = [np.random.SeedSequence([args.seed, number, nodule]).generate_state(2) for nodule in nodules]
        jobs.append(
            NoduleJob(
                image=image,
                folder=folder,
                name=f"{image_name(image)}_nodule{number + 1:04d}",
                place=place,
                diameters=sizes or tuple(diameters.draw(np.random.default_rng(drawn)) for _, drawn in states),
                scaled=args.diameter is None and not sizes,
                shape=shape,
                density=args.density,
                seeds=tuple(int(seed) for seed, _ in states),
                pair=args.pairs,
                engine=args.engine,
                bundle=args.bundle,
            )
        )
    return jobs


def _again(args: argparse.Namespace, folder: Path, images: list[Path]) -> NoduleJob:
    """The job that a manifest describes, with the same image and the same files.

    Raises:
        InputError: no manifest, or another image or file than it names.
    """
    path = Path(args.again)
    content = read_json(path, "give a manifest that synthesize has written")
    try:
        asked, source = content["arguments"], content["source"]
        place, shape = asked["place"], asked["shape"]
        diameters = tuple(float(mm) for mm in asked["diameters"])
        seeds = tuple(int(seed) for seed in asked["seeds"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} is not a manifest of nodules; give one that synthesize has written.") from None
    if len(images) != 1:
        raise InputError(f"{path} describes one image; give that image alone.")
    _check_same(images[0], source, path)
    if isinstance(shape, dict):
        shape = _same(args.shape, shape, path, "--shape")
    if isinstance(place, dict):
        place = _same(args.where, place, path, "--where")
    return NoduleJob(
        image=images[0],
        folder=folder,
        name=path.stem,
        place=tuple(map(tuple, place)) if isinstance(place, list) else place,
        diameters=diameters,
        shape=shape,
        density=asked["density"],
        seeds=seeds,
        pair=args.pairs,
        engine=args.engine,
        bundle=args.bundle or content.get("bundle", {}).get("name"),
    )


def _same(text: str, content: dict[str, str], manifest: Path, option: str) -> Path:
    path = _existing(text, option)
    _check_same(path, content, manifest)
    return path


def _check_same(path: Path, content: dict[str, str], manifest: Path) -> None:
    from monai_inpaint.jobs.cohort import digest

    if digest(path) != content["sha256"]:
        raise InputError(f"{path} is not the file {content['name']} that {manifest} names; give that one.")


def _asked(args: argparse.Namespace, images: Sequence[Path]) -> dict[str, Any]:
    """The settings; a resumed run must have the same."""
    kept = ("count", "diameter", "shape", "density", "where", "pairs", "seed", "bundle", "again")
    return {
        "images": [path.name for path in images],
        **{name: getattr(args, name) for name in kept},
        "per_image": list(args.per_image),
    }


class _Diameters:
    """Value of --diameter: one, a range, or a file with one a line."""

    def __init__(self, text: str | None) -> None:
        self.values: list[float] = []
        self.ends = (0.0, 0.0)
        text = text or _DEFAULT
        if Path(text).is_file():
            self.values = [_positive(line) for line in Path(text).read_text(encoding="utf-8").split()]
            if not self.values:
                raise InputError(f"{text} contains no diameters; give one a line.")
            return
        low, _, high = text.partition("-")
        self.ends = _positive(low), _positive(high or low)
        if self.ends[0] > self.ends[1]:
            raise InputError(f"The diameters {text} run backwards; give the smaller one first.")

    def draw(self, rng: np.random.Generator) -> float:
        """A diameter, all that are asked for equally likely."""
        if self.values:
            return float(rng.choice(self.values))
        return round(float(rng.uniform(*self.ends)), 2)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1000:
        raise InputError(
            f"{text!r} is not a diameter in mm; give a number, a range such as 8-30, or a file of numbers."
        )
    return value


class Places(NamedTuple):
    """Places of nodules in an image, and their diameters if these are given with the places."""

    image: Path
    place: str | Path | tuple[tuple[int, ...], ...]
    diameters: tuple[float, ...] = ()


def _boxes(args: argparse.Namespace, images: Sequence[Path]) -> list[Places]:
    """The centres and mean sides of the boxes of a NODE21 JSON, image by image.

    Raises:
        InputError: not such a file, no boxes, a box outside its image, or conflicting options.
    """
    from monai_inpaint.datasets.boxed_images import read_boxed
    from monai_inpaint.datasets.node21_json import node21_places

    if args.diameter or args.per_image != (1, 1):
        raise InputError("The boxes of --where say how many nodules there are, and their sizes; leave out --diameter.")
    path = _existing(args.where, "--where")
    boxed = [read_boxed(image) for image in images]
    places: list[Places] = []
    for image, boxes in zip(boxed, node21_places(path, boxed), strict=True):
        if boxes and image.path:
            across = image.spacing[0] if image.spacing else 1.0
            centres = tuple((int(x + width / 2), int(y + height / 2)) for x, y, width, height in boxes)
            sizes = tuple(round((width + height) / 2 * across, 2) for _, _, width, height in boxes)
            places.append(Places(image.path, centres, sizes))
    if not places:
        raise InputError(f"{path} contains no boxes of these images; give boxes, or another --where.")
    return places


def _where(text: str) -> str | Path | tuple[tuple[int, ...], ...]:
    if text in REGION_NAMES:
        return text
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        return _existing(text, "--where")
    if len(numbers) not in (2, 3):
        raise InputError(f"--where {text}: give column and row, x,y, or x,y,z in a volume.")
    return (numbers,)


def _existing(text: str, option: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise InputError(f"{option} {text}: there is no such file; give a mask.")
    return path


def _writer(name: str) -> Any:
    if name == "node21":
        from monai_inpaint.datasets.node21 import write_node21

        return write_node21
    if name == "coco":
        from monai_inpaint.datasets.coco import write_coco

        return write_coco
    from monai_inpaint.datasets.yolo import write_yolo

    return write_yolo


def _per_image(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    try:
        ends = int(low), int(high or low)
    except ValueError:
        ends = 0, 0
    if not 0 < ends[0] <= ends[1] <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of nodules; give 1 to 100, or a range such as 1-3")
    return ends
