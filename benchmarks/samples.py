"""Images that may be shown to anyone, as a data list: computed ones, and what nilearn and pydicom carry."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from benchmarks.quality import Row
from benchmarks.strange_images import hand_film, patterns
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.demo.samples import shipped
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import write_image

FILMS, SLICES = 3, 3

ROWS = (
    Row("chest film, computed", "cxr-centre", "cxr", "film"),
    Row("chest film, computed", "cxr-patch", "cxr", "film"),
    Row("chest film, computed", "free-form", "cxr", "film"),
    Row("pictures of another kind, computed", "slice-square", "cxr", "other"),
    Row("CT slice (pydicom's CT_small.dcm)", "slice-square", "ct", "ct"),
    Row("CT slice (pydicom's CT_small.dcm)", "free-form", "ct", "ct"),
    Row("CT slice (pydicom's CT_small.dcm)", "lesion", "ct", "ct"),
    Row("T1 average head (ICBM152 of nilearn)", "slice-square", "mr", "mr"),
    Row("T1 average head (ICBM152 of nilearn)", "free-form", "mr", "mr"),
    Row("T1 average head (ICBM152 of nilearn)", "lesion", "mr", "mr"),
    Row("T1 average head (ICBM152 of nilearn)", "ellipsoid", "mr", "mr"),
)


def write_samples(folder: Path) -> Path:
    """The images and their list in a new folder; the list's path.

    The one CT slice stands in it three times, as names seed holes.

    Raises:
        InputError: a package that carries one is missing.
    """
    folder.mkdir()
    made = patterns()
    films = {f"film-{seed}.png": chest_film(seed) / 16 for seed in range(FILMS)}
    others = {
        "film-exchanged.png": 255 - films["film-0.png"],
        "hand.png": hand_film(),
        "shepp-logan.png": made["Shepp-Logan phantom (of scikit-image)"],
        "white-noise.png": made["white noise"],
        "checkerboard.png": made["checkerboard, 16 pixels"],
    }
    rows = ["path,modality,source"]
    for source, pictures in (("film", films), ("other", others)):
        for name, grey in pictures.items():
            write_image(Image(grey.astype(np.uint8)), folder / name)
            rows.append(f"{name},CR,{source}")
    for number in range(SLICES):
        shutil.copyfile(shipped("ct"), folder / f"slice-{number}.dcm")
        rows.append(f"slice-{number}.dcm,CT,ct")
    shutil.copyfile(shipped("t1"), folder / "head.nii.gz")
    rows.append("head.nii.gz,MR,mr")
    path = folder / "samples.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
