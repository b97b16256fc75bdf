"""Do films that are drawn around a finding look like films? The painting bundle beside fills, by Frechet distance."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.setting import Options, markdown, monai_inpaint, said_by
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.datalist import in_order, read_data_list
from monai_inpaint.evaluation.fill_methods import SAMPLE, find_methods
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import resized
from monai_inpaint.io import read_image, write_image
from monai_inpaint.metrics.frechet_distance import SqueezeNetPool3, frechet_distance
from monai_inpaint.metrics.lpips import Lpips
from monai_inpaint.synthesis.holes import draw_boxes, random_boxes
from monai_inpaint.synthesis.nodules.displayed_slice import FILM, planes_of
from monai_inpaint.synthesis.painting.film_window import GREY, grey_range
from monai_inpaint.synthesis.painting.paint import BUNDLE, paint_film

SIDE = 128  # pixels of the films that are compared
LARGE = 512  # pixels of a film that is timed
FILMS = 120
HEALTHY = ("no_finding", "no finding", "normal")  # how notes of films without a finding begin
FILLS = ("biharmonic", "cxr_context_encoder", "cxr_inpainting", f"cxr_inpainting{SAMPLE}")
KEPT = {"count": (1, 2), "size": (0.03, 0.1)}  # boxes, and the part of the film that each covers

Draw = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Drawn:
    """What one method made of all films: features, two films of each, seconds a film."""

    features: np.ndarray
    pairs: list[tuple[np.ndarray, np.ndarray]]
    seconds: float


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    if options.features is None:
        raise InputError("outpainting compares features of SqueezeNet 1.1: name their file with --features.")
    entries = [
        entry
        for entry in read_data_list(options.data, split=options.split, modality="cxr")
        if entry.note.lower().startswith(HEALTHY)
    ]
    chosen = in_order(entries, options.limit or FILMS, options.seed)[: options.limit or FILMS]
    films = [film_at(read_image(entry.path)) for entry in chosen]
    if len(films) < 2:
        raise InputError(f"{options.data} has {len(films)} films without a finding; a distance needs two.")
    holes = [hole_of(number, options.seed) for number in range(len(films))]
    describe = SqueezeNetPool3(options.features)
    real = [describe(film, GREY) for film in films]
    variance = np.concatenate(real).var(axis=0).sum()
    lpips = Lpips(options.features)
    rows = [["other real films", f"{halves(real, options.seed) / variance:.3f}", "-", "-"]]
    for name, draw in methods(options).items():
        made = drawn_by(draw, films, holes, options.seed, describe)
        apart = float(np.mean([lpips(one, other, GREY) for one, other in made.pairs]))
        distance = frechet_distance(np.concatenate(real), made.features) / variance
        rows.append([name, f"{distance:.3f}", f"{apart:.3f}", f"{made.seconds:.2f}"])
    notes = [
        f"data: {options.data.name}, split {options.split}, {len(films)} films without a finding, at {SIDE} pixels, "
        f"seed {options.seed}",
        "kept of each film: one or two boxes of 3 to 10 % of it, at random places; everything else is drawn",
        "Frechet distance to the same films, unchanged, divided by their variance: SqueezeNet 1.1, third pooling, "
        "each film in its eight orientations; Inception's distances of papers (LINOP: 3.83 on VinDr-CXR) are on "
        "another scale and of other data",
        "other real films: one half against the other; having half as many vectors makes the distance larger",
        f"{BUNDLE} and the bundles that fill were not trained on these films; {BUNDLE}'s checkpoint was chosen by them",
        "LPIPS: between two films drawn from one film with different seeds; 0 for methods that draw nothing",
        "seconds: to draw one film of 128 pixels once",
        "{0} x {0} pixels, {1}: the whole command {2:.1f} s, in a process that has drawn before {3:.2f} s".format(
            LARGE, BUNDLE, *seconds_of_large(films[0], holes[0])
        ),
    ]
    return markdown("Outpainting", ["method", "Frechet distance", "LPIPS", "seconds"], rows, notes)


def film_at(image: Image, side: int = SIDE) -> np.ndarray:
    """A film as shown, squeezed into a square, uint8 with its range at 0 to 255."""
    units = planes_of(image, FILM)[0].units
    low, high = grey_range(units)
    greys = resized((units - low) * (GREY / (high - low)), (side, side))
    return np.clip(np.rint(greys), 0, GREY).astype(np.uint8)


def hole_of(number: int, seed: int) -> np.ndarray:
    """All but one or two boxes, of the film of that number."""
    rng = np.random.default_rng([seed, number])
    return ~draw_boxes((SIDE, SIDE), **random_boxes((SIDE, SIDE), rng, **KEPT))


def methods(options: Options) -> dict[str, Draw]:
    """By name, what draws a hole of a film by a seed."""
    names = options.methods or FILLS
    fills = {name: _fill(name) for name in names}
    return {**fills, BUNDLE: lambda film, hole, seed: paint_film(Image(film), hole, seed=seed).image.voxels}


def _fill(name: str) -> Draw:
    def draw(film: np.ndarray, hole: np.ndarray, seed: int) -> np.ndarray:
        (method,) = find_methods([name], seed=seed)
        case = EvaluationCase("", "", film.astype(np.float32), hole, 0.0, GREY, "cxr", "")
        return np.clip(method.fill(case), 0, GREY)

    return draw


def drawn_by(
    draw: Draw, films: Sequence[np.ndarray], holes: Sequence[np.ndarray], seed: int, describe: SqueezeNetPool3
) -> Drawn:
    """Every film drawn twice; the first one counts for the distance."""
    features: list[np.ndarray] = []
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    seconds = 0.0
    for number, (film, hole) in enumerate(zip(films, holes, strict=True)):
        started = time.perf_counter()
        first = draw(film, hole, seed + 2 * number)
        seconds += time.perf_counter() - started
        pairs.append((first, draw(film, hole, seed + 2 * number + 1)))
        features.append(describe(first, GREY))
    return Drawn(np.concatenate(features), pairs, seconds / len(films))


def seconds_of_large(film: np.ndarray, hole: np.ndarray) -> tuple[float, float]:
    """Seconds that an enlarged film takes on the command line, and without starting it."""
    film, hole = (np.kron(pixels, np.ones((LARGE // SIDE,) * 2, pixels.dtype)) for pixels in (film, hole))
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "masks").mkdir()
        write_image(Image(film), folder / "film.png")
        write_image(Image((~hole * 255).astype(np.uint8)), folder / "masks" / "film.png")
        started = time.perf_counter()
        command = ["synthesize", "outpaint", str(folder / "film.png"), str(folder / "masks"), str(folder / "made")]
        said_by([*monai_inpaint(), *command, "--progress", "none"])
        whole = time.perf_counter() - started
    paint_film(Image(film), hole)
    started = time.perf_counter()
    paint_film(Image(film), hole)
    return whole, time.perf_counter() - started


def halves(features: Sequence[np.ndarray], seed: int) -> float:
    """The distance of one half of the films to the other."""
    order = np.random.default_rng(seed).permutation(len(features))
    one, other = (np.concatenate([features[n] for n in part]) for part in np.array_split(order, 2))
    return frechet_distance(one, other)
