"""How good are films painted around a finding, and findings painted into films: diversity, seam, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from benchmarks.outpainting import HEALTHY, SIDE, film_at, hole_of
from benchmarks.setting import Options, markdown
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import in_order, read_data_list
from monai_inpaint.fill.filler import Filler
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.metrics.lpips import Lpips
from monai_inpaint.metrics.seam import seam
from monai_inpaint.registry import find_bundle
from monai_inpaint.synthesis.painting.film_window import GREY
from monai_inpaint.synthesis.painting.paint import BUNDLE, paint_film

FILMS, SAMPLES = 40, 3
WINDOW = 64  # pixels, at least, in which samples are compared
HOUSE = "cxr_inpainting"
DIRECTIONS = {"outpainting": BUNDLE, "inpainting": "cxr_lesion_inpainting"}  # and the bundle that is trained for it


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    if options.features is None:
        raise InputError("painting compares samples by LPIPS: name the file of SqueezeNet 1.1 with --features.")
    lpips = Lpips(options.features)
    entries = read_data_list(options.data, split=options.split, modality="cxr")
    healthy = [entry for entry in entries if entry.note.lower().startswith(HEALTHY)]
    chosen = in_order(healthy, options.limit or FILMS, options.seed)[: options.limit or FILMS]
    films = [film_at(read_image(entry.path)) for entry in chosen]
    if not films:
        raise InputError(f"{options.data} names no film without a finding; add some.")
    samples = 2 if options.tiny else SAMPLES
    rows: list[list[str]] = []
    for direction, own in DIRECTIONS.items():
        outside = direction == "outpainting"
        holes = [hole_of(number, options.seed) for number in range(len(films))]
        holes = holes if outside else [~hole for hole in holes]
        real = [seam(film, hole) for film, hole in zip(films, holes, strict=True)]
        rows.append([f"{direction}: real films", "-", "-", _shown(real)])
        for bundle in (options.bundle,) if options.bundle else (own, HOUSE):
            drawn = [
                [
                    paint_film(Image(film), hole, seed=options.seed + n, bundle=bundle).image.voxels
                    for n in range(samples)
                ]
                for film, hole in zip(films, holes, strict=True)
            ]
            rows.append([f"{direction}: {bundle}", *_measured(films, holes, drawn, lpips)])
        if not options.bundle:
            filler = Filler(find_bundle(HOUSE).path)
            filled = [[filler(film, hole).image] for film, hole in zip(films, holes, strict=True)]
            rows.append([f"{direction}: {HOUSE}, best estimate", *_measured(films, holes, filled, lpips)])
    notes = [
        f"data: {options.data.name}, split {options.split}, {len(films)} films without a finding, at {SIDE} pixels, "
        f"{samples} samples of each, seed {options.seed}",
        "outpainting: one or two boxes of 3 to 10 % of the film, at random places, are kept; inpainting: these boxes "
        "are drawn",
        f"diversity: mean LPIPS between samples of one film, in a window of {WINDOW} pixels or more around the hole",
        "kept: films in which all known pixels equal the source bit for bit",
        "seam: the mean step across the border, divided by that of the pixels beside it; 1: no seam",
    ]
    return markdown("Painting", ["direction, bundle", "diversity", "kept", "seam"], rows, notes)


def _measured(
    films: Sequence[np.ndarray], holes: Sequence[np.ndarray], drawn: Sequence[Sequence[np.ndarray]], lpips: Lpips
) -> list[str]:
    """Diversity, kept films and seam of the samples of each film."""
    apart = [
        lpips.in_window(one, other, hole, GREY, WINDOW)
        for hole, made in zip(holes, drawn, strict=True)
        for one, other in combinations(made, 2)
    ]
    triples = [(film, hole, one) for film, hole, made in zip(films, holes, drawn, strict=True) for one in made]
    kept = sum(np.array_equal(one[~hole], film[~hole]) for film, hole, one in triples)
    seams = [seam(one, hole) for _, hole, one in triples]
    return [_shown(apart) if apart else "-", f"{kept}/{len(triples)}", _shown(seams)]


def _shown(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}"
