"""Reference distribution of healthy films: how fills differ from them at each place of the lungs."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import Box
from monai_inpaint.registry import BundleInfo

GRID = 64  # cells a side that the box of the lungs is cut into
_MEAN_NEAR, _DEVIATION_NEAR = 2.0, 3.0  # cells: what neighbours say is averaged in
_LEAST = 0.05  # deviations are at least so large


@dataclass(frozen=True)
class Reference:
    """The features of `features_of` in healthy films.

    Attributes:
        mean, deviation: (2, GRID, GRID) float32 over the box of `lungs_of`, brightness before detail.
        films: how many.
    """

    mean: np.ndarray
    deviation: np.ndarray
    films: int

    def standardised(self, features: Sequence[np.ndarray], lungs: Box) -> list[np.ndarray]:
        """Standardise the features of a slice by mean and deviation at the same place; nearest beyond the box."""
        shape = features[0].shape
        return [
            (feature - placed(mean, lungs, shape)) / placed(deviation, lungs, shape)
            for feature, mean, deviation in zip(features, self.mean, self.deviation, strict=True)
        ]


def reference_of(groups: Sequence[Sequence[np.ndarray]]) -> Reference:
    """Return the reference of some films, each group of them with the same weight.

    Args:
        groups: of films of one kind, each (2, GRID, GRID), see `gridded`.
    """
    from scipy.ndimage import gaussian_filter

    mean = np.mean([np.mean(films, axis=0) for films in groups], axis=0)
    variance = np.mean([np.mean((np.asarray(films) - mean) ** 2, axis=0) for films in groups], axis=0)
    mean = gaussian_filter(mean, (0, _MEAN_NEAR, _MEAN_NEAR), mode="nearest")
    variance = gaussian_filter(variance, (0, _DEVIATION_NEAR, _DEVIATION_NEAR), mode="nearest")
    deviation = np.sqrt(variance).clip(_LEAST)
    return Reference(mean.astype(np.float32), deviation.astype(np.float32), sum(map(len, groups)))


def gridded(values: np.ndarray, lungs: Box) -> np.ndarray:
    """The part of a slice in the box of the lungs on the grid of the reference, (GRID, GRID), linear between pixels."""
    starts_stops = [(part.start, part.stop) for part in lungs]
    axes = [start + (np.arange(GRID) + 0.5) / GRID * (stop - start) - 0.5 for start, stop in starts_stops]
    return _sampled(values, axes)


def placed(cells: np.ndarray, lungs: Box, shape: tuple[int, ...]) -> np.ndarray:
    """The grid of the reference laid over the box of the lungs in a slice of that shape; the way back of `gridded`."""
    pairs = zip(lungs, shape, strict=True)
    axes = [(np.arange(size) + 0.5 - part.start) * GRID / (part.stop - part.start) - 0.5 for part, size in pairs]
    return _sampled(cells, axes)


def reference_path(bundle: BundleInfo) -> Path:
    """Path of the reference of a bundle; it need not exist."""
    return bundle.path / "models" / "healthy.npz"


def load_reference(bundle: BundleInfo) -> Reference | None:
    """Load a bundle's reference, None where it has none.

    Raises:
        InputError: it is damaged.
    """
    path = reference_path(bundle)
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, deviation = (file[name].astype(np.float32) for name in ("mean", "deviation"))
            films = int(file["films"])
        if not (mean.shape == deviation.shape == (2, GRID, GRID) and np.isfinite(mean).all() and (deviation > 0).all()):
            raise ValueError("it contains no means and deviations of two features")
    except Exception as error:  # zipfile and numpy raise many kinds
        raise InputError(f"{path}: the reference is damaged ({error}); install the bundle again.") from None
    return Reference(mean, deviation, films)


def save_reference(reference: Reference, path: Path) -> None:
    """Write a reference as half-precision numbers, about 30 kB."""
    mean, deviation = (values.astype(np.float16) for values in (reference.mean, reference.deviation))
    np.savez_compressed(path, mean=mean, deviation=deviation, films=reference.films)


def _sampled(values: np.ndarray, axes: Sequence[np.ndarray]) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    return np.asarray(map_coordinates(values, np.meshgrid(*axes, indexing="ij"), order=1, mode="nearest"))
