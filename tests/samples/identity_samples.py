"""Files of DICOM objects that belong together, and how to change whose they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, ct_series, nifti
from dicom_hole_samples import segmentation, sources, structures
from pydicom.uid import SecondaryCaptureImageStorage

pytest.importorskip("highdicom", reason="needs the extra dicom")


SLICES = 4
SECRETS = ("P1", "P2", "Doe", "Roe")


def change(path: Path, **elements: object) -> Path:
    """A file with elements otherwise; None takes one out."""
    dataset = pydicom.dcmread(path)
    for keyword, value in elements.items():
        if keyword in dataset:
            delattr(dataset, keyword)
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def series_in(folder: Path) -> Path:
    return ct_series(folder / "series", SLICES)


def hole_in(folder: Path) -> Path:
    marked = np.zeros((SIDE, SIDE, SLICES), np.uint8)
    marked[30:50, 30:50, 1:3] = 1
    affine = np.diag([-0.7, -0.8, 2.5, 1.0])
    affine[:3, 3] = [10, 20, 30]
    return nifti(folder / "hole.nii.gz", marked, affine)


def seg_of(folder: Path, path: Path) -> Path:
    marked = np.zeros((len(list(folder.iterdir())), SIDE, SIDE), bool)
    marked[1:3, 30:50, 40:60] = True
    return segmentation(path, sources(folder), marked)


def rt_of(folder: Path, path: Path) -> Path:
    image = sources(folder)[1]
    x, y, z = (float(value) for value in image.ImagePositionPatient)
    square = np.array([[10, 10, 0], [30, 10, 0], [30, 30, 0], [10, 30, 0.0]]) + [x, y, z]
    return structures(path, image, {"GTV": [square]})


def alone(ran) -> str:
    """The one sentence of a command that was refused, without a word on who the patient is."""
    assert ran.code == 2, ran.lines
    assert len(ran.lines) == 1, ran.lines
    assert not [word for word in SECRETS if word in ran.lines[0]]
    return ran.lines[0]


IDENTITY = {
    "PatientID": ("P2", "belongs to another patient"),
    "StudyInstanceUID": ("1.2.4", "belongs to another study"),
    "FrameOfReferenceUID": ("1.2.3.33", "lies in another frame of reference"),
    "Modality": ("PT", "of another modality"),
    "SOPClassUID": (SecondaryCaptureImageStorage, "is an image of another kind"),
}
MARKS = {
    "patient": ({"PatientID": "P2"}, "belongs to another patient"),
    "study": ({"StudyInstanceUID": "1.2.4"}, "belongs to another study"),
}
