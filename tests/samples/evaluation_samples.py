"""Small images and data lists for the tests of evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_inpaint.imaging.image import Image


def smooth(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Smooth random values from 0 to 255."""
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4)
    return 255 * (values - values.min()) / (values.max() - values.min())


def square_hole(shape: tuple[int, int], top: int, left: int, side: int) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[top : top + side, left : left + side] = True
    return hole


def phantom_ct(shape: tuple[int, int] = (300, 280)) -> np.ndarray:
    """A body of water with some texture in air, Hounsfield units."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    inside = ((rows - shape[0] / 2) / (0.45 * shape[0])) ** 2 + ((columns - shape[1] / 2) / (0.45 * shape[1])) ** 2 < 1
    return np.where(inside, smooth(shape) - 100, -1000).astype(np.float32)


def phantom_head(shape: tuple[int, int, int] = (96, 88, 40)) -> Image:
    """An ellipsoid with texture in air, 1.5 x 1.5 x 3 mm, axes to the left, to the back and to the head."""
    axes = [np.linspace(-1, 1, size) for size in shape]
    inside = np.add.outer(np.add.outer(axes[0] ** 2, axes[1] ** 2), axes[2] ** 2) < 0.9
    voxels = np.where(inside, smooth(shape) + 100, 0).astype(np.int16)
    return Image(voxels, np.diag([-1.5, -1.5, 3.0, 1.0]), "mr")


def list_of_films(folder: Path) -> Path:
    """A data list of six 8-bit films, two of one patient, and of entries that are not images."""
    from PIL import Image as Picture

    (folder / "films").mkdir(parents=True)
    lines = ["path,patient,split,modality,source"]
    for index in range(6):
        pixels = np.rint(smooth((150, 140), index)).astype(np.uint8)
        Picture.fromarray(pixels).save(folder / "films" / f"{index}.png")
        split = "val" if index < 4 else "train"
        lines.append(f"films/{index}.png,P{max(index, 1)},{split},{'DX' if index % 2 else 'CR'},here")
    (folder / "notes.txt").write_text("no image")
    lines += ["notes.txt,P9,val,CR,here", "films/none.png,P9,val,CT,there"]
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder / "list.csv"
