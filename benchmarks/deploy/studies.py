"""Made-up studies: a CT, and the SEG of a hole in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

_BLANK = ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
          "ReferringPhysicianName")  # fmt: skip


def small_study(folder: Path, uid: str, seed: int = 0) -> list[Path]:
    """A CT of two slices of 32 x 32 pixels and a SEG, quick to fill; returns the files."""
    hole = np.zeros((2, 32, 32), bool)
    hole[0, 8:20, 10:22] = True
    return study(folder, uid, hole, seed)


def study(folder: Path, uid: str, hole: np.ndarray, seed: int = 0) -> list[Path]:
    """A CT in `ct` and the SEG of a hole in seg.dcm; returns the files.

    Args:
        folder: is made.
        uid: StudyInstanceUID.
        hole: (slices, rows, columns) bool.
        seed: of the voxels: noise, summed up along the rows so that they have structure.
    """
    rng = np.random.default_rng(seed)
    (folder / "ct").mkdir(parents=True)
    slices, files = [], []
    for k in range(len(hole)):
        stored = 1000 + 20 * rng.standard_normal(hole.shape[1:]).cumsum(axis=1)
        dataset = _slice(stored.clip(0, 4095).astype(np.uint16), uid, k)
        files.append(folder / "ct" / f"{k:04d}.dcm")
        dataset.save_as(files[-1], enforce_file_format=True)
        del dataset.PixelData
        slices.append(dataset)
    _segmentation(folder / "seg.dcm", slices, hole)
    return [*files, folder / "seg.dcm"]


def _slice(stored: np.ndarray, uid: str, k: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = CTImageStorage, generate_uid(), "CT"
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for keyword in _BLANK:
        setattr(dataset, keyword, "")
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "P1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = uid, f"{uid}.1", f"{uid}.2"
    dataset.ImageType, dataset.SeriesNumber, dataset.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], 2, k + 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.Rows, dataset.Columns = stored.shape
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.8], 1.5
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-200.0, -200.0, 1.5 * k]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1000
    dataset.PixelData = stored.tobytes()
    return dataset


def _segmentation(path: Path, slices: Sequence[Dataset], hole: np.ndarray) -> None:
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.sr.codedict import codes

    kind = codes.SCT.MorphologicallyAbnormalStructure
    lesion = SegmentDescription(1, "lesion", kind, codes.SCT.Lesion, "MANUAL")
    where = np.flatnonzero(hole.any(axis=(1, 2)))
    images = [slices[k] for k in where]
    made = Segmentation(images, hole[where].astype(np.uint8), "BINARY", [lesion], generate_uid(), 70, generate_uid(), 1,
                        "somebody", "drawn", "1", "1")  # fmt: skip
    made.save_as(path)
