"""Small images on disk for the tests of reading and writing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

DERIVED = {"description": "Region filled", "model": "ct_inpainting", "version": "0.1"}


def random_voxels(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def oblique_affine() -> np.ndarray:
    """A right-handed oblique anisotropic affine."""
    a, b = 0.3, -0.2
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tip @ np.diag([0.7, 0.8, 2.5])
    affine[:3, 3] = [-31.25, 12.5, 100.125]
    return affine


def dicom_dataset(pixels: np.ndarray, *, series: str = "1.2.3.4", **elements) -> Dataset:
    """A CT slice (or MR, ...) with the given stored values (rows, columns); further elements by keyword."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = MRImageStorage if elements.get("Modality") == "MR" else CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", series
    dataset.FrameOfReferenceUID = "1.2.3.9"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Modality, dataset.SeriesDescription, dataset.SeriesNumber = "CT", "Thorax", 4
    dataset.PatientID, dataset.PatientName = "P1", "Doe^Jane"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.7], 2.5
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-10.0, -20.0, 30.0]
    for keyword, value in elements.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset.add_new("PixelData", "OW" if bits > 8 else "OB", data + b"\0" * (len(data) % 2))
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def dicom_series(folder: Path, volume: np.ndarray, *, spacing: float = 2.5, **elements) -> Path:
    """Slices volume[k] (rows, columns), saved in shuffled file order."""
    folder.mkdir(exist_ok=True)
    for n, k in enumerate(np.random.default_rng(1).permutation(len(volume))):
        position = [-10.0, -20.0, 30.0 + spacing * float(k)]
        each = {key: (value[k] if isinstance(value, tuple) else value) for key, value in elements.items()}
        dataset = dicom_dataset(volume[k], **{"ImagePositionPatient": position, "InstanceNumber": int(k) + 1} | each)
        save(dataset, folder / f"IM{n:04d}.dcm")
    return folder


def enhanced_ct(path: Path, volume: np.ndarray, positions: list[list[float]] | None) -> Path:
    """An enhanced multi-frame CT of volume[frame] (rows, columns); without positions no functional groups."""
    gone = {"PixelSpacing": None, "SliceThickness": None, "ImageOrientationPatient": None, "ImagePositionPatient": None}
    dataset = dicom_dataset(volume, NumberOfFrames=len(volume), SOPClassUID=EnhancedCTImageStorage, **gone)
    if positions is not None:
        measures, orientation, scale, shared = Dataset(), Dataset(), Dataset(), Dataset()
        measures.PixelSpacing, measures.SliceThickness = [0.8, 0.7], 2.5
        orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        scale.RescaleSlope, scale.RescaleIntercept = 2, -1000
        shared.PixelMeasuresSequence = Sequence([measures])
        shared.PlaneOrientationSequence = Sequence([orientation])
        shared.PixelValueTransformationSequence = Sequence([scale])
        dataset.SharedFunctionalGroupsSequence = Sequence([shared])
        groups = []
        for position in positions:
            place, group = Dataset(), Dataset()
            place.ImagePositionPatient = position
            group.PlanePositionSequence = Sequence([place])
            groups.append(group)
        dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return save(dataset, path)
