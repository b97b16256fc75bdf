"""Studies of several series, small and made up, for the tests of what takes whole studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cli_samples import smooth
from dicom_hole_samples import segmentation, sources, structures
from io_samples import dicom_dataset, dicom_series, save
from pydicom.uid import ComputedRadiographyImageStorage

PATIENT = ("Doe", "P1", "19700102")  # what no record may hold
RULES = [
    {"modality": "CT", "hole": "SEG", "segment": "lesion*"},
    {"modality": "MR", "hole": "RTSTRUCT"},
    {"modality": "CR", "hole": "rectangles", "rectangles": [[20, 10, 24, 20]]},
]
SIDE = 64


def ct_with_seg(folder: Path, *, study: str = "1.2.3", slices: int = 3) -> np.ndarray:
    """A CT and a SEG of its lesion; returns the lesion, (i, j, k)."""
    volume = (1500 * smooth((slices, SIDE, SIDE))).astype(np.uint16)
    series = f"{study}.1"
    given = {"RescaleSlope": 1, "RescaleIntercept": -1000, "StudyInstanceUID": study, "PatientBirthDate": PATIENT[2]}
    dicom_series(folder / "ct", volume, series=series, **given)
    marked = np.zeros((slices, SIDE, SIDE, 2), bool)
    marked[1, 20:34, 30:50, 0] = True
    marked[:, 2:5, 2:5, 1] = True
    segmentation(folder / "seg.dcm", sources(folder / "ct"), marked, names=["Lesion 1", "organ"])
    return marked[..., 0].transpose(2, 1, 0)


def mr_with_structures(folder: Path, *, study: str = "1.2.3") -> np.ndarray:
    """An MR and an RTSTRUCT with one contour; returns what it marks, (i, j, k)."""
    volume = (800 * smooth((3, SIDE, SIDE), 1)).astype(np.uint16)
    given = {"Modality": "MR", "StudyInstanceUID": study, "FrameOfReferenceUID": f"{study}.8"}
    dicom_series(folder / "mr", volume, series=f"{study}.2", **given)
    image = sources(folder / "mr")[1]
    x, y, z = (float(value) for value in image.ImagePositionPatient)
    corners = np.array([[19.5, 9.5], [39.5, 9.5], [39.5, 29.5], [19.5, 29.5]])
    points = np.stack([x + 0.7 * corners[:, 0], y + 0.8 * corners[:, 1], np.full(4, z)], axis=1)
    structures(folder / "rt.dcm", image, {"GTV": [points]})
    marked = np.zeros((SIDE, SIDE, 3), bool)
    marked[20:40, 10:30, 1] = True
    return marked


def cr(path: Path, *, study: str = "1.2.3", seed: int = 2, **elements) -> Path:
    """A film of 80 x 96 pixels, 12 bits."""
    gone = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "FrameOfReferenceUID": None,
            "SliceThickness": None}  # fmt: skip
    pixels = (4095 * smooth((80, 96), seed)).astype(np.uint16)
    given = {"Modality": "CR", "StudyInstanceUID": study, "SOPClassUID": ComputedRadiographyImageStorage,
            "BitsStored": 12, "HighBit": 11, "SeriesDescription": "Chest PA"}  # fmt: skip
    return save(dicom_dataset(pixels, series=f"{study}.3", **(gone | given | elements)), path)


def study(folder: Path, *, uid: str = "1.2.3") -> Path:
    """CT with SEG, MR with RTSTRUCT, CR."""
    folder.mkdir(parents=True)
    ct_with_seg(folder, study=uid)
    mr_with_structures(folder, study=uid)
    cr(folder / "film.dcm", study=uid)
    return folder
