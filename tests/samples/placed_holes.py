"""Series and regions for the tests of holes that are DICOM objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_hole_samples import lps
from io_samples import dicom_dataset, save

from monai_inpaint import read_image
from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.regions.hole_file import read_hole

pytest.importorskip("highdicom", reason="needs the extra dicom")

OBLIQUE = np.array([[0.8, 0.48, 0.36], [-0.6, 0.64, 0.48]])  # a row's and a column's direction


def oblique_series(folder: Path) -> Path:
    """Six MR slices of 40 x 32 that lie askew, 0.8 x 0.7 mm, 3 mm apart."""
    row, column = OBLIQUE
    normal = np.cross(row, column)
    volume = np.arange(6 * 40 * 32, dtype=np.uint16).reshape(6, 40, 32)
    folder.mkdir()
    for k in range(6):
        place = (np.array([-20.0, 15.0, 40.0]) + 3 * k * normal).round(6).tolist()
        elements = {"ImagePositionPatient": place, "InstanceNumber": k + 1, "SliceThickness": 3.0, "Modality": "MR"}
        dataset = dicom_dataset(volume[k], ImageOrientationPatient=[*row, *column], **elements)
        save(dataset, folder / f"{k}.dcm")
    return folder


def some_voxels(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """A lopsided region, bool (i, j, k): a mirrored or swapped one would differ."""
    i, j, k = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    return (i + 0.5 * j < 0.6) & (j > 0.3) & (k > 0.3) & (np.random.default_rng(seed).random(shape) < 0.9)


def on_grid(path: Path, image_path: Path, segment: str | None = None) -> tuple[np.ndarray, str]:
    image = read_image(image_path)
    aligned = align_hole(read_hole(path, image, segment), image)
    return aligned.voxels, aligned.grid


def image_files(series: Path) -> list[pydicom.Dataset]:
    """The files of a series in the order in which they are read."""
    from monai_inpaint.io.dicom.geometry import plane_of

    datasets = [pydicom.dcmread(path) for path in series.iterdir()]
    planes = [plane_of(dataset) for dataset in datasets]
    assert all(plane is not None for plane in planes)
    order = np.argsort([plane.origin @ plane.normal for plane in planes if plane is not None])
    return [datasets[n] for n in order]


def disc(image, centre: tuple[float, float, float], radius: float, points: int = 90) -> np.ndarray:
    """A circle in mm around a voxel, in the plane of its slice, LPS."""
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    i, j, k = centre
    across, down = image.spacing[:2]
    return lps(image.affine, np.stack([i + radius / across * np.cos(turn), j + radius / down * np.sin(turn),
                                       np.full(points, k)], axis=1))  # fmt: skip
