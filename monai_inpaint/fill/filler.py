"""Fill the hole of an image with a bundle: the entry point of Python users."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.engines import load_engine
from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch, compose, difference, in_place
from monai_inpaint.fill.report import fill_report
from monai_inpaint.fill.sampler import SAMPLERS, Draw
from monai_inpaint.fill.slices import fill_slices
from monai_inpaint.fill.uncertainty import reliability, spread_of
from monai_inpaint.imaging.grid import align_hole, check_hole
from monai_inpaint.imaging.hounsfield import check_hounsfield_units
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import Hole
from monai_inpaint.imaging.morphology import grown
from monai_inpaint.io.dicom.identity import check_hole_image
from monai_inpaint.progress import Steps, part
from monai_inpaint.registry import find_generator

MOST_SAMPLES = 1000  # of a hole; all are kept until their spread is known
_COPIED = 64 * 2**20  # bytes


@dataclass(frozen=True)
class Fill:
    """The result of a `Filler`.

    `image`, `difference` and the hashes in `report` are computed on first access, so that the cost of filling a small
    hole in a large volume depends on the hole only. Do not change a source array of more than 64 MB in place before
    that; smaller ones are copied.
    """

    _source: Image
    _hole: np.ndarray
    _patches: list[Patch]
    _facts: dict[str, Any]
    _spread: list[Patch] | None = None
    _as_array: bool = field(default=False)

    @cached_property
    def _filled(self) -> Image:
        return compose(self._source, self._patches)

    @property
    def image(self) -> Any:
        """The filled image, an Image or an array like the source, with the same geometry, shape and dtype."""
        return self._filled.voxels if self._as_array else self._filled

    @property
    def hole(self) -> np.ndarray:
        """Which voxels were filled: bool, of the image's shape."""
        return self._hole

    @cached_property
    def difference(self) -> np.ndarray:
        """Filled minus source in units (HU for CT), float32; 0 outside the hole, NaN where the source is not finite."""
        return difference(self._source, self._filled, self._patches)

    @cached_property
    def spread(self) -> np.ndarray:
        """Predicted standard deviation of the error of the best estimate, at each voxel.

        In units (HU for CT), float32 of the image's shape; 0 outside the hole. It is the standard deviation of the
        samples times the bundle's `spread_factor`, combined with `noise_factor` times the noise of the image; both
        factors were measured on validation images.

        Raises:
            InputError: no samples were asked for.
        """
        if self._spread is None:
            raise InputError("A spread needs at least 2 samples; fill with filler(..., samples=8).")
        return in_place(self._source, self._spread)

    @cached_property
    def report(self) -> dict[str, Any]:
        """Report of the fill and, with samples, the predicted error; JSON-able; see docs/formats.md.

        Raises:
            RuntimeError: a voxel outside the hole changed, which is a fault of the program.
        """
        report = fill_report(self._source, self._filled, self._hole, self._facts)
        if self._spread is None:
            return report
        bundle = self._facts["bundle"]
        report["spread"] = {"factor": bundle.spread_factor, "noise_factor": bundle.noise_factor}
        if self._facts["drawn"]["fill"] != "sample":
            report["doubt"] = reliability(self._source, self._filled, self._hole, self._spread)
        return report


class Filler:
    """Fill holes with one bundle. Construction loads the network; calls are then fast.

    Args:
        bundle: "cxr", "ct", "mr", or a bundle's name or folder.
        engine: "auto", or a name of `monai_inpaint.engines.ENGINES`.

    Raises:
        InputError: no such bundle or engine, or a damaged bundle.
    """

    def __init__(self, bundle: str | Path, engine: str = "auto") -> None:
        started = time.perf_counter()
        self.bundle = find_generator(bundle)
        self._engine = load_engine(engine, self.bundle)
        self._loading = time.perf_counter() - started

    def __call__(
        self,
        image: Image | np.ndarray,
        hole: Hole | Image | np.ndarray,
        *,
        spacing: Sequence[float] | None = None,
        progress: Steps | None = None,
        sample: bool = False,
        samples: int = 0,
        seed: int = 0,
        grow: float = 0.0,
    ) -> Fill:
        """Fill the hole with the best estimate, or with one plausible sample.

        Args:
            image: Image, or array: 2D (rows, columns) or 3D in NIfTI order (i, j, k), RAS; real numbers in
                the bundle's units (Hounsfield for CT). Slices are stacked along k, or along the axis whose spacing is
                more than 1.5 times that of both others.
            hole: the voxels to fill: boolean, or 0 and one positive value (see `label_map.hole_of`). An array of the
                image's shape, or an Image or Hole, which is reoriented or resampled to the image's grid if necessary.
            spacing: mm between voxels along each axis of an array.
            progress: called with the work done and the total work.
            sample: fill with one plausible sample, as sharp as an image, instead of the best estimate, which is smooth
                where the network is uncertain.
            samples: number of samples to draw for `Fill.spread`, 0 or at least 2; the first is that of `sample`.
            seed: seed of the samples, 0 or more; the same seed gives the same voxels.
            grow: mm by which the hole is dilated.

        Voxels outside the hole that are not finite count as unknown and are unchanged in the result.

        Raises:
            InputError: shapes or geometries do not match; the hole is empty, covers the image or a whole slice, or has
                values that are neither marks nor fractions; voxels are not real numbers; a CT is not in Hounsfield
                units; the bundle draws no samples; or `grow` is given for an image without spacing.
        """
        self._check_samples(sample, samples, seed)
        started = time.perf_counter()
        source = self._source(image, spacing)
        if isinstance(hole, Image):
            check_hole_image(hole, source)  # of holes that `read_hole` has not read
        aligned = align_hole(hole if isinstance(hole, Hole | Image) else _hole_of_array(hole, source), source)
        inside = aligned.voxels
        box = check_hole(inside, str(aligned.hole.image.path or "The hole"))
        if grow:
            inside = _grown(inside, source, grow)
            box = check_hole(inside, f"The hole grown by {grow:g} mm")
        sampler = SAMPLERS[self.bundle.capabilities.sampler]
        draws = [Draw((seed, number), sampler) for number in range(max(samples, int(sample)))]
        wanted: list[Draw | None] = [*([] if sample else [None]), *draws]
        runs = [
            fill_slices(source, inside, self._engine, part(progress, n, len(wanted)), box, draw)
            for n, draw in enumerate(wanted)
        ]
        patches, sides = runs[0]
        facts = {
            "bundle": self.bundle,
            "engine": self.engine,
            "hole": {**aligned.facts(), "grown_mm": grow},
            "hole_voxels": int(sum(np.count_nonzero(patch.hole) for patch in patches)),
            "window_sides": sides,
            "drawn": {"fill": "sample" if sample else "best estimate", "samples": len(draws), "seed": seed},
            "seconds": {"load": self._loading, "fill": time.perf_counter() - started},
        }
        spread = None
        if samples:
            drawn = [sampled for sampled, _ in runs[-samples:]]
            spread = spread_of(source, inside, drawn, self.bundle.spread_factor, self.bundle.noise_factor)
        return Fill(source, inside, patches, facts, spread, _as_array=not isinstance(image, Image))

    @property
    def engine(self) -> dict[str, str]:
        """Engine that runs the network: name, version, device and arithmetic."""
        return self._engine.describe()

    @property
    def draws_samples(self) -> bool:
        """Whether the bundle draws samples, and its graph has the channels for it."""
        return self.bundle.capabilities.samples and self._engine.channels > 2

    def _check_samples(self, sample: bool, samples: int, seed: int) -> None:
        if samples < 0 or samples == 1:
            raise InputError(f"A spread needs at least 2 samples, not {samples}.")
        if samples > MOST_SAMPLES:
            raise InputError(f"The number of samples must be at most {MOST_SAMPLES}, not {samples}.")
        if seed < 0:
            raise InputError(f"The seed {seed} is negative; give 0 or more.")
        if (sample or samples) and not self.draws_samples:
            raise InputError(f"The bundle {self.bundle.name} draws no samples; it gives its best estimate only.")

    def _source(self, image: Image | np.ndarray, spacing: Sequence[float] | None) -> Image:
        if isinstance(image, Image):
            if spacing is not None:
                raise InputError("An Image has its own spacing; give spacing with arrays only.")
            source = image
        else:
            source = _from_array(image, spacing)
        # a bundle for CT alone takes what does not say its modality for CT
        if self.bundle.modalities == ("ct",) or (source.modality == "ct" and "ct" in self.bundle.modalities):
            check_hounsfield_units(source)
        return source


def _grown(hole: np.ndarray, source: Image, mm: float) -> np.ndarray:
    if not 0 < mm < math.inf:
        raise InputError(f"The hole cannot be grown by {mm:g} mm; give a positive number.")
    if source.spacing is None:
        raise InputError(
            f"{source.path or 'The image'} has no spacing in mm, so its hole cannot be grown by {mm:g} mm."
        )
    return grown(hole, mm, source.spacing)


def _from_array(image: np.ndarray, spacing: Sequence[float] | None) -> Image:
    voxels = _kept(image, "image")
    if voxels.ndim not in (2, 3) or 0 in voxels.shape:
        raise InputError(f"The image has shape {voxels.shape}; give one 2D slice or one 3D volume.")
    if voxels.dtype.kind not in "iuf":
        raise InputError(f"The image contains {voxels.dtype}; give real numbers.")
    if spacing is None:
        # A volume is taken as RAS whatever its spacing; a picture has no physical size.
        return Image(voxels, None if voxels.ndim == 2 else np.eye(4))
    mm = np.asarray(spacing)
    if (
        mm.dtype.kind not in "iuf"
        or mm.shape not in ((voxels.ndim,), (3,))
        or not (np.isfinite(mm).all() and (mm > 1e-6).all())
    ):
        raise InputError(f"The spacing {spacing} does not fit an image of {voxels.ndim} axes; give mm for each.")
    if voxels.ndim == 2:
        rows, columns = mm[:2]
        # As shown: rows run to the feet, columns to the patient's left.
        affine = np.array([[0.0, -columns, 0, 0], [0, 0, 1, 0], [-rows, 0, 0, 0], [0, 0, 0, 1]])
        return Image(voxels, affine)
    return Image(voxels, np.diag([*mm, 1.0]))


def _hole_of_array(hole: np.ndarray, image: Image) -> Image:
    marked = _kept(hole, "hole")
    if marked.shape != image.voxels.shape:
        raise InputError(f"The hole has shape {marked.shape}, the image {image.voxels.shape}; they must agree.")
    return Image(marked, image.affine, placed=image.placed)


def _kept(array: np.ndarray, name: str) -> np.ndarray:
    """The caller's array, as a copy where that costs little: results are made later, when it may have changed."""
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(f"The {name} is a masked array; give a plain one, with the masked voxels in the hole.")
    plain = np.asarray(array)
    return plain.copy(order="K") if plain.nbytes <= _COPIED else plain
