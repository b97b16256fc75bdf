"""Made-up images that several tests load."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS = 160, 128


def film() -> np.ndarray:
    """A made-up film with a wire of 12 bits."""
    row, column = np.indices((ROWS, COLUMNS))
    film = 2000 - 900 * np.sin(row / 30) * np.cos(column / 20) + np.random.default_rng(0).normal(0, 40, row.shape)
    film[:, 60:68] = 3900
    return film.clip(0, 4095).astype(np.uint16)


def write_dicom(path: Path, pixels: np.ndarray, kind: str, modality: str, series: str, number: int = 1, **more) -> Path:
    """Write one DICOM image; returns its path."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = kind
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = dataset.StudyInstanceUID = series
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[series])
    dataset.PatientName, dataset.PatientID, dataset.Modality, dataset.InstanceNumber = "Made^Up", "1", modality, number
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for name, value in more.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def ct_series(folder: Path, series: str) -> list[Path]:
    """Six slices of a noisy CT."""
    rng = np.random.default_rng(0)
    files = []
    for n in range(6):
        pixels = (1060 + rng.normal(0, 8, (64, 64))).astype(np.uint16)
        place = {"ImagePositionPatient": [-96, -96, 5 * n], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        scale = {"RescaleSlope": 1, "RescaleIntercept": -1024, "PixelSpacing": [3, 3], "SliceThickness": 5}
        files.append(write_dicom(folder / f"{n}.dcm", pixels, CTImageStorage, "CT", series, n + 1, **place, **scale))
    return files


def unpacked(archive: Path, folder: Path) -> dict[str, Path]:
    """The files in a zip archive by their names in it."""
    with ZipFile(archive) as opened:
        opened.extractall(folder)
    return {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
