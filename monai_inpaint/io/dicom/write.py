"""Write DICOM from a DICOM source: one file, or a folder with one file a slice; Explicit VR Little Endian."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.dicom.derive import NewSeries, check_identity, is_enhanced, mark_derived
from monai_inpaint.io.dicom.enhanced import mark_frames
from monai_inpaint.io.dicom.header import BAD_VALUES, DicomHeader
from monai_inpaint.io.dicom.pixels import words_of
from monai_inpaint.io.dicom.private_elements import drop_private


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Write the stored values into copies of the source's data sets.

    Args:
        image: read from DICOM, other voxels perhaps.
        path: a .dcm file, or an existing folder, which gets slice_0001.dcm and so on along the slice axis.
        derived: None keeps all UIDs and all elements; otherwise the files are marked as derived, become a new series,
            and lose their private elements.

    Raises:
        InputError: the image has no DICOM source, or one without UIDs that could be referred to, its voxels another
            type, or a series should go to one file.
    """
    header, folder = image.header, path.is_dir()
    if not isinstance(header, DicomHeader):
        where = "a folder (a path without suffix)" if folder else "a .dcm file"
        raise InputError(
            f"{path.name}: only an image that was read from DICOM can be written to {where}; choose .nii.gz or .nrrd."
        )
    if len(header.datasets) > 1 and not folder:
        raise InputError(
            f"{path.name} is one file, but the image is a DICOM series; give a folder (a path without suffix)."
        )
    if derived:
        for dataset in header.datasets:
            check_identity(dataset, image.path or path.name)
    series, extremes = NewSeries(), (int(image.voxels.min()), int(image.voxels.max()))
    with taking_over(path.name):
        for k, dataset in enumerate(header.datasets):
            target = path / f"slice_{k + 1:04d}.dcm" if folder else path
            _save(dataset, _pixels(image, header, k), _words(header, k), target, derived, series, extremes)


def _pixels(image: Image, header: DicomHeader, k: int) -> np.ndarray:
    """Pixels of file k: (rows, columns), or (frames, rows, columns) in the order of the file."""
    if header.frames is not None:
        return image.voxels.transpose(2, 1, 0)[np.argsort(header.frames)]
    return image.voxels if image.voxels.ndim == 2 else image.voxels[:, :, k].T


def _words(header: DicomHeader, k: int) -> list[np.ndarray | None]:
    """The words that file k was read from, frame by frame, where they held more than the values."""
    order = [k] if header.frames is None else np.argsort(header.frames)
    return [header.words_of_slice(n) for n in order]


def _save(
    source: Dataset,
    pixels: np.ndarray,
    before: list[np.ndarray | None],
    path: Path,
    derived: dict[str, str] | None,
    series: NewSeries,
    extremes: tuple[int, int],
) -> None:
    bits, signed = int(source.BitsAllocated), int(source.get("PixelRepresentation") or 0)
    if bits not in (8, 16, 32) or pixels.dtype != np.dtype(f"{'i' if signed else 'u'}{bits // 8}"):
        raise InputError(
            f"{path.name}: the DICOM source stores {bits}-bit {'signed' if signed else 'unsigned'} values, "
            f"{pixels.dtype} cannot be written into it; choose .nii.gz or .nrrd."
        )
    if pixels.shape[-2:] != (int(source.Rows), int(source.Columns)):
        raise ValueError(f"pixels {pixels.shape} do not fit the source's {source.Rows} x {source.Columns}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # source values that break a rule of the standard are kept as they are
        dataset = _shallow_copy(source)
        if derived:
            mark_derived(dataset, source, ((int(pixels.min()), int(pixels.max())), extremes), derived, series)
            if is_enhanced(source):
                mark_frames(dataset, source, derived)
            drop_private(dataset)
            dataset.file_meta = FileMetaDataset()  # who sent the source, and with which program, says nothing of this
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        frames = pixels.reshape(-1, *pixels.shape[-2:])
        words = [words_of(frame, source, known) for frame, known in zip(frames, before, strict=True)]
        data = b"".join(frame.astype(frame.dtype.newbyteorder("<"), copy=False).tobytes() for frame in words)
        dataset.add_new("PixelData", "OW" if bits > 8 else "OB", data + b"\0" * (len(data) % 2))
        save(dataset, path)


def save(dataset: Dataset, path: Path) -> None:
    """Write one DICOM file."""
    dcmwrite(path, dataset, enforce_file_format=True)


@contextmanager
def taking_over(name: str) -> Iterator[None]:
    """Turn faults of elements that are copied from a source to `name` into an `InputError` of that source.

    Raises:
        InputError: one of them has a value that its type forbids.
    """
    try:
        yield
    except BAD_VALUES as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(
            f"{name} cannot be written, as its source contains a damaged element ({why}); repair it or write .nii.gz."
        ) from error


def _shallow_copy(source: Dataset) -> FileDataset:
    """A separate data set with equal elements; copy.copy of the whole would share the table of elements."""
    meta = FileMetaDataset()
    for tag in source.file_meta.keys():  # noqa: SIM118 - iterating a Dataset gives its elements
        meta[tag] = source.file_meta.get_item(tag)
    implicit, little = source.original_encoding
    dataset = FileDataset(
        "",
        {tag: copy.copy(source.get_item(tag)) for tag in source.keys()},  # noqa: SIM118 - iterating a Dataset gives its elements
        getattr(source, "preamble", None),
        meta,
        bool(implicit),
        little is not False,
    )
    dataset.set_original_encoding(implicit, little, source.original_character_set)
    return dataset
