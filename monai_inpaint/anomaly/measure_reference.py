"""Measure how a bundle's fills differ from healthy chest films."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.anomaly.anomaly_map import small_slice
from monai_inpaint.anomaly.features import features_of
from monai_inpaint.anomaly.reference import Reference, gridded, reference_of
from monai_inpaint.anomaly.search_region import lungs_of, region_of
from monai_inpaint.anomaly.sliding_holes import mean_of, slide
from monai_inpaint.evaluation.datalist import Entry
from monai_inpaint.fill.filler import Filler
from monai_inpaint.io import read_image
from monai_inpaint.progress import make_progress


def measured(filler: Filler, sources: Sequence[Sequence[Entry]]) -> Reference:
    """Return the reference of healthy films, each source with the same weight."""
    progress = make_progress("auto")
    total, groups = sum(map(len, sources)), []
    for films in sources:
        group = []
        for entry in films:
            group.append(_features(filler, small_slice(read_image(entry.path))))
            progress("films", sum(map(len, groups)) + len(group), total)
        groups.append(group)
    progress.clear()
    return reference_of(groups)


def _features(filler: Filler, film: np.ndarray) -> np.ndarray:
    region, lungs = region_of(film, "cxr"), lungs_of(film)
    residual = mean_of(slide(filler, film, region), film.shape)
    return np.stack([gridded(feature, lungs) for feature in features_of(residual, film, region)])
