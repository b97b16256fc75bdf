"""Simulate metal and its artifacts in a clean CT: pairs to train and to measure corrections."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from monai_inpaint.ct.scanner import Scanner, effective_energy, relative_to_water
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.axial import Axial, axial_slices
from monai_inpaint.imaging.body import body_in_slice
from monai_inpaint.imaging.hounsfield import check_hounsfield
from monai_inpaint.imaging.image import Image
from monai_inpaint.progress import Steps
from monai_inpaint.synthesis.metal.implants import KINDS, Implant, draw_implant
from monai_inpaint.synthesis.metal.scan import FINER, Cover, clean_slice, with_metal
from monai_inpaint.version import __version__

LOWEST, HIGHEST = -1024.0, 3071.0  # HU, the ends of a scanner's scale of 12 bits
_TRIES = 200
_BONE = 200.0  # HU above which hips and screws are anchored
_SOFT = (-250.0, 250.0)  # HU of tissue where fillings and clips are anchored
_HELD = 0.9  # of an implant's voxels, at least, lie in soft tissue or bone, not in lung
_DEEP = 0.4  # of the greatest depth below the skin, at least, where hips and screws are anchored without bone


@dataclass(frozen=True, eq=False)
class Simulation:
    """The result of `simulate_metal`.

    Attributes:
        artifact: the CT with metal and its artifacts, like the source in geometry and dtype.
        truth: the source with the metal at its own value and without artifacts.
        metal: uint8, 1 in every voxel that contains metal, in the source's geometry.
        facts: implant, scanner, slices and versions; JSON-able.
    """

    artifact: Image
    truth: Image
    metal: Image
    facts: dict[str, Any]


def simulate_metal(
    image: Image,
    implant: str | Sequence[str] = "random",
    seed: int = 0,
    *,
    scanner: Scanner = Scanner(),  # noqa: B008 - frozen
    progress: Steps | None = None,
) -> Simulation:
    """Put an implant, or several, into a clean CT and scan it.

    An implant is drawn with the seed and put inside the patient: hips and screws at bone or deep in the body, fillings
    and clips in soft tissue. Slices that it does not meet stay as they are. Values of the slices that it meets are
    limited to -1024 to 3071 HU, the scale of 12 bits, where they were within it; metal saturates.

    Args:
        image: a CT in HU without metal: one axial slice, or a volume, which is scanned axial slice by axial slice.
        implant: "hip", "filling", "screw", "clip", or "random" for one of these; or several of them, which do not
            overlap.
        seed: of the implant, its place and the noise: the same seed produces the same voxels.
        scanner: how it is scanned.
        progress: called with the slices done and the slices in all.

    Raises:
        InputError: not in HU, an unknown implant, no room for it in the patient, or a package is missing.
    """
    check_hounsfield(image)
    kinds = [implant] if isinstance(implant, str) else implant
    for kind in kinds:
        if kind not in (*KINDS, "random"):
            raise InputError(f"There is no implant {kind!r}; known are {', '.join(KINDS)} and random.")
    axial, rng = axial_slices(image), np.random.default_rng(seed)
    metal = np.zeros(image.voxels.shape, np.uint8)
    implants: list[Implant] = []
    covers: dict[int, list[tuple[Cover, str]]] = {}
    for kind in kinds:
        implants.append(_placed(axial, kind if kind != "random" else str(rng.choice(list(KINDS))), metal, rng))
        for number, cover in _covers(implants[-1], axial).items():
            covers.setdefault(number, []).append((cover, implants[-1].material))
            metal[axial.index(number)][cover.box] |= cover.share() > 0
    artifact, truth = image.voxels.copy(), image.voxels.copy()
    levels = {one.material: 1000.0 * (relative_to_water(one.material, scanner.kvp) - 1.0) for one in implants}
    for done, (number, met) in enumerate(sorted(covers.items())):
        if progress:
            progress(done, len(covers))
        index = axial.index(number)
        hu = image.units(index)
        held = hu.copy()
        for cover, material in met:
            held[cover.box] += cover.share() * (levels[material] - held[cover.box])
        scanned = with_metal(clean_slice(hu, axial.spacing[:2]), met, scanner, rng)
        artifact[index] = image.stored(_limited(scanned, hu), index)
        truth[index] = np.where(metal[index] > 0, image.stored(_limited(held, hu), index), image.voxels[index])
    if progress:
        progress(len(covers), len(covers))
    placed = [
        {"kind": one.kind, "material": one.material, "rods_mm": one.rods, "hu": round(levels[one.material], 1)}
        for one in implants
    ]
    facts = {
        "implant": placed[0] if isinstance(implant, str) else placed,
        "seed": seed,
        "scanner": asdict(scanner) | {"effective_kev": round(effective_energy(scanner.kvp), 2)},
        "slices": {"axis": axial.axis, "numbers": sorted(covers)},
        "metal_voxels": int(np.count_nonzero(metal)),
        "scale_hu": [LOWEST, HIGHEST],
        "versions": {"monai_inpaint": __version__},
    }
    label = image.map_of(metal)
    return Simulation(image.with_voxels(artifact), image.with_voxels(truth), label, facts)


def _limited(values: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Clip to a scanner's scale; padding below it, which marks unmeasured voxels, is kept."""
    return np.where(source < LOWEST, source, np.clip(values, LOWEST, HIGHEST))


def _placed(axial: Axial, kind: str, taken: np.ndarray, rng: np.random.Generator) -> Implant:
    """An implant of that kind wholly within the patient, and not where metal is already (`taken`).

    Raises:
        InputError: there is no patient, or not enough room.
    """
    bodies: dict[int, np.ndarray] = {}

    def body(number: int) -> np.ndarray:
        if number not in bodies:
            hu = np.nan_to_num(axial.image.units(axial.index(number)), nan=LOWEST)
            bodies[number] = body_in_slice(hu, axial.spacing[:2])
        return bodies[number]

    for _ in range(_TRIES):
        implant = draw_implant(kind, rng)
        number = int(rng.integers(axial.count))
        anchors = _anchors(axial, number, body(number), kind)
        if not len(anchors):
            continue
        a, b, _, _ = implant.rods[rng.integers(len(implant.rods))]
        seen = np.add(a, rng.random() * np.subtract(b, a))
        across = 0.0 if axial.axis is None or axial.count == 1 else number * axial.spacing[2]
        place = anchors[rng.integers(len(anchors))] * axial.spacing[:2]
        implant = implant.moved([float(x) for x in np.append(place, across) - seen])
        met = _covers(implant, axial)
        if met and _inside(implant, axial):
            if any((taken[axial.index(n)][c.box] * c.share()).any() for n, c in met.items()):
                continue
            inside = np.concatenate([body(n)[c.box][c.share() > 0] for n, c in met.items()])
            tissue = np.concatenate([_tissue(axial, n)[c.box][c.share() > 0] for n, c in met.items()])
            if inside.all() and tissue.mean() >= _HELD:
                return implant
    name = axial.image.path or "The image"
    raise InputError(f"{name} has no room for the implant {kind!r} inside the patient; try another one or more slices.")


def _anchors(axial: Axial, number: int, body: np.ndarray, kind: str) -> np.ndarray:
    """Pixels where an implant of that kind may be, (pixels, 2)."""
    from scipy.ndimage import distance_transform_edt

    if not body.any():
        return np.zeros((0, 2), int)
    depth: Any = distance_transform_edt(np.pad(body, 1), sampling=axial.spacing[:2])
    depth, hu = depth[1:-1, 1:-1], axial.image.units(axial.index(number))
    if kind in ("filling", "clip"):
        return np.argwhere((depth > 5.0) & (hu > _SOFT[0]) & (hu < _SOFT[1]))
    bone = np.argwhere((depth > 5.0) & (hu > _BONE))
    return bone if len(bone) else np.argwhere(depth > _DEEP * depth.max())


def _tissue(axial: Axial, number: int) -> np.ndarray:
    """Voxels of a slice that are neither air nor lung."""
    return axial.image.units(axial.index(number)) > _SOFT[0]


def _inside(implant: Implant, axial: Axial) -> bool:
    """Whether it is within the slices' edges; it may leave a volume at its first and last slice."""
    low, high = implant.ends()
    size = np.asarray(axial.stored().shape[:2]) * axial.spacing[:2]
    return bool((low[:2] > 0).all() and (high[:2] < size).all())


def _covers(implant: Implant, axial: Axial) -> dict[int, Cover]:
    """The cross-sections of the implant, by slice."""
    return {number: cover for number in range(axial.count) if (cover := _cover(implant, axial, number)) is not None}


def _cover(implant: Implant, axial: Axial, number: int) -> Cover | None:
    """The cross-section of the implant in a slice; None if it does not meet it."""
    across = 0.0 if axial.count == 1 else number * axial.spacing[2]
    low, high = implant.ends()
    if not low[2] <= across <= high[2]:
        return None
    edges = zip(low[:2], high[:2], axial.spacing[:2], axial.stored().shape[:2], strict=True)
    box = [slice(max(0, int(a / mm) - 1), min(size, int(b / mm) + 2)) for a, b, mm, size in edges]
    if any(part.start >= part.stop for part in box):
        return None
    down, right = (
        (np.arange(FINER * part.start, FINER * part.stop) / FINER + 0.5 / FINER - 0.5) * mm
        for part, mm in zip(box, axial.spacing[:2], strict=True)
    )
    fine = implant.holds(down[:, None], right, across)
    return Cover((box[0], box[1]), fine) if fine.any() else None
