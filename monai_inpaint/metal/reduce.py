"""Reduce the metal artifacts of an image, and report what changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch, compose, untouched_hash
from monai_inpaint.fill.report import image_head, peak_memory_mb
from monai_inpaint.imaging.axial import axial_slices
from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.imaging.hounsfield import looks_like_hounsfield
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import Hole
from monai_inpaint.metal.by_inpainting import enclosed, slices_with
from monai_inpaint.metal.detect_ct import Found, find_metal
from monai_inpaint.metal.detect_mr import find_voids
from monai_inpaint.metal.implant_value import ImplantValue, implant_value
from monai_inpaint.metal.methods import METHODS, choose
from monai_inpaint.metal.network_prior import Run
from monai_inpaint.metal.quality_check import changes, streaks, verdict
from monai_inpaint.metal.task import Task
from monai_inpaint.progress import Steps

KEEP, FILL = "keep", "fill"


@dataclass(frozen=True, eq=False)
class Reduced:
    """The result of `reduce_metal`.

    Attributes:
        image: like the source: same geometry, dtype and encoding.
        metal, affected: bool, of the image's shape.
        hole: bool, of the image's shape: the voxels that were filled or assigned; of methods that work on the
            projections, and change voxels all over, those that changed.
        report: findings, method and changes; JSON-able; see docs/formats.md.
    """

    image: Image
    metal: np.ndarray
    affected: np.ndarray
    hole: np.ndarray
    report: dict[str, Any]


def modality_of(image: Image) -> str:
    """ "ct" or "mr": what the image says, or for one that says nothing, whether its values look like HU.

    Raises:
        InputError: a film, or an image that is neither.
    """
    if image.modality in ("ct", "mr"):
        return image.modality
    name = image.path or "The image"
    if image.modality is not None:
        raise InputError(f"{name} is a {image.modality.upper()}; metal is found in CT and MR.")
    if looks_like_hounsfield(image):
        return "ct"
    raise InputError(f"{name} does not state its modality; name a bundle: --bundle ct or mr.")


def find(image: Image, threshold: float | None = None, progress: Steps | None = None) -> Found:
    """`find_metal` for a CT, `find_voids` for an MR."""
    if modality_of(image) == "ct":
        return find_metal(image, threshold, progress)
    if threshold is not None:
        raise InputError("A threshold is in Hounsfield units, and an MR has none; leave it out.")
    return find_voids(image, progress)


def reduce_metal(
    image: Image,
    method: str | None = None,
    metal: str = KEEP,
    threshold: float | None = None,
    region: Hole | Image | np.ndarray | None = None,
    *,
    metal_hu: float | str | None = None,
    found: Found | None = None,
    bundle: str | Path | None = None,
    engine: str = "auto",
    run: Run | None = None,
    progress: Steps | None = None,
) -> Reduced:
    """Reduce metal artifacts in a CT, or fill the signal voids of metal in an MR.

    Args:
        image: CT in HU, or MR.
        method: one of `METHODS`; None leaves it to `choose`.
        metal: "keep": the voxels of the metal stay bit for bit; "fill": they are replaced with tissue. Voids in MR are
            always filled.
        threshold: HU from which all voxels in the patient count as metal; None: each piece is classified, see
            `find_metal`.
        region: the voxels that may change (see `label_map.hole_of`): an array of the image's shape, an Image or a
            Hole; None: all.
        metal_hu: HU that the metal's voxels get in the corrected CT, or a material in `IMPLANT_HU`; None: their own.
        found: the metal, if it is already known.
        bundle: the network that fills or corrects, see `choose`.
        engine: that runs it, see `Filler`.
        run: the network of the method "network", in place of a bundle's.
        progress: called with the work done and the total work.

    Slices without metal are not computed and stay bit for bit. If no metal is found, nothing changes.

    Raises:
        InputError: the image is neither a CT in HU nor an MR, the method is unknown, the region does not fit, or the
            image cannot store the metal's value.
    """
    started = time.perf_counter()
    modality = modality_of(image)
    name, model = choose(modality, method, bundle)
    if metal not in (KEEP, FILL):
        raise InputError(f"metal must be keep or fill, not {metal!r}.")
    assigned = assigned_value(image, metal_hu, metal)
    found = found or find(image, threshold)
    finding = time.perf_counter() - started
    axial = axial_slices(image)
    allowed, limits = _allowed(region, image)
    keep = enclosed(axial, found.metal) if metal == KEEP and modality == "ct" else np.zeros_like(found.metal)
    touched = np.zeros_like(found.metal)
    reduced, facts = image, {}
    if (found.metal & allowed).any():
        task = Task(image, axial, found, allowed, model, engine, progress, run)
        correction = METHODS[name](task)
        facts = correction.facts
        # One place for all methods: whatever they compute, metal that is kept and what may not change stay as they are.
        patches = [replace(patch, hole=patch.hole & ~keep[patch.index] & allowed[patch.index])
                   for patch in correction.patches]  # fmt: skip
        reduced = compose(image, patches)
        _mark(touched, patches)
    corrected = reduced
    if assigned:
        implant = found.metal & allowed
        patches = [Patch(index, implant[index], np.full(implant[index].shape, assigned.hu, np.float32))
                   for index in slices_with(axial, implant)]  # fmt: skip
        reduced = compose(corrected, patches)
        _mark(touched, patches)
    before, after = untouched_hash(image.voxels, touched), untouched_hash(reduced.voxels, touched)
    if before != after:
        raise RuntimeError(
            "Voxels that must not change differ: an array was changed in place, or the program has a fault."
        )
    report = {
        **image_head(image),
        "method": name,
        "metal": metal if modality == "ct" else FILL,
        **({"metal_hu": assigned.facts()} if assigned else {}),
        "found": found.report(),
        **({"region": limits} if limits else {}),
        **facts,
        "changed": changes(axial, corrected, touched, found.affected),
        "untouched": {"algorithm": "sha256", "before": before, "after": after},
        "seconds": {"find": round(finding, 4), "reduce": round(time.perf_counter() - started - finding, 4)},
        "peak_memory_mb": peak_memory_mb(),
    }
    if modality == "ct" and found.metal.any():
        report["streaks"] = streaks(axial, corrected, found)
        report["verdict"] = verdict(report["streaks"])
    if name != "inpaint":
        touched &= reduced.voxels != image.voxels
    return Reduced(reduced, found.metal, found.affected, touched, report)


def assigned_value(image: Image, given: float | str | None, metal: str) -> ImplantValue | None:
    """Return the value that the metal's voxels get; None where they keep their own.

    Raises:
        InputError: the image is an MR, the metal is to be filled, or the value is none that the image can store.
    """
    if given is None:
        return None
    if modality_of(image) != "ct":
        raise InputError("The value of the metal is in Hounsfield units, and an MR has none; leave it out.")
    if metal == FILL:
        raise InputError("Metal that is replaced with tissue gets no value; choose metal keep, or leave out its value.")
    return implant_value(given, image)


def _allowed(region: Hole | Image | np.ndarray | None, image: Image) -> tuple[np.ndarray, dict[str, Any]]:
    """Region that may change, bool, of the image's shape; and its placement on the image's grid, for the report."""
    if region is None:
        return np.ones(image.voxels.shape, bool), {}
    if not isinstance(region, Hole | Image):
        region = np.asarray(region)
        if region.shape != image.voxels.shape:
            raise InputError(f"The region has shape {region.shape}, the image {image.voxels.shape}; they must agree.")
        region = Image(region, image.affine, placed=image.placed)
    aligned = align_hole(region, image)
    if not aligned.voxels.any():
        raise InputError("The region marks no voxel: nothing could change; mark what may change with 1.")
    return aligned.voxels, aligned.facts()


def _mark(touched: np.ndarray, patches: list[Patch]) -> None:
    for patch in patches:
        touched[patch.index] |= patch.hole
