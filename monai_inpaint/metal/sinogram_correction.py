"""Correct one CT slice in its projections: LI and NMAR replace the rays through metal.

The projections are computed from the slice; those of the scanner are not needed. What no ray measured is not
recovered: behind much metal both methods guess.
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.ct.projector import ParallelBeam, parallel_beam, project, reconstruct

_AIR = 0.05  # of water; what is thinner around the patient is noise
_AIR_BELOW, _BONE_ABOVE = -500.0, 400.0  # HU, of the prior; lower, streaks that LI leaves look like bone
_SMOOTH = 2.5  # mm, standard deviation, before the tissues of the prior are separated
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
    noise, sharpness and all that other rays made stay. The metal's body and the pixels next to it, over which the
    scanner blurs it, are replaced by water before: that changes nothing but rays that are interpolated anyway, and no
    bright rim stays.

    Args:
        slice_hu: (rows, columns), HU.
        metal: (rows, columns), nonzero where metal is. Metal that it leaves out stays, and its streaks with it.
        spacing: mm between rows and between columns.
        beam: rays to project along; `parallel_beam` of the slice if None.
        keep_metal: restore the metal's own values; else the tissue that the other rays suggest.

    Returns:
        (rows, columns) float32, HU. Without metal the slice, bit for bit.

    Raises:
        InputError: pixels are not square, or ASTRA is not installed.
    """
    return _corrected(slice_hu, metal, spacing, beam, keep_metal, SinogramCorrector.li)


def nmar(
    slice_hu: np.ndarray,
    metal: np.ndarray,
    spacing: Sequence[float],
    *,
    beam: ParallelBeam | None = None,
    keep_metal: bool = True,
    prior: np.ndarray | None = None,
) -> np.ndarray:
    """Interpolate the projections divided by those of a prior (Meyer et al. 2010, Medical Physics 37, 5482-5493).

    Divided by those of the prior, projections of tissue are flat, so that interpolation over the trace restores bone
    and air as in the prior.

    Args:
        prior: (rows, columns), HU: the best known slice without metal and artifacts. None: made from the result of
            `li`, see `prior_of`.

    Others, returns, raises: as `li`.
    """

    return _corrected(slice_hu, metal, spacing, beam, keep_metal, lambda projected: projected.nmar(prior))


def prior_of(hu: np.ndarray, metal: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Air, lung, soft tissue and bone of a slice whose artifacts are reduced already, in HU; float32.

    Soft tissue is set to water, bone keeps its values. Air is set to the average of the air around: lung, which Meyer
    et al. set to air, thus keeps its density, and streaks in it are removed.

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
    prior = np.zeros(hu.shape, np.float32)
    prior[air] = total[air] / amount[air]
    prior[bone] = values[bone]
    prior[metal] = 0.0
    return prior


class SinogramCorrector:
    """A slice with its metal and the pixels next to it replaced by water, its sinogram, and the metal's trace in it.

    Args:
        slice_hu, metal, spacing, beam: as `li`.

    Raises:
        InputError: as `li`.
    """

    def __init__(
        self,
        slice_hu: np.ndarray,
        metal: np.ndarray,
        spacing: Sequence[float],
        beam: ParallelBeam | None = None,
    ) -> None:
        self.metal, self.spacing = np.asarray(metal) != 0, spacing
        self.beam = beam or parallel_beam(slice_hu.shape, spacing)
        body = _edged(self.metal)
        self.hu = np.where(body, np.float32(0.0), slice_hu).astype(np.float32)
        self.sinogram = project(_density(self.hu), spacing, self.beam)
        self.trace = project(body.astype(np.float32), spacing, self.beam) > 0

    def li(self, finer: int = 2) -> np.ndarray:
        """Return the result of `li` with tissue in place of the metal; `finer` as for `reconstruct`."""
        return self._with_trace(_bridged(self.sinogram, self.trace), finer)

    def nmar(self, prior: np.ndarray | None = None) -> np.ndarray:
        """Return the result of `nmar` with tissue in place of the metal; by a prior in HU, or its own."""
        density = project(_density(self.prior() if prior is None else prior), self.spacing, self.beam)
        level = np.maximum(density, _THIN * density.max())
        return self._with_trace(_bridged(self.sinogram / level, self.trace) * level, finer=2)

    def prior(self) -> np.ndarray:
        """`prior_of` the result of `li`, which is made quickly."""
        return prior_of(self.li(finer=1), self.metal, self.spacing)

    def _with_trace(self, sinogram: np.ndarray, finer: int) -> np.ndarray:
        """The slice in HU that has this sinogram in the trace."""
        change = np.where(self.trace, sinogram - self.sinogram, np.float32(0.0))
        return self.hu + 1000.0 * reconstruct(change, self.beam, self.hu.shape, self.spacing, finer=finer)


def _corrected(
    slice_hu: np.ndarray,
    metal: np.ndarray,
    spacing: Sequence[float],
    beam: ParallelBeam | None,
    keep_metal: bool,
    method: Callable[[SinogramCorrector], np.ndarray],
) -> np.ndarray:
    values, marked = np.asarray(slice_hu, np.float32), np.asarray(metal) != 0
    if not marked.any():
        return values.copy()
    result = method(SinogramCorrector(values, marked, spacing, beam))
    return np.where(marked, values, result) if keep_metal else result


def _density(hu: np.ndarray) -> np.ndarray:
    """Multiples of water, float32; everything much thinner than tissue is air."""
    density = np.clip(np.nan_to_num(hu, nan=-1000.0) / 1000.0 + 1.0, 0.0, None)
    density[density < _AIR] = 0.0
    return density.astype(np.float32)


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
    """The metal and the pixels around it that contain a part of its edge; bool."""
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(metal, np.ones((3, 3), bool)))
