"""Made-up images that several tests load."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy.ndimage import affine_transform, gaussian_filter

from monai_inpaint.demo.pelvis import pelvis_slice
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.synthesis.metal.simulate import simulate_metal

ASTRA = find_spec("astra") is not None  # corrects projections, and simulates them
ROWS, COLUMNS = 160, 128


@cache
def film() -> np.ndarray:
    """A part of a computed chest film of 12 bits, with a wire over a lung."""
    film = np.array(chest_film()[16:496:3, :384:3])
    film[:, 60:68] = 3900
    film.setflags(write=False)
    return film


def computed_head() -> np.ndarray:
    """A head of ellipses with folds, (k, j, i) int16: all below 700 but a ball of 900 in its middle."""
    k, j, i = np.indices((24, 96, 96))
    size = 1 - ((k - 12) / 34) ** 2
    x, y = (i - 48) / (35 * size), (j - 48) / (42 * size)
    r, turn = np.hypot(x, y), np.arctan2(y, x)
    folds = 0.7 + 0.08 * np.sin(15 * turn + 3 * np.sin(2 * turn) + k / 3)
    head = np.select([r < folds, r < 0.85, r < 0.89, r < 0.95, r < 1], [560, 420, 120, 60, 480], 0).astype(float)
    head[(np.hypot((np.abs(x) - 0.16) / 0.09, (y + 0.1) / 0.3) < 1) | ((np.abs(x) < 0.02) & (r < 0.85))] = 140
    head = gaussian_filter(head, (0, 0.7, 0.7)) + np.random.default_rng(0).normal(0, 8, k.shape) * (r < 1.05)
    head[(i - 48) ** 2 + (j - 48) ** 2 + (2.5 * (k - 12)) ** 2 <= 64] = 900
    return head.astype(np.int16)


def computed_pelvis() -> np.ndarray:
    """Slices of 5 mm through both hips in HU, (k, j, i) int16, with a bright lesion without a border in the middle."""
    k, j, i = np.indices((24, 256, 256))
    slices = []
    for number in range(24):
        scale = np.diag([1 + 0.012 * abs(number - 12)] * 2)  # smaller upwards and downwards
        flat = pelvis_slice(number).voxels[..., 0].T.astype(float)
        slices.append(affine_transform(flat, scale, 127.5 * (1 - scale.diagonal()), order=1, cval=-1000))
    far = ((i - 127.5) / 6) ** 2 + ((j - 127.5) / 6) ** 2 + ((k - 12) / 2) ** 2
    return (np.stack(slices) + 260 * np.exp(-far / 2)).astype(np.int16)


def computed_hip() -> np.ndarray:
    """Slices of 5 mm through both hips in HU, (k, j, i) int16; one hip is of metal, and casts streaks."""
    if ASTRA:
        flat = simulate_metal(pelvis_slice(), "hip", seed=3).artifact.voxels[..., 0].T.astype(float)
    else:
        flat, rng = pelvis_slice().voxels[..., 0].T.astype(float), np.random.default_rng(0)
        j, i = np.indices(flat.shape)
        for angle in rng.uniform(0, np.pi, 14):
            flat[np.abs((i - 70) * np.sin(angle) - (j - 128) * np.cos(angle)) < 2] += rng.choice([-250, 250])
        flat[np.hypot(i - 70, j - 128) < 12] = 3000
    noise = np.random.default_rng(0).normal(0, 6, (8, *flat.shape))
    return np.where(flat > 2500, flat, flat + noise).clip(-1024, 32000).astype(np.int16)


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
    """Six slices of a computed pelvis."""
    files = []
    for n in range(6):
        pixels = (1100 + pelvis_slice(n).voxels[::2, ::2, 0].T).astype(np.uint16)
        place = {"ImagePositionPatient": [-205, -205, 5 * n], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        scale = {"RescaleSlope": 1, "RescaleIntercept": -1100, "PixelSpacing": [3.2, 3.2], "SliceThickness": 5}
        files.append(write_dicom(folder / f"{n}.dcm", pixels, CTImageStorage, "CT", series, n + 1, **place, **scale))
    return files


def unpacked(archive: Path, folder: Path) -> dict[str, Path]:
    """The files in a zip archive by their names in it."""
    with ZipFile(archive) as opened:
        opened.extractall(folder)
    return {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
