"""Paint a pacemaker or a lesion into an image, so that its fill can be compared with the truth."""

from __future__ import annotations

import numpy as np

from monai_inpaint.demo.tubes import project, tube

_SEED = 4


def paint_pacemaker(film: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint a pulse generator below the clavicle with a lead into the heart.

    Args:
        film: (512, 512) uint16, 0..4095, from `chest_film`.

    Returns:
        The film with the device, and the device as a bool array.
    """
    rows, columns = np.ogrid[: film.shape[0], : film.shape[1]]
    across, down = (columns - 388) / 33.0, (rows - 150) / 29.0
    case = np.maximum(1 - np.abs(across) ** 3 - np.abs(down) ** 3, 0) ** (1 / 3)
    header = np.maximum(1 - np.abs((columns - 380) / 22.0) ** 4 - np.abs((rows - 120) / 9.0) ** 4, 0) ** 0.25
    # pixels from the film's middle column, and rows
    course = [(122, 116), (95, 84), (62, 82), (30, 104), (-14, 150), (-22, 220), (-18, 300), (10, 350), (66, 372)]
    curve = _smooth(np.array([(x, 0, z) for x, z in course], float))
    lead = project([tube(curve, 1.7), tube(curve[-14:], 2.6)], film.shape, 1.0, 0.0)
    battery = case * (1 + 0.35 * (np.abs((rows - 160) / 14.0) < 1) * (np.abs((columns - 394) / 20.0) < 1))
    dense = 2300.0 * battery + 1100.0 * header * (case < 0.3) + 520.0 * lead
    device = dense > 60
    # metal stops the light, so the film is bright there but never brighter than it can be
    bright = np.where(device, np.minimum(film + dense, 3900 + 0.05 * film), film)
    return np.rint(bright).astype(film.dtype), device


def paint_lesion(
    volume: np.ndarray, centre: tuple[int, ...], half: tuple[int, ...], seed: int = _SEED
) -> tuple[np.ndarray, np.ndarray]:
    """Paint a lesion with a lumpy outline, dark within and bright at its rim.

    Args:
        volume: 3D uint8.
        centre, half: voxels along each axis.

    Returns:
        The volume with the lesion, and the lesion as a bool array.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    box = tuple(slice(c - 2 * h, c + 2 * h) for c, h in zip(centre, half, strict=True))
    grid = np.meshgrid(*(np.arange(-2 * h, 2 * h) / h for h in half), indexing="ij")
    lumps = gaussian_filter(rng.normal(size=grid[0].shape), 4)
    far = np.sqrt(sum(g * g for g in grid)) + 0.22 * lumps / lumps.std()
    inside = gaussian_filter((far < 1).astype(float), 0.8)
    grain = gaussian_filter(rng.normal(size=far.shape), 1.2)
    value = 70 + 150 * np.exp(-(((far - 0.82) / 0.16) ** 2)) + 8 * grain / grain.std()
    result, lesion = volume.copy(order="K"), np.zeros(volume.shape, bool)
    blended = volume[box] * (1 - inside) + value * inside
    result[box] = np.clip(np.rint(blended), 0, 255).astype(volume.dtype)
    lesion[box] = inside > 0.02
    result[~lesion] = volume[~lesion]
    return result, lesion


def _smooth(points: np.ndarray) -> np.ndarray:
    """A smooth curve through the points."""
    from scipy.interpolate import CubicSpline

    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return CubicSpline(along, points)(np.linspace(0, along[-1], 160))
