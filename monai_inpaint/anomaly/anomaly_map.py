"""Compute the abnormality map of an image."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.anomaly.features import features_of
from monai_inpaint.anomaly.reference import Reference, load_reference
from monai_inpaint.anomaly.search_region import lungs_of, region_of
from monai_inpaint.anomaly.sliding_holes import mean_of, places, slide
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.image_region import check_anatomy, level_of
from monai_inpaint.fill.filler import Filler
from monai_inpaint.fill.report import peak_memory_mb, report_head
from monai_inpaint.fill.slice_axis import slice_axis, with_slices_last
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import enlarged, resized
from monai_inpaint.progress import Steps, part

SIDE = 128  # pixels that the longer side of a slice is reduced to, which the networks see at once
SMALLEST = 64  # pixels a side of an image to search
SCORED = 95  # percentile of the map over what was searched, which is an image's score


@dataclass(frozen=True)
class AnomalyMap:
    """The result of `compute_anomaly_map`.

    Attributes:
        map: float32 of the image's shape, 0 outside `region`; see `slice_anomaly`.
        region: bool of that shape, the searched region.
        difference: of a 2D image, source - filled in units, the mean over the holes that cover a pixel, float32 of that
            shape, 0 outside `region`; None of a volume.
        report: JSON-able; see docs/formats.md.
    """

    map: np.ndarray
    region: np.ndarray
    difference: np.ndarray | None
    report: dict[str, Any]


def compute_anomaly_map(filler: Filler, image: Image, progress: Steps | None = None) -> AnomalyMap:
    """Compute how far each voxel of an image is from what its surroundings predict.

    A hole is slid over the lungs of a film or the body in each slice of another image; the fills are compared with the
    image at reduced resolution (`SIDE`), slice by slice.

    Args:
        filler: with the bundle for the image's modality; one with a reference of healthy films is compared with it.
        image: 2D or 3D, at least `SMALLEST` pixels along the axes of a slice.
        progress: called with the work done and the work in all, in hundredths of a slice.

    Raises:
        InputError: the image is too small, shows no anatomy, or contains no finite numbers.
    """
    started = time.perf_counter()
    modalities, reference = filler.bundle.modalities, load_reference(filler.bundle)
    modality = image.modality if image.modality in modalities else modalities[0]
    axis = slice_axis(image)
    sliced = with_slices_last(image, axis)
    level = _level(sliced, modality)
    slices: list[Any] = [...] if image.voxels.ndim == 2 else [(..., k) for k in range(sliced.voxels.shape[2])]
    anomaly, searched = np.zeros(image.voxels.shape, np.float32), np.zeros(image.voxels.shape, bool)
    difference = np.zeros(image.voxels.shape, np.float32) if image.voxels.ndim == 2 else None
    holes = 0
    for number, index in enumerate(slices):
        pixels = small_slice(sliced, index)
        region = region_of(pixels, modality, level)
        holes += len(places(region))
        residual = mean_of(slide(filler, pixels, region, part(progress, number, len(slices))), pixels.shape)
        found = slice_anomaly(residual, pixels, region, reference)
        # Views of the slice as shown: what is written to them lies as the image does.
        map_shown, region_shown = (
            displayed(np.moveaxis(values, axis, -1)[index], sliced.affine) for values in (anomaly, searched)
        )
        finite = np.isfinite(displayed(sliced.voxels[index], sliced.affine))
        region_shown[:] = finite & (enlarged(region.astype(np.float32), region_shown.shape) >= 0.5)
        map_shown[:] = np.where(region_shown, enlarged(found, map_shown.shape), 0)
        if difference is not None:
            displayed(difference, image.affine)[:] = np.where(region_shown, enlarged(residual, map_shown.shape), 0)
    report = {
        **report_head(image, filler.bundle, filler.engine),
        "search": {
            "region": "lungs" if modality == "cxr" else "body",
            "pixels": int(np.count_nonzero(searched)),
            "holes": holes,
            "reference_films": reference.films if reference else 0,
        },
        "score": score_of(anomaly, searched),
        "seconds": {"search": round(time.perf_counter() - started, 4)},
        "peak_memory_mb": peak_memory_mb(),
    }
    return AnomalyMap(anomaly, searched, difference, report)


def slice_anomaly(
    residual: np.ndarray, pixels: np.ndarray, region: np.ndarray, reference: Reference | None
) -> np.ndarray:
    """Compute the map of one slice, float64 of its shape, valid inside the region; scaling the units changes nothing.

    With a reference: how much brighter than expected a place is, less how much detail it has, both in standard
    deviations of healthy films at that place. Opacities are bright, and ribs and vessels fade in them. Without one: how
    much brighter or darker, over the error that is to be expected by the image's own fine detail nearby.

    Args:
        residual: (rows, columns) source - filled in units, the mean over the holes that cover a pixel.
        pixels: (rows, columns), the source.
        region: (rows, columns) bool, what the holes covered.
        reference: of the bundle that filled, for chest films.
    """
    if not region.any() or np.ptp(pixels[region]) == 0:
        return np.zeros(pixels.shape)
    brightness, detail = features_of(residual, pixels, region)
    if reference is None:
        return np.abs(brightness) / np.exp(detail)
    brightness, detail = reference.standardised((brightness, detail), lungs_of(pixels))
    return (brightness - detail) / np.sqrt(2)


def small_slice(image: Image, index: Any = ...) -> np.ndarray:
    """A slice as displayed, reduced to `SIDE` pixels, float32 in units; dense is bright, NaN voxels dark."""
    pixels = np.array(displayed(image.units(index), image.affine), order="C")
    if image.inverted:
        pixels *= -1
    finite = np.isfinite(pixels)
    pixels[~finite] = pixels[finite].min(initial=np.inf) if finite.any() else 0
    factor = min(SIDE / max(pixels.shape), 1)
    rows, columns = (max(round(size * factor), 1) for size in pixels.shape)
    return resized(pixels, (rows, columns))


def score_of(map_: np.ndarray, region: np.ndarray) -> float:
    """Return an image's score: a high percentile of the map over the searched region; 0 if that is empty."""
    return float(np.percentile(map_[region], SCORED)) if region.any() else 0.0


def _level(image: Image, modality: str) -> float:
    """The value above which is body, of an image that can be searched; slices along the last axis of a volume."""
    name = image.path or "The image"
    if min(image.voxels.shape[:2]) < SMALLEST:
        shape = " x ".join(map(str, image.voxels.shape))
        raise InputError(f"{name} is too small to search ({shape}); give one of at least {SMALLEST} pixels a side.")
    try:
        level = level_of(image, modality)
        check_anatomy(image, modality)
    except InputError as error:
        raise InputError(f"{name} cannot be searched: {error}") from None
    return level
