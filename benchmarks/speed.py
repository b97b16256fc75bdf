"""A 256x256 slice with a 64x64 hole, in-process: every engine beside the classical fills, taking turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from skimage.restoration import inpaint_biharmonic

from benchmarks.arithmetic import filler_in
from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.engines import available
from monai_inpaint.evaluation.classical import fill_biharmonic, fill_telea

SIDE, HOLE = 256, 64
TARGET = 0.5


def run(options: Options) -> str:
    """The table; target: each fill in at most half the time of scikit-image's biharmonic one."""
    film = chest_film(options.seed).astype(np.float32)
    image = film.reshape(SIDE, film.shape[0] // SIDE, SIDE, -1).mean(axis=(1, 3))
    hole = np.zeros(image.shape, bool)
    hole[100 : 100 + HOLE, 60 : 60 + HOLE] = True
    methods = _methods(image, hole)
    times: dict[str, list[float]] = {name: [] for name in methods}
    for fill in methods.values():  # what is loaded or compiled once is not a fill's time
        fill()
    for _ in range(options.repeats(31)):
        for name, fill in methods.items():
            start = time.perf_counter()
            fill()
            times[name].append(time.perf_counter() - start)
    base = times["scikit-image biharmonic"]
    rows = [
        [name, f"{1000 * median(taken):.1f}", f"{1000 * min(taken):.1f}", f"{_ratio(taken, base):.2f}"]
        for name, taken in times.items()
    ]
    notes = [
        f"{SIDE}x{SIDE} float32 slice, {HOLE}x{HOLE} hole; array in, filled array out; taking turns, "
        f"{options.repeats(31)} rounds; the ratio is the median of the rounds' ratios; target at most {TARGET}",
    ]
    heading = ["fill", "median ms", "fastest ms", "time over scikit-image biharmonic"]
    return markdown("Speed of one slice", heading, rows, notes)


def _methods(image: np.ndarray, hole: np.ndarray) -> dict[str, Callable[[], object]]:
    exact = image.astype(np.float64)
    methods: dict[str, Callable[[], object]] = {
        "scikit-image biharmonic": lambda: inpaint_biharmonic(exact, hole),
        "biharmonic on a crop, as in evaluate": lambda: fill_biharmonic(image, hole),
        "OpenCV Telea": lambda: fill_telea(image, hole),
    }

    def add(name: str, filler: Filler) -> None:
        methods[name] = lambda: filler(image, hole).image

    default, half = Filler("cxr"), Filler("mr")
    methods["monai-inpaint, default engine, a sample"] = lambda: default(image, hole, sample=True).image
    methods["monai-inpaint, default engine, the network of CT and MR (mr)"] = lambda: half(image, hole).image
    for engine in available():
        filler = Filler("cxr", engine=engine)
        arithmetic = filler(image, hole).report["engine"]["arithmetic"]
        add(f"monai-inpaint, {engine}, {arithmetic}", filler)
    if "openvino" in available():
        filler, arithmetic = filler_in("cxr", "f32")
        add(f"monai-inpaint, openvino, {arithmetic} (not offered)", filler)
    return methods


def _ratio(taken: list[float], base: list[float]) -> float:
    return median(mine / other for mine, other in zip(taken, base, strict=True))
