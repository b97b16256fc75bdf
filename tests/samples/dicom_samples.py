"""DICOM sources that break no rule of the standard, made from the images that pydicom comes with, and their results."""

from __future__ import annotations

import copy
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

from monai_inpaint import Filler, read_image
from monai_inpaint.dicom.results import Results, write_results
from monai_inpaint.imaging.image import Image

KINDS = ("ct", "mr", "cr", "dx", "oblique", "legacy", "enhanced")


def series(folder: Path, name: str = "CT_small.dcm", slices: int = 4, **elements) -> Path:
    """A series of shifted copies of one slice, 5 mm apart along its normal; elements of all by keyword."""
    first = pydicom.dcmread(get_testdata_file(name, download=False))
    uid, normal = generate_uid(), np.cross(*np.reshape(first.ImageOrientationPatient, (2, 3)).astype(float))
    if "ImageOrientationPatient" in elements:
        normal = np.cross(*np.reshape(elements["ImageOrientationPatient"], (2, 3)))
    origin, pixels = np.array(first.ImagePositionPatient, float), first.pixel_array
    folder.mkdir(exist_ok=True)
    for k in range(slices):
        dataset = copy.deepcopy(first)
        dataset.SeriesInstanceUID, dataset.SOPInstanceUID, dataset.InstanceNumber = uid, generate_uid(), k + 1
        dataset.ImagePositionPatient = [round(float(c), 4) for c in origin + 5.0 * k * normal]
        dataset.SliceThickness = 5.0
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = np.roll(pixels, k, axis=1).tobytes()
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"IM{k}.dcm", enforce_file_format=True)
    return folder


def film(path: Path, *, digital: bool = False, **elements) -> Path:
    """A chest film of 96 x 80 pixels, as CR or as DX for presentation."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :80]
    pixels = 2000 + 800 * np.cos(columns / 12) * np.sin(rows / 20) + rng.normal(0, 15, (96, 80))
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation if digital else ComputedRadiographyImageStorage
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (generate_uid() for _ in range(3))
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "Doe^Jane", "P1", "", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID, dataset.AccessionNumber = "20240102", "101112", "1", "A1"
    dataset.ReferringPhysicianName, dataset.Manufacturer = "", "Nobody"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "DX" if digital else "CR", 3, 1
    dataset.SeriesDescription, dataset.BodyPartExamined = "Chest ap", "CHEST"
    dataset.ViewPosition, dataset.PatientOrientation = "AP", ["L", "F"]
    dataset.ContentDate, dataset.ContentTime = "20240102", "101112"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""] if digital else ["ORIGINAL", "PRIMARY"]
    dataset.ImagerPixelSpacing = [0.4, 0.5]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.BurnedInAnnotation = "NO"
    if digital:
        _as_digital(dataset)
    else:
        dataset.PlateType = ""
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels.astype(np.uint16).tobytes()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def _as_digital(dataset: Dataset) -> None:
    """What a DX has beside a CR."""
    dataset.ImageLaterality, dataset.PresentationIntentType = "U", "FOR PRESENTATION"
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20240102", "101112"
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape, dataset.LossyImageCompression = "IDENTITY", "00"
    dataset.WindowCenter, dataset.WindowWidth = 2000, 2000
    dataset.DetectorType, dataset.PositionerType = "DIRECT", ""
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "51185008", "SCT", "Chest"
    dataset.AnatomicRegionSequence = [region]
    dataset.AcquisitionContextSequence, dataset.ViewCodeSequence = [], [_ap()]
    dataset.PatientOrientation = ["L", "F"]


def _ap() -> Dataset:
    view = Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "399348003", "SCT", "antero-posterior"
    view.ViewModifierCodeSequence = []
    return view


def legacy(path: Path, folder: Path) -> Path:
    """The series in a folder as one legacy converted enhanced file, its frames in reverse order."""
    from highdicom.legacy import LegacyConvertedEnhancedCTImage

    datasets = [pydicom.dcmread(item) for item in sorted(folder.iterdir(), reverse=True)]
    enhanced = LegacyConvertedEnhancedCTImage(datasets, generate_uid(), 7, generate_uid(), 1)
    enhanced.save_as(path, enforce_file_format=True)
    return path


def source_of(kind: str, folder: Path) -> Path:
    """One source of a kind, in a folder."""
    from io_samples import enhanced_ct

    if kind == "oblique":
        turn = [0.9, 0.3, 0.31622777, -0.31622777, 0.94868330, 0.0]
        across = np.array(turn[:3]) / np.linalg.norm(turn[:3])
        down = np.array(turn[3:]) - across * np.dot(across, turn[3:])
        cosines = [round(float(c), 6) for c in (*across, *down / np.linalg.norm(down))]
        return series(folder / "source", "MR_small.dcm", ImageOrientationPatient=cosines)
    if kind in ("ct", "mr"):
        return series(folder / "source", f"{kind.upper()}_small.dcm")
    if kind in ("cr", "dx"):
        return film(folder / "source.dcm", digital=kind == "dx")
    if kind == "legacy":
        return legacy(folder / "source.dcm", series(folder / "frames"))
    pixels = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False)).pixel_array
    frames = np.stack([np.roll(pixels, k, axis=1) for k in range(4)])
    return enhanced_ct(folder / "source.dcm", frames, [[0, 0, z] for z in (10.0, 0.0, 5.0, 15.0)])


@cache
def filler(name: str) -> Filler:
    return Filler(name)


def hole_in(image: Image) -> np.ndarray:
    """A box in the middle: of a volume in its two middle slices only."""
    hole = np.zeros(image.voxels.shape, bool)
    rows, columns = image.voxels.shape[:2]
    hole[(slice(rows // 3, rows // 2), slice(columns // 3, columns // 2), slice(1, 3))[: hole.ndim]] = True
    return hole


def results_of(source: Path, folder: Path, *, samples: int = 0) -> Results:
    """A source filled, and all that is written of it."""
    image = read_image(source)
    fill = filler(image.modality or "cxr")(image, hole_in(image), samples=samples)
    return write_results(image, fill.image, fill.hole, fill.report, folder, fill.spread if samples else None)


def program(name: str, packages: str = "dcmtk, dicom3tools") -> str:
    """A program of one of Debian's packages; its test is skipped by name where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {packages})")
    return found


def errors_in(path: Path) -> set[str]:
    """What dciodvfy has against a file, without its objection to an attribute newer than itself (SyntheticData)."""
    ran = subprocess.run(
        [program("dciodvfy"), str(path)], capture_output=True, text=True, check=False, errors="replace"
    )
    lines = (ran.stdout + ran.stderr).splitlines()
    return {line for line in lines if line.startswith(("Error", "Abort")) and "(0x0008,0x001c)" not in line}
