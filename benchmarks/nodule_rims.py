"""How fast real nodules get denser below their outline, which is what shadows and projections assume of them."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.nodules import CLASSES
from benchmarks.setting import Options, markdown
from monai_inpaint.datasets.lidc_crops import LUNG, LidcCrop, read_lidc_crop, readings_of
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.synthesis.nodules.projection import RIM
from monai_inpaint.training.nodule_crops import nodule_crops, readings_by_patient

DEPTHS = tuple(np.arange(-1.0, 3.5, 0.5))  # mm below the outline, ends of the intervals
LEAST = 10.0  # mm: diameter of a nodule that has an inside


def run(options: Options) -> str:
    """The table.

    Raises:
        InputError: no nodule of the list is rated and large enough.
    """
    rows = list(_profiles(options))
    if not rows:
        raise InputError(f"{options.data} has no nodule of LIDC-IDRI of {LEAST:g} mm or more in split {options.split}.")
    body = []
    for name, low, high in CLASSES:
        some = [row for density, row in rows if low <= density < high]
        if some:
            means = [f"{mean:.2f}" if np.isfinite(mean) else "" for mean in np.nanmean(some, axis=0)]
            body.append([name, str(len(some)), *means])
    assumed = np.clip((np.array(DEPTHS[:-1]) + 0.25) / (2 * RIM), 0.0, 1.0)
    body.append(["as assumed", "", *(f"{share:.2f}" for share in assumed)])
    heading = ["rated", "nodules", *(f"{low:g} to {low + 0.5:g}" for low in DEPTHS[:-1])]
    notes = [
        f"data: {options.data and options.data.name}, split {options.split}: nodules of {LEAST:g} mm or more of "
        "LIDC's patients, without calcified ones; the outline is the one that half of the readers agree on",
        "mean share of the nodule's own density, by mm below the outline: the median of the pixels there, from lung "
        f"({LUNG:g} HU) to the mean of what lies {DEPTHS[-1]:g} mm deep or deeper",
        "as assumed: in shadows and projections",
    ]
    return markdown("Rims of nodules in CT", heading, body, notes)


def _profiles(options: Options) -> Iterator[tuple[float, list[float]]]:
    """Density of each nodule, and its share by depth."""
    assert options.data is not None
    for entry in nodule_crops(options.data, options.split or "val", calcified=False)[: options.limit]:
        crop = read_lidc_crop(entry["image"])
        readings = readings_of(crop, readings_by_patient().get(entry["name"], []))
        if readings and equivalent_diameter(crop.agreement) * readings[0].spacing >= LEAST:
            shares = profile(crop, readings[0].spacing)
            if shares:
                yield entry["density"], shares


def profile(crop: LidcCrop, spacing: float) -> list[float] | None:
    """Share of a nodule's density in each interval of depth; NaN without pixels; None: nothing lies deeper than these.

    Args:
        crop: with the nodule.
        spacing: mm between pixels.
    """
    inside, hounsfield = crop.agreement, crop.hounsfield
    depth = spacing * np.where(inside, distance_transform_edt(inside) - 0.5, 0.5 - distance_transform_edt(~inside))
    deep = depth >= DEPTHS[-1]
    if not deep.any():
        return None
    step = float(hounsfield[deep].mean()) - LUNG
    return [_share(hounsfield[(depth >= low) & (depth < low + 0.5)], step) for low in DEPTHS[:-1]]


def _share(hounsfield: np.ndarray, step: float) -> float:
    return (float(np.median(hounsfield)) - LUNG) / step if hounsfield.size else np.nan
