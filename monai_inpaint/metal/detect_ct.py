"""Detect metal in CT: its pieces, its extent, and the region around it whose values are unreliable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monai_inpaint.imaging.axial import Axial, axial_slices
from monai_inpaint.imaging.body import body_in_slice, cut_by_the_field_of_view, with_gaps
from monai_inpaint.imaging.hounsfield import Scale, check_hounsfield, scale_of
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.candidates import EXTENDED, SEED, bright_pieces, grown_piece, is_metal
from monai_inpaint.metal.streak_region import affected_in_slice
from monai_inpaint.progress import Steps

CUT_IN_BONE = 1200.0  # HU from which a pile-up of values may be metal that was cut there


@dataclass(frozen=True)
class MetalPiece:
    """One piece of metal.

    Attributes:
        mm3: its volume; None for a single slice, which has an area only.
        mm2: its area in a single slice; None for a volume.
        highest: its largest value, in HU for CT.
        slices: its first and last slice.
        centre: indices in the image's array.
        certainty: "found", or "perhaps": offered, not filled by itself.
    """

    mm3: float | None
    mm2: float | None
    highest: float
    slices: tuple[int, int]
    centre: tuple[float, ...]
    certainty: str = "found"


@dataclass(frozen=True, eq=False)
class Found:
    """Metal in an image.

    Attributes:
        metal: bool, of the image's shape.
        affected: bool, of the image's shape: around the metal, where values are unreliable; without the metal itself.
        pieces: the largest first.
        threshold: lowest HU of candidate voxels; None for MR.
        saturated: the image's scale ends below what metal has.
        warnings: sentences for the user of the result.
        perhaps: bool, of the image's shape: voids of an MR that may be metal or not; nothing for CT.
    """

    metal: np.ndarray
    affected: np.ndarray
    pieces: list[MetalPiece]
    threshold: float | None
    saturated: bool
    warnings: list[str]
    perhaps: np.ndarray = field(repr=False)

    @classmethod
    def known(cls, metal: np.ndarray) -> Found:
        """Return metal at a known place: bool, of the image's shape."""
        nothing = np.zeros_like(metal)
        return cls(metal, nothing, [], None, False, [], nothing)

    def report(self) -> dict[str, Any]:
        """The findings; JSON-able; see docs/formats.md."""
        return {
            "threshold_hu": self.threshold,
            "saturated": self.saturated,
            "pieces": [
                {
                    "certainty": piece.certainty,
                    "mm3": None if piece.mm3 is None else round(piece.mm3, 2),
                    "mm2": None if piece.mm2 is None else round(piece.mm2, 2),
                    "highest": round(piece.highest, 2),
                    "slices": list(piece.slices),
                    "centre": [round(place, 1) for place in piece.centre],
                }
                for piece in self.pieces
            ],
            "metal_voxels": int(np.count_nonzero(self.metal)),
            "affected_voxels": int(np.count_nonzero(self.affected)),
            "warnings": self.warnings,
        }


def find_metal(image: Image, threshold: float | None = None, progress: Steps | None = None) -> Found:
    """Find metal inside the patient, and the streaks and shadows around it.

    Without `threshold`, pieces that reach 2500 HU are tested: metal falls off at its edge within the scanner's blur and
    is at full brightness inside, contrast agent, enamel and dense bone are not. Only slices with bright pieces cost.

    Args:
        image: a CT in HU, 2D (one axial slice) or 3D in any order of its axes.
        threshold: HU; then everything in the patient from there on is metal, untested.
        progress: called with slices searched for streaks and their number.

    Raises:
        InputError: the image is not in HU.
    """
    check_hounsfield(image)
    scale, axial = scale_of(image), axial_slices(image)
    spacing = (axial.spacing[0], axial.spacing[1])
    bodies: dict[int, np.ndarray] = {}

    def body(number: int) -> np.ndarray:
        if number not in bodies:
            bodies[number] = body_in_slice(_plane(axial, number), spacing)
        return bodies[number]

    metal, affected = (np.zeros(image.voxels.shape, bool) for _ in range(2))
    solid_metal, solid_affected = axial.solid(metal), axial.solid(affected)
    pieces: list[MetalPiece] = []
    outside: list[np.ndarray] = []
    other: list[np.ndarray] = []
    # On an extended scale the brightest pieces come first: at lower values teeth join the metal in them.
    levels = [EXTENDED] if threshold is None and scale.highest >= EXTENDED else []
    for level in [*levels, SEED if threshold is None else threshold]:
        outside, other = [], []
        for places in bright_pieces(axial, level):
            if solid_metal[tuple(places.T)].any():
                continue  # around a brighter piece that was metal
            if np.mean([body(int(k))[i, j] for i, j, k in places]) < 0.5:
                outside.append(places)
            elif threshold is not None:
                solid_metal[tuple(places.T)] = True
                pieces.append(_piece(axial, places))
            elif is_metal(axial, places, scale):
                box, extent = grown_piece(axial, places)
                pieces.append(_piece(axial, np.argwhere(extent) + [part.start for part in box]))
                solid_metal[box] |= extent
            else:
                other.append(places)
    slices = np.flatnonzero(solid_metal.any(axis=(0, 1)))
    cut = False
    for done, number in enumerate(map(int, slices), start=1):
        plane = _plane(axial, number)
        cut |= cut_by_the_field_of_view(plane, body(number))
        solid_affected[..., number] = affected_in_slice(
            plane, solid_metal[..., number], with_gaps(body(number), spacing), spacing
        )
        if progress:
            progress(done, len(slices))
    return Found(
        metal,
        affected,
        sorted(pieces, key=lambda piece: -(piece.mm3 or piece.mm2 or 0.0)),
        SEED if threshold is None else float(threshold),
        scale.saturated,
        _warnings(axial, scale, bool(pieces), cut, outside, other),
        np.zeros(image.voxels.shape, bool),
    )


def _plane(axial: Axial, number: int) -> np.ndarray:
    """A slice in HU; NaN counts as air."""
    return np.nan_to_num(axial.image.units(axial.index(number)), nan=-1000.0, posinf=-1000.0, neginf=-1000.0)


def _piece(axial: Axial, places: np.ndarray) -> MetalPiece:
    """Describe voxels (count, 3) of (axis, axis, slice) for the report."""
    low, high = places.min(axis=0), places.max(axis=0) + 1
    units = axial.units([slice(int(a), int(b)) for a, b in zip(low, high, strict=True)])
    centre = [float(place) for place in places.mean(axis=0)]
    if axial.axis is not None:
        centre.insert(axial.axis, centre.pop())
    else:
        centre.pop()
    area = len(places) * axial.spacing[0] * axial.spacing[1]
    return MetalPiece(
        area * axial.spacing[2] if np.isfinite(axial.spacing[2]) else None,
        None if np.isfinite(axial.spacing[2]) else area,
        float(units[tuple((places - low).T)].max()),
        (int(low[2]), int(high[2]) - 1),
        tuple(centre),
    )


def _warnings(
    axial: Axial,
    scale: Scale,
    metal: bool,
    cut: bool,
    outside: list[np.ndarray],
    other: list[np.ndarray],
) -> list[str]:
    saturated, highest = scale.saturated, scale.highest
    warnings: list[str] = []
    if saturated and CUT_IN_BONE < highest < SEED:
        warnings.append(
            f"Values are clipped at {highest:.0f} HU, where metal and bone look alike; set a threshold to mark it."
        )
    elif saturated and metal:
        warnings.append(f"Values are cut at {highest:.0f} HU: the metal's own values are not known.")
    if cut:
        warnings.append("The field of view cuts the patient: corrections by projection are less sure.")
    if outside:
        warnings.append(f"{_count(outside)} outside the patient (table, cables) {_were(outside)} left out.")
    if other:
        peak = max(axial.image.units(_at(axial, places)).max() for places in other)
        warnings.append(
            f"{_count(other)} up to {peak:.0f} HU {_were(other)} taken for contrast agent, teeth or dense bone."
        )
    return warnings


def _at(axial: Axial, places: np.ndarray) -> tuple[Any, ...]:
    columns = list(places.T)
    if axial.axis is None:
        return tuple(columns[:2])
    columns.insert(axial.axis, columns.pop())
    return tuple(columns)


def _count(groups: list[np.ndarray]) -> str:
    return f"{len(groups)} bright piece{'s' if len(groups) > 1 else ''}"


def _were(groups: list[np.ndarray]) -> str:
    return "were" if len(groups) > 1 else "was"
