"""Propose a hole: detect metal, signal voids, bars and burned-in text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from monai_inpaint.engines import load_engine
from monai_inpaint.errors import InputError
from monai_inpaint.fill.slice_axis import slice_axis, with_slices_last
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.morphology import connected_parts, depth
from monai_inpaint.imaging.resize import enlarged, resized
from monai_inpaint.progress import Steps
from monai_inpaint.registry import find_bundle

BUNDLE = "artifact_segmentation"
SIDE = 512  # pixels that the longer side of a slice is reduced to at most
LIKELY = 0.5  # probability from which a pixel is marked
MIN_AREA = 4  # pixels of the reduced slice: regions of no more are dropped
MARGIN = 2  # pixels of the reduced slice that regions are grown by, as the edge of an artifact is part artifact
_MULTIPLE = 32  # of rows and columns that the network takes

Run = Callable[[np.ndarray], np.ndarray]  # images (B, 1, H, W) float32 in units, to probabilities of that shape


class ArtifactDetector:
    """Proposes holes. Building it loads the network; calling it is then fast. `run` is the network itself.

    Args:
        engine: "auto", or a name of `monai_inpaint.engines.ENGINES`.

    Raises:
        InputError: no such engine, or a damaged bundle.
    """

    def __init__(self, engine: str = "auto") -> None:
        self.bundle = find_bundle(BUNDLE)
        self.run: Run = load_engine(engine, self.bundle).run

    def __call__(self, image: Image, progress: Steps | None = None) -> np.ndarray:
        """Detect artifacts: bool array of the image's shape, empty where there are none.

        Args:
            image: chest film, CT or MR, 2D or 3D; slices are searched one by one.
            progress: called with the slices done and their number.
        """
        return find_artifacts(image, self.run, progress)


def find_artifacts(image: Image, run: Run, progress: Steps | None = None) -> np.ndarray:
    """`ArtifactDetector.__call__` with any way to run the network."""
    axis = slice_axis(image)
    sliced = with_slices_last(image, axis)
    slices: list[Any] = [...] if image.voxels.ndim == 2 else [(..., k) for k in range(sliced.voxels.shape[2])]
    found = np.zeros(image.voxels.shape, bool)
    for done, index in enumerate(slices, start=1):
        pixels = np.array(displayed(sliced.units(index), sliced.affine), order="C")
        # A view of the slice as shown: what is written to it lies as the image does.
        shown = displayed(np.moveaxis(found, axis, -1)[index], sliced.affine)
        shown[:] = find_in_slice(-pixels if image.inverted else pixels, run)
        if progress:
            progress(done, len(slices))
    return found


def find_in_slice(pixels: np.ndarray, run: Run) -> np.ndarray:
    """Detect the hole in a slice as displayed: `marked_in_slice`, dilated by `MARGIN`.

    Args:
        pixels: (rows, columns) float32 in units; values that are not finite count as dark.
        run: the network.

    Returns:
        bool array of that shape.
    """
    return dilated(marked_in_slice(pixels, run))


def dilated(marked: np.ndarray) -> np.ndarray:
    """Marked pixels of a slice, and all within `MARGIN` of them."""
    return depth(~marked) <= MARGIN * _scale(marked.shape) if marked.any() else marked


def marked_in_slice(pixels: np.ndarray, run: Run) -> np.ndarray:
    """The artifacts that the network marks, without specks; as `find_in_slice`."""
    finite = np.isfinite(pixels)
    if not finite.any() or np.ptp(pixels[finite]) == 0:
        return np.zeros(pixels.shape, bool)
    pixels = np.where(finite, pixels, pixels[finite].min())
    scale = _scale(pixels.shape)
    rows, columns = (max(round(size / scale), 1) for size in pixels.shape)
    small = resized(pixels, (rows, columns))
    whole = np.pad(small, [(0, -size % _MULTIPLE) for size in small.shape], mode="symmetric")
    probability = run(whole[None, None])[0, 0, :rows, :columns]
    likely = enlarged(probability, pixels.shape) >= LIKELY
    numbers, _ = connected_parts(likely)
    large = np.bincount(numbers.ravel()) > MIN_AREA * scale**2
    large[0] = False  # what is not marked
    return large[numbers]


def check_found(found: np.ndarray, image: Image) -> None:
    """Refuse an empty proposal.

    Raises:
        InputError: nothing was found.
    """
    if not found.any():
        name = image.path or "the image"
        raise InputError(f"Nothing that looks like an artifact was found in {name}; mark the region yourself.")


def _scale(shape: tuple[int, ...]) -> float:
    """Factor by which a slice is larger than the input of the network."""
    return max(max(shape) / SIDE, 1.0)
