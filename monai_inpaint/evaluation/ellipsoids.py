"""Ellipsoidal holes in volumes, measured in millimetres and placed in the body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.image_region import ImageRegion, MarkedRegion, body_of, check_anatomy, level_of
from monai_inpaint.imaging.image import Image

DIAMETERS = (20.0, 35.0)  # mm, the geometric mean of the three axes
EACH = 2  # holes of each size in a volume
LONGEST = 4 / 3  # axis over mean diameter; the shortest is the inverse
INSIDE = 0.98  # part of a hole that must lie in the body
DRAWS = 100
MARGIN = 48.0  # mm kept around the hole
KEPT = 64  # voxels kept in plane at least, where the volume has them
FEWEST_VOXELS, FEWEST_SLICES = 48, 8  # of a volume, in plane and through it


def random_ellipsoid(rng: np.random.Generator, diameter: float) -> dict[str, Any]:
    """Axes and orientation of an ellipsoid; all orientations are equally likely.

    Returns:
        {"axes": three diameters in mm, each 0.75 to 1.33 of their geometric mean, which is `diameter`, "quaternion":
        the rotation, not normalised}, for `draw_ellipsoid`.
    """
    # Without its mean the largest of three numbers is longer by a third at most.
    logs = rng.uniform(-0.75, 0.75, 3) * np.log(LONGEST)
    return {"axes": (diameter * np.exp(logs - logs.mean())).tolist(), "quaternion": rng.normal(size=4).tolist()}


def draw_ellipsoid(spacing: Sequence[float], *, axes: Sequence[float], quaternion: Sequence[float]) -> np.ndarray:
    """Draw the ellipsoid in its bounding box on a grid with that spacing (mm): bool array of odd sides, centred."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_quat(quaternion).as_matrix()
    form = turn @ np.diag(np.square(axes) / 4) @ turn.T
    reach = np.floor(np.sqrt(np.diag(form)) / spacing).astype(int)
    steps = [step * np.arange(-n, n + 1) for n, step in zip(reach, spacing, strict=True)]
    points = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
    return np.einsum("...a,ab,...b->...", points, np.linalg.inv(form), points) <= 1


def cut_ellipsoids(
    image: Image,
    lesion: np.ndarray | None,  # noqa: ARG001  as all protocols
    modality: str,
    rng: np.random.Generator,
) -> Iterator[MarkedRegion | str]:
    """Parts of a volume at its own spacing, each with one hole; a sentence where a size was not to be placed.

    Raises:
        InputError: the image is not a volume that the protocol can use.
    """
    spacing, affine = _geometry(image)
    check_anatomy(image, modality)
    level = level_of(image, modality)

    @cache
    def body(k: int) -> np.ndarray:
        return body_of(image.units((slice(None), slice(None), k)), modality, level)

    for diameter in DIAMETERS:
        for number in range(1, EACH + 1):
            place = _place(image.voxels.shape, spacing, body, rng, diameter)
            if place is None:
                yield f"{DRAWS} ellipsoids of {diameter:g} mm were drawn, and none lay in the body."
                break
            centre, shape = place
            box = _kept(centre, shape.shape, image.voxels.shape, spacing)
            values = image.units(box)
            if not np.isfinite(values).all():
                yield f"around ellipsoid {number} of {diameter:g} mm it contains NaN or infinite values."
                continue
            start = np.array([side.start for side in box])
            hole = np.zeros(values.shape, bool)
            hole[_centred(centre - start, shape.shape)] = shape
            moved = affine.copy()
            moved[:3, 3] += affine[:3, :3] @ start
            where = "@" + "-".join(map(str, centre)) + f"#{number}"
            yield ImageRegion(values, None, None, spacing, False, moved), hole, f"{diameter:g} mm", where


def _geometry(image: Image) -> tuple[tuple[float, ...], np.ndarray]:
    """Spacing and affine of a volume that the protocol can use."""
    shape = image.voxels.shape
    if len(shape) < 3 or shape[2] < FEWEST_SLICES:
        raise InputError(
            f"{shape[2] if len(shape) > 2 else 1} slices, and the protocol needs at least {FEWEST_SLICES}."
        )
    if min(shape[:2]) < FEWEST_VOXELS:
        raise InputError(f"{shape[0]}x{shape[1]} voxels, and the protocol needs at least {FEWEST_VOXELS} a side.")
    if image.spacing is None or image.affine is None:
        raise InputError("its file states no spacing, and the protocol measures in millimetres.")
    if image.inverted:
        raise InputError("it is inverted (low values are bright), which no protocol in 3D supports.")
    return image.spacing, image.affine


def _place(
    shape: Sequence[int],
    spacing: Sequence[float],
    body: Callable[[int], np.ndarray],
    rng: np.random.Generator,
    diameter: float,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre (voxel) and form of the first drawn ellipsoid in the body; None after a few failures.

    `body(k)` is asked only for slices that an ellipsoid meets: cost follows the holes, not the volume.
    """
    for _ in range(DRAWS):
        form = draw_ellipsoid(spacing, **random_ellipsoid(rng, diameter))
        low = np.array(form.shape) // 2
        high = np.array(shape) - low  # exclusive
        if (low >= high).any():
            continue
        k = int(rng.integers(low[2], high[2]))
        places = np.argwhere(body(k)[low[0] : high[0], low[1] : high[1]])
        if not len(places):
            continue
        centre = np.array([*(low[:2] + rng.choice(places)), k])
        rows, columns, slices = _centred(centre, form.shape)
        around = np.stack([body(n)[rows, columns] for n in range(slices.start, slices.stop)], axis=2)
        if around[form].mean() >= INSIDE:
            return centre, form
    return None


def _centred(centre: np.ndarray, shape: Sequence[int]) -> tuple[slice, ...]:
    """The box of that shape, of odd sides, around a voxel."""
    return tuple(slice(int(c) - n // 2, int(c) + n // 2 + 1) for c, n in zip(centre, shape, strict=True))


def _kept(centre: np.ndarray, hole: Sequence[int], shape: Sequence[int], spacing: Sequence[float]) -> tuple[slice, ...]:
    """The part of the volume around a hole that its case keeps: moved inwards at the volume's border, not cut off."""
    box = []
    for axis, (middle, length, size, step) in enumerate(zip(centre, hole, shape, spacing, strict=True)):
        wanted = length + 2 * int(np.ceil(MARGIN / step))
        kept = min(max(wanted, KEPT) if axis < 2 else wanted, size)
        start = int(np.clip(middle - kept // 2, 0, size - kept))
        box.append(slice(start, start + kept))
    return tuple(box)
