"""Metal artifacts taken out in the projections of one CT slice: the rays through the metal are replaced.

The scanner's own projections are not needed; those of the slice take their place. What no ray measured is not
recovered: behind much metal both methods guess.
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.metal.projection import ParallelBeam, parallel_beam, project, reconstruct

_AIR = 0.05  # of water; what is thinner around the patient is noise
_AIR_BELOW, _BONE_ABOVE = -500.0, 400.0  # HU, of the prior; lower, streaks that LI leaves look like bone
_SMOOTH = 2.5  # mm, standard deviation, before the prior's tissues are told apart
_EVEN = 8.0  # mm, standard deviation, over which lung and air are averaged
_THIN = 0.02  # of the longest path through the prior, below which a ray is not normalised


def li(
    slice_hu: np.ndarray,
    metal: np.ndarray,
    spacing: Sequence[float],
    *,
    beam: ParallelBeam | None = None,
    keep_metal: bool = True,
) -> np.ndarray:
    """Interpolate linearly over the metal's trace (Kalender, Hebel, Ebersberger 1987, Radiology 164, 576-577).

    Only the difference between the interpolated and the measured sinogram is reconstructed, and added to the slice: its
    noise, sharpness and all that other rays made stay. The metal's body itself is replaced by water before, which
    changes nothing but rays that are interpolated anyway, so that its edges need no back-projection.

    Args:
        slice_hu: (rows, columns), HU.
        metal: (rows, columns), nonzero where metal is. Metal that it leaves out stays, and its streaks with it.
        spacing: mm between rows and between columns.
        beam: rays to project along; `parallel_beam` of the slice if None.
        keep_metal: the metal's own values come back; else the tissue that the other rays suggest.

    Returns:
        (rows, columns) float32, HU. Without metal the slice, bit for bit.

    Raises:
        InputError: pixels are not square, or ASTRA is not installed.
    """
    return _corrected(slice_hu, metal, spacing, beam, keep_metal, _linear)


def nmar(
    slice_hu: np.ndarray,
    metal: np.ndarray,
    spacing: Sequence[float],
    *,
    beam: ParallelBeam | None = None,
    keep_metal: bool = True,
) -> np.ndarray:
    """Interpolate the projections divided by those of a prior (Meyer et al. 2010, Medical Physics 37, 5482-5493).

    The prior is made of the result of `li`, see `prior_of`. Divided by the prior's, projections are flat where they are
    of tissue, so that interpolation over the trace brings bone and air back as the prior has them.

    Args, returns, raises: as `li`.
    """
    return _corrected(slice_hu, metal, spacing, beam, keep_metal, _normalised)


def prior_of(hu: np.ndarray, metal: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Air, lung, soft tissue and bone of a slice whose artifacts are reduced already, as multiples of water; float32.

    Soft tissue is water, bone has its own values. Air has the average of the air around: so lung, which Meyer et al.
    take for air, is what it is there, and streaks in it are gone.

    Args:
        hu: (rows, columns), HU.
        metal: bool; counts as soft tissue.
        spacing: mm between rows and between columns.
    """
    from scipy.ndimage import gaussian_filter

    values = np.nan_to_num(hu, nan=-1000.0)
    smooth: Any = gaussian_filter(values, [_SMOOTH / mm for mm in spacing])
    air, bone = smooth < _AIR_BELOW, smooth > _BONE_ABOVE
    wide = [_EVEN / mm for mm in spacing]
    amount: Any = gaussian_filter(air.astype(np.float32), wide)
    total: Any = gaussian_filter(np.where(air, np.clip(values, -1000.0, _AIR_BELOW), 0.0), wide)
    prior = np.ones(hu.shape, np.float32)
    prior[air] = total[air] / amount[air] / 1000.0 + 1.0
    prior[bone] = values[bone] / 1000.0 + 1.0
    prior[metal] = 1.0
    return prior


class _Slice:
    """A slice with its metal replaced by water, its sinogram, and the trace of the metal in it."""

    def __init__(self, hu: np.ndarray, metal: np.ndarray, spacing: Sequence[float], beam: ParallelBeam) -> None:
        self.metal, self.spacing, self.beam = metal, spacing, beam
        self.hu = np.where(metal, np.float32(0.0), hu).astype(np.float32)
        density = np.clip(np.nan_to_num(self.hu, nan=-1000.0) / 1000.0 + 1.0, 0.0, None)
        density[density < _AIR] = 0.0
        self.sinogram = project(density, spacing, beam)
        self.trace = project(_edged(metal), spacing, beam) > 0

    def with_trace(self, sinogram: np.ndarray, finer: int = 2) -> np.ndarray:
        """The slice in HU that has this sinogram in the trace."""
        change = np.where(self.trace, sinogram - self.sinogram, np.float32(0.0))
        return self.hu + 1000.0 * reconstruct(change, self.beam, self.hu.shape, self.spacing, finer=finer)


def _corrected(
    slice_hu: np.ndarray,
    metal: np.ndarray,
    spacing: Sequence[float],
    beam: ParallelBeam | None,
    keep_metal: bool,
    interpolated: Any,
) -> np.ndarray:
    values, marked = np.asarray(slice_hu, np.float32), np.asarray(metal) != 0
    if not marked.any():
        return values.copy()
    piece = _Slice(values, marked, spacing, beam or parallel_beam(values.shape, spacing))
    result = piece.with_trace(interpolated(piece))
    return np.where(marked, values, result) if keep_metal else result


def _linear(piece: _Slice) -> np.ndarray:
    return _bridged(piece.sinogram, piece.trace)


def _normalised(piece: _Slice) -> np.ndarray:
    first = piece.with_trace(_linear(piece), finer=1)
    prior = project(prior_of(first, piece.metal, piece.spacing), piece.spacing, piece.beam)
    level = np.maximum(prior, _THIN * prior.max())
    return _bridged(piece.sinogram / level, piece.trace) * level


def _bridged(sinogram: np.ndarray, trace: np.ndarray) -> np.ndarray:
    """Each view interpolated linearly over the channels of the trace."""
    result = sinogram.copy()
    channels = np.arange(sinogram.shape[1])
    for view in np.flatnonzero(trace.any(axis=1)):
        hidden = trace[view]
        if not hidden.all():
            result[view, hidden] = np.interp(channels[hidden], channels[~hidden], sinogram[view, ~hidden])
    return result


def _edged(metal: np.ndarray) -> np.ndarray:
    """The metal and the pixels around it, which hold a part of its edge; float32."""
    from scipy.ndimage import binary_dilation

    grown: Any = binary_dilation(metal, np.ones((3, 3), bool))
    return np.asarray(grown, np.float32)
