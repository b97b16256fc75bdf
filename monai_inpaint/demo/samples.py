"""The demo's cases: an image, a hole, and the truth that the hole hides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from monai_inpaint.demo.painted import paint_lesion, paint_pacemaker
from monai_inpaint.demo.phantom import FIELD, SIDE, chest_film
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image

_GROWN = 3  # voxels a hole reaches beyond what it is to remove: blur at the edge must go too
# what -> (package, place in it, how to get it)
_PLACES = {
    "t1": ("nilearn", "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz", "'monai-inpaint[demo]'"),
    "ct": ("pydicom", "data/test_files/CT_small.dcm", "pydicom"),
}


@dataclass(frozen=True, eq=False)
class Sample:
    """One case of the demo.

    Attributes:
        name: of its folder.
        title, note: for the page; the title describes the image.
        bundle: "cxr", "ct" or "mr".
        source: the image to fill.
        hole: bool, of the image's shape.
        truth: stored voxels of the image as it was, of the same shape; nobody but the page looks into it.
        window: (low, high) in units, for the pictures.
        suffix: of the files written.
        painted: the hole covers something painted into the source, so that the source differs from the truth.
    """

    name: str
    title: str
    note: str
    bundle: str
    source: Image
    hole: np.ndarray
    truth: np.ndarray
    window: tuple[float, float]
    suffix: str
    painted: bool = False


def samples() -> list[Sample]:
    """Return all samples of the demo.

    Raises:
        InputError: a package that ships a sample is missing.
    """
    film = _film()
    ct, t1 = read_image(shipped("ct")), read_image(shipped("t1"))
    return [_film_region(film), _film_pacemaker(film), _ct_region(ct), _mr_region(t1), _mr_lesion(t1)]


def _film() -> Image:
    """Erect frontal film: rows run to the feet, columns to the patient's left."""
    step = FIELD / SIDE
    affine = np.array([[0, -step, 0, 0], [0, 0, 1, 0], [-step, 0, 0, 0], [0, 0, 0, 1]], float)
    return Image(chest_film(), affine, "cxr")


def _film_region(film: Image) -> Sample:
    hole = np.zeros(film.voxels.shape, bool)
    hole[218:282, 100:164] = True
    hole[_disc(hole.shape, (300, 385), (26, 34))] = True
    return Sample(
        "film-region",
        "Chest film (computed phantom, not a patient): two regions hidden",
        "A square in the right lung, and an ellipse over the heart's left border.",
        "cxr", film, hole, film.voxels, (0, 4095), ".png",
    )  # fmt: skip


def _film_pacemaker(film: Image) -> Sample:
    painted, device = paint_pacemaker(film.voxels)
    return Sample(
        "film-pacemaker",
        "Chest film (computed phantom, not a patient): a painted pacemaker erased",
        "The device and its lead were painted into the phantom, so what they cover is known.",
        "cxr", replace(film, voxels=painted), _grown(device), film.voxels, (0, 4095), ".png", painted=True,
    )  # fmt: skip


def _ct_region(ct: Image) -> Sample:
    hole = _disc(ct.voxels.shape, (38, 78), (15, 13))
    return Sample(
        "ct-region",
        "CT slice (pydicom's CT_small.dcm): a region hidden",
        "An ellipse over the border of vertebra, aorta and lung; DICOM in, derived DICOM out.",
        "ct", ct, hole, ct.voxels, (-1000, 1000), ".dcm",
    )  # fmt: skip


def _mr_region(t1: Image) -> Sample:
    hole = _disc(t1.voxels.shape, (62, 100, 92), (15, 18, 13))
    return Sample(
        "mr-region",
        "T1 MR volume (ICBM152 average of nilearn): an ellipsoid hidden",
        "30 x 36 x 26 mm, beside a lateral ventricle. The average of 152 heads is smoother than each of them.",
        "mr", t1, hole, t1.voxels, (0, 255), ".nii.gz",
    )  # fmt: skip


def _mr_lesion(t1: Image) -> Sample:
    painted, lesion = paint_lesion(t1.voxels, (126, 158, 98), (10, 12, 9))
    return Sample(
        "mr-lesion",
        "T1 MR volume (ICBM152 average of nilearn): a painted lesion erased",
        "A dark core with a bright rim was painted into the white matter, so what it covers is known.",
        "mr", replace(t1, voxels=painted), _grown(lesion), t1.voxels, (0, 255), ".nii.gz", painted=True,
    )  # fmt: skip


def _disc(shape: tuple[int, ...], centre: tuple[float, ...], half: tuple[float, ...]) -> np.ndarray:
    """An ellipse or ellipsoid; centre and half axes in voxels along each axis."""
    grid = np.ogrid[tuple(slice(length) for length in shape)]
    far = sum(((g - c) / h) ** 2 for g, c, h in zip(grid, centre, half, strict=True))
    return np.asarray(far <= 1)


def _grown(region: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_dilation, generate_binary_structure

    return np.asarray(binary_dilation(region, generate_binary_structure(region.ndim, 1), iterations=_GROWN))


def shipped(what: str) -> Path:
    """Return the file of "t1" (ICBM152 average T1 head, brain only, 1 mm, of nilearn) or "ct" (one slice, of pydicom).

    Raises:
        InputError: the package is not installed, or does not carry the file.
    """
    package, place, name = _PLACES[what]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(f"The demo takes an image from the package {package}; install it with: pip install {name}")
    path = Path(spec.origin).parent / place
    if not path.is_file():
        raise InputError(f"{path}: the package {package} does not carry the demo's image; install it again: {name}")
    return path
