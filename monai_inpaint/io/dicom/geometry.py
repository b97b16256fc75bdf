"""Geometry of DICOM planes, stacked to a regular volume. Patient coordinates: LPS in, RAS out, mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_MAX_TILT = 3.5e-3  # in-plane shift per mm along the normal, 0.2 degrees
_ROUNDING = 0.06  # mm; positions are often written with one decimal


@dataclass(frozen=True)
class Plane:
    """One image plane in LPS mm: `across` is a step to the next column, `down` one to the next row."""

    origin: np.ndarray
    across: np.ndarray
    down: np.ndarray
    thickness: float

    @property
    def normal(self) -> np.ndarray:
        normal = np.cross(self.across, self.down)
        return normal / np.linalg.norm(normal)


def plane_of(dataset: Dataset, position: Dataset | None = None, orientation: Dataset | None = None) -> Plane | None:
    """Return the plane of a data set (or of the given macro items); None if it is missing or invalid."""
    origin = (position or dataset).get("ImagePositionPatient")
    cosines = (orientation or dataset).get("ImageOrientationPatient")
    spacing = dataset.get("PixelSpacing")
    if not origin or not cosines or not spacing or (len(origin), len(cosines), len(spacing)) != (3, 6, 2):
        return None
    row, column = np.array(cosines[:3], float), np.array(cosines[3:], float)
    between_rows, between_columns = float(spacing[0]), float(spacing[1])
    if not np.linalg.norm(np.cross(row, column)) > 1e-3 or not min(between_rows, between_columns) > 0:
        return None
    thickness = dataset.get("SpacingBetweenSlices") or dataset.get("SliceThickness") or 1.0
    return Plane(np.array(origin, float), row * between_columns, column * between_rows, abs(float(thickness)) or 1.0)


def plane_of_frame(group: Dataset, shared: Dataset) -> Plane | None:
    """Return the plane of a frame, from its functional groups or those of all frames; None where it is missing."""
    keywords = ("PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence")
    measures, position, orientation = (macro_of(keyword, group, shared) for keyword in keywords)
    return plane_of(measures, position, orientation) if measures and position and orientation else None


def macro_of(keyword: str, group: Dataset, shared: Dataset) -> Dataset | None:
    """Return the item of a functional group: the frame's own, else that of all frames."""
    items = group.get(keyword) or shared.get(keyword)
    return items[0] if items else None


def plane_affine(plane: Plane) -> np.ndarray:
    """(4, 4) of a 2D array (rows, columns): axis 0 goes down, axis 1 across, axis 2 along the normal."""
    return _affine(plane.down, plane.across, plane.normal * plane.thickness, plane.origin)


def film_affine(dataset: Dataset) -> np.ndarray | None:
    """(4, 4) of a film without orientation, taken as erect and frontal: rows go down, columns to the patient's left."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = dataset.get(keyword)
        if spacing and len(spacing) == 2 and min(map(float, spacing)) > 0:
            down, left = np.array([0, 0, -float(spacing[0])]), np.array([float(spacing[1]), 0, 0])
            return _affine(down, left, np.array([0.0, -1.0, 0.0]), np.zeros(3))
    return None


def stack_planes(source: Path, planes: Sequence[tuple[Path | str, Plane | None]]) -> tuple[list[int], np.ndarray]:
    """Sort planes along their normal and check that they make a regular volume.

    Args:
        source: what to name in errors.
        planes: name and plane of each slice.

    Returns:
        the order of the slices, and the (4, 4) affine of (i across, j down, k) in RAS mm.

    Raises:
        InputError: no position, other orientation or pixel size, duplicates, gaps, uneven spacing, gantry tilt.
    """
    placed: list[tuple[Path | str, Plane]] = []
    for name, plane in planes:
        if plane is None:
            raise InputError(f"{name} has no position, orientation or pixel spacing; give a single image instead.")
        placed.append((name, plane))
    first_name, first = placed[0]
    for name, plane in placed:
        steps = np.concatenate([plane.across - first.across, plane.down - first.down])
        if np.abs(steps).max() > 1e-3 * np.linalg.norm(first.across):
            raise InputError(
                f"{source} does not stack: {_name(name)} has another orientation or pixel spacing than "
                f"{_name(first_name)}; give slices that are parallel and alike."
            )
    origins = np.array([plane.origin for _, plane in placed])
    depth = origins @ first.normal
    order = np.argsort(depth, kind="stable").tolist()
    origins, depth = origins[order], depth[order]
    names = [_name(planes[n][0]) for n in order]
    if len(order) == 1:
        return order, _affine(first.across, first.down, first.normal * first.thickness, origins[0])
    _check_even(source, depth, names)
    step = (origins[-1] - origins[0]) / (len(order) - 1)
    along = float(step @ first.normal)
    if np.linalg.norm(step - along * first.normal) > _MAX_TILT * along:
        raise InputError(
            f"{source} is not stacked along the slice normal (gantry tilt); resample it to an upright volume first."
        )
    straight = origins[0] + np.arange(len(order))[:, None] * step
    if np.abs(origins - straight).max() > max(_ROUNDING, 0.25 * np.linalg.norm(first.across)):
        raise InputError(f"{source} has slices that lie beside each other, not behind each other; give one stack.")
    return order, _affine(first.across, first.down, step, origins[0])


def _check_even(source: Path, depth: np.ndarray, names: list[str]) -> None:
    gaps = np.diff(depth)
    typical = float(np.median(gaps))
    at = int(np.argmin(gaps))
    if gaps[at] < max(0.01 * typical, 1e-4):
        raise InputError(
            f"{source} has two slices at one position ({names[at]} and {names[at + 1]}); "
            "give one time, echo or reconstruction."
        )
    # against a straight line, so that rounding of single positions does not count as uneven
    number = np.arange(len(depth))
    off = np.abs(depth - np.polyval(np.polyfit(number, depth, 1), number)).max()
    at = int(np.argmax(gaps))
    tolerance = min(_ROUNDING, 0.15 * typical)
    if off <= tolerance and gaps[at] < 1.5 * typical:
        return
    smallest = float(gaps.min())
    steps = gaps / smallest
    if gaps[at] > 1.5 * smallest and np.abs(steps - np.rint(steps)).max() * smallest <= 2 * _ROUNDING:
        missing = int(np.rint(steps - 1).sum())
        raise InputError(
            f"{source} lacks {missing} slices, the first between {names[int(np.argmax(steps > 1.5))]} and "
            f"{names[int(np.argmax(steps > 1.5)) + 1]}; give the whole series."
        )
    raise InputError(
        f"{source} has uneven slice spacing, from {smallest:.4g} to {gaps[at]:.4g} mm; resample it evenly first."
    )


def _affine(axis0: np.ndarray, axis1: np.ndarray, axis2: np.ndarray, origin: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3] = np.stack([axis0, axis1, axis2, origin], axis=1) * LPS_TO_RAS[:, None]
    return affine


def _name(name: Path | str) -> str:
    return name.name if isinstance(name, Path) else name
