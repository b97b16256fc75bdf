"""Read DICOM: one file (a slice, a film, an enhanced multi-frame volume) or a folder with one series."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.checks import check_affine, parsing
from monai_inpaint.io.dicom.compressed_size import check_size
from monai_inpaint.io.dicom.file import load
from monai_inpaint.io.dicom.folder import note_part, slices_in
from monai_inpaint.io.dicom.geometry import film_affine, plane_affine, plane_of, stack_planes
from monai_inpaint.io.dicom.identity import uid_name
from monai_inpaint.io.dicom.lossy import is_lossy, note_loss
from monai_inpaint.io.dicom.mosaic import check_no_mosaic
from monai_inpaint.io.dicom.pixels import check_bits, decode_frame
from monai_inpaint.io.dicom.scale import merged_padding, merged_range, rescale_of, together

MODALITIES = {"CT": "ct", "MR": "mr", "CR": "cxr", "DX": "cxr"}
_PIXELS = ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
# what pydicom and float() raise where an element holds what its type forbids
BAD_VALUES = (ValueError, TypeError, OverflowError, AttributeError, NotImplementedError, LookupError, struct.error)


@dataclass(frozen=True)
class DicomHeader:
    """Data sets without their pixels, in the order of the slices.

    Attributes:
        datasets: one a slice of a series; a single one for a 2D image or a multi-frame file.
        frames: for a multi-frame file the frame (from 0) of each slice; None for all others.
        words: of each slice the words of its file (rows, columns) where they hold more than its values, else None; ()
            where all are.
        left_out: SOPInstanceUIDs of the series that are no slices of it: localizers.
    """

    datasets: tuple[Dataset, ...]
    frames: tuple[int, ...] | None = None
    words: tuple[np.ndarray | None, ...] = ()
    left_out: frozenset[str] = frozenset()

    def of_slice(self, k: int) -> Dataset:
        """The data set that a slice came from."""
        return self.datasets[min(k, len(self.datasets) - 1)]

    def words_of_slice(self, k: int) -> np.ndarray | None:
        """The words of a slice where they hold more than its values."""
        return self.words[k] if self.words else None


def read(path: Path) -> Image:
    """One DICOM file: 2D (rows, columns), or 3D (i, j, k) from an enhanced multi-frame file."""
    with parsing(path, "DICOM", BAD_VALUES), _without_warnings():
        return _read(path)


def read_folder(folder: Path) -> Image:
    """The one series in a folder (not in its subfolders): 3D (i, j, k), i along rows, j down, k along the normal.

    Its slices are what `slices_in` finds; what it leaves out is told in the image's notes.
    """
    with parsing(folder, "a DICOM series", BAD_VALUES), _without_warnings():
        return _read_folder(folder)


def _read(path: Path) -> Image:
    dataset = load(path)
    check_no_mosaic(dataset, path)
    if int(dataset.get("NumberOfFrames") or 1) > 1 or "PerFrameFunctionalGroupsSequence" in dataset:
        from monai_inpaint.io.dicom.multiframe import read_frames

        return replace(read_frames(dataset, path), notes=note_part(dataset))
    voxels, words = decode(dataset, path)
    plane = plane_of(dataset)
    if plane is not None:
        affine = plane_affine(plane)
    else:
        affine = film_affine(dataset) if dataset.get("Modality") in ("CR", "DX") else None
    if affine is not None:
        check_affine(path, affine)
    slope, intercept = rescale_of(dataset, path)
    image = image_of(voxels, affine, slope, intercept, path, DicomHeader((without_pixels(dataset),), words=(words,)))
    return replace(image, placed=plane is not None)


def _read_folder(folder: Path) -> Image:
    slices = slices_in(folder)
    if len(slices.heads) == 1:
        image = _read(slices.heads[0][0])
        return replace(image, notes=(*slices.notes, *image.notes))
    order, affine = stack_planes(folder, [(path, plane_of(head)) for path, head in slices.heads])
    paths = [slices.heads[n][0] for n in order]

    stack, datasets, words = np.empty(0), [], []
    for k, path in enumerate(paths):
        dataset = load(path)
        pixels, more = decode(dataset, path)
        if k == 0:
            stack = empty_stack(folder, len(paths), pixels)
        stack[k] = pixels
        datasets.append(without_pixels(dataset))
        words.append(more)
    scales = [rescale_of(dataset, path) for dataset, path in zip(datasets, paths, strict=True)]
    slope, intercept = together([s for s, _ in scales]), together([i for _, i in scales])
    header = DicomHeader(tuple(datasets), words=tuple(words), left_out=slices.left_out)
    return replace(image_of(stack.transpose(2, 1, 0), affine, slope, intercept, folder, header), notes=slices.notes)


def decode(dataset: Dataset, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Stored values of a file with one frame, and its words, as `decode_frame` gives them."""
    check_pixels(dataset, path)
    return decode_frame(dataset, path, None)


def check_pixels(dataset: Dataset, path: Path) -> None:
    """Refuse a data set without a grey image that can be decoded; note in it whether compression changed its values.

    Raises:
        InputError: as said.
    """
    if "PixelData" not in dataset or "Rows" not in dataset:
        kind = uid_name(dataset.get("SOPClassUID", ""))
        raise InputError(f"{path} holds no image ({kind}), or is cut short; give DICOM image files.")
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if int(dataset.get("SamplesPerPixel") or 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise InputError(f"{path} is a colour image ({photometric}); give a grey one.")
    _check_compression(dataset, path)
    with parsing(path, "DICOM"):
        check_size(dataset, path)
        check_bits(dataset, path)
        note_loss(dataset)


def empty_stack(path: Path, count: int, first: np.ndarray) -> np.ndarray:
    """Room for slices like the first: (slices, rows, columns).

    Raises:
        InputError: this machine has no memory for them.
    """
    shape = (count, *first.shape)
    try:
        return np.empty(shape, first.dtype)
    except MemoryError as error:
        size = first.nbytes * count / 2**30
        raise InputError(
            f"{path} holds {shape} voxels, {size:.1f} GB: more than the memory of this machine."
        ) from error


def without_pixels(dataset: Dataset) -> Dataset:
    """The data set itself, relieved of its pixels."""
    for keyword in _PIXELS:
        if keyword in dataset:
            del dataset[keyword]
    return dataset


def image_of(
    voxels: np.ndarray,
    affine: np.ndarray | None,
    slope: float | np.ndarray,
    intercept: float | np.ndarray,
    path: Path,
    header: DicomHeader,
) -> Image:
    """An Image with what the first data set says of modality, range and polarity."""
    first = header.datasets[0]
    return Image(
        voxels,
        affine,
        MODALITIES.get(str(first.get("Modality", ""))),
        slope,
        intercept,
        merged_range(header.datasets),
        str(first.PhotometricInterpretation) == "MONOCHROME1",
        path,
        header,
        lossy=any(map(is_lossy, header.datasets)),
        padding=merged_padding(header.datasets),
    )


def _check_compression(dataset: Dataset, path: Path) -> None:
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID") or "")
    try:
        known = not syntax or get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        raise InputError(f"{path} has the unsupported compression {uid_name(syntax)}; save it uncompressed.")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """pydicom warns of values that break a rule of the standard; they are kept as they are, or refused by us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
