"""Read DICOM: one file (a slice, a film, an enhanced multi-frame volume) or a folder with one series."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.checks import check_affine, parsing
from monai_inpaint.io.dicom_codestream import check_size
from monai_inpaint.io.dicom_file import load
from monai_inpaint.io.dicom_geometry import film_affine, plane_affine, plane_of, stack_planes
from monai_inpaint.io.dicom_lossy import is_lossy, note_loss
from monai_inpaint.io.dicom_pixels import check_bits, decode_frame
from monai_inpaint.io.dicom_scale import merged_padding, merged_range, rescale_of, together

MODALITIES = {"CT": "ct", "MR": "mr", "CR": "cxr", "DX": "cxr"}
_PIXELS = ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
# what pydicom and float() raise where an element holds what its type forbids
BAD_VALUES = (ValueError, TypeError, OverflowError, AttributeError, NotImplementedError, LookupError, struct.error)
_SAME_IN_A_SERIES = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation", "PhotometricInterpretation")


@dataclass(frozen=True)
class DicomHeader:
    """Data sets without their pixels, in the order of the slices.

    Attributes:
        datasets: one a slice of a series; a single one for a 2D image or a multi-frame file.
        frames: for a multi-frame file the frame (from 0) of each slice; None for all others.
        words: of each slice the words of its file (rows, columns) where they hold more than its values, else None; ()
            where all are.
    """

    datasets: tuple[Dataset, ...]
    frames: tuple[int, ...] | None = None
    words: tuple[np.ndarray | None, ...] = ()

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

    Files that are no DICOM images (a DICOMDIR, texts, reports, structures) are passed over, and localizers beside other
    images.
    """
    with parsing(folder, "a DICOM series", BAD_VALUES), _without_warnings():
        return _read_folder(folder)


def _read(path: Path) -> Image:
    dataset = load(path)
    if int(dataset.get("NumberOfFrames") or 1) > 1 or "PerFrameFunctionalGroupsSequence" in dataset:
        from monai_inpaint.io.dicom_frames import read_frames

        return read_frames(dataset, path)
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
    heads = _without_localizers(_image_heads(folder))
    if not heads:
        raise InputError(f"{folder} holds no DICOM images; give the folder the image files lie in.")
    if len(heads) == 1:
        return _read(heads[0][0])
    _check_one_series(folder, heads)
    for path, head in heads:
        if int(head.get("NumberOfFrames") or 1) > 1:
            raise InputError(f"{path} holds several frames beside other files in its folder; give this file by itself.")
    order, affine = stack_planes(folder, [(path, plane_of(head)) for path, head in heads])
    paths = [heads[n][0] for n in order]

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
    header = DicomHeader(tuple(datasets), words=tuple(words))
    return image_of(stack.transpose(2, 1, 0), affine, slope, intercept, folder, header)


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
        raise InputError(
            f"{path} holds no image ({_kind(dataset, 'unknown kind')}), or is cut short; give DICOM image files."
        )
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
        raise InputError(f"{path} has the unsupported compression {syntax.name}; save it uncompressed.")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """pydicom warns of values that break a rule of the standard; they are kept as they are, or refused by us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _kind(dataset: Dataset, otherwise: str) -> str:
    return getattr(dataset.get("SOPClassUID"), "name", None) or otherwise


def _image_heads(folder: Path) -> list[tuple[Path, Dataset]]:
    heads = []
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        with path.open("rb") as file:
            start = file.read(132)
        if start[128:] != b"DICM":
            # A slice passed over in silence would be a gap, so what begins like a data set is refused.
            if start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00":
                raise InputError(f"{path} looks like DICOM without its preamble; write it anew as a DICOM file.")
            # nothing, or a part of the empty preamble, under a name that slices have: a copy that failed
            suffix = path.suffix.lower()
            failed = not start.strip(b"\0") and (suffix in ("", ".ima") or suffix[1:].isdigit())
            if suffix == ".dcm" or failed:
                raise InputError(f"{path} is no DICOM file, or is damaged; replace or remove it.")
            continue
        head = load(path, head=True)
        if "Rows" in head and "SOPInstanceUID" in head:
            heads.append((path, head))
        elif "DirectoryRecordSequence" not in head and "Image Storage" in _kind(head, "Image Storage"):
            raise InputError(f"{path} is cut short; copy it again.")
    return heads


def _without_localizers(heads: list[tuple[Path, Dataset]]) -> list[tuple[Path, Dataset]]:
    """Without the overview images that a scan is planned on, unless there is nothing else."""
    others = [(path, head) for path, head in heads if "LOCALIZER" not in str(head.get("ImageType", "")).upper()]
    return others or heads


def _check_one_series(folder: Path, heads: Sequence[tuple[Path, Dataset]]) -> None:
    series: dict[str, list[Dataset]] = {}
    for _, head in heads:
        series.setdefault(str(head.get("SeriesInstanceUID", "")), []).append(head)
    if len(series) > 1:
        listed = "; ".join(
            f"{uid} ({len(items)} files, {items[0].get('Modality')}, {items[0].get('SeriesDescription')})"
            for uid, items in series.items()
        )
        raise InputError(f"{folder} holds {len(series)} series; put one into a folder of its own: {listed}.")
    first_path, first = heads[0]
    seen: dict[str, Path] = {}
    for path, head in heads:
        other = seen.setdefault(str(head.SOPInstanceUID), path)
        if other is not path:
            raise InputError(
                f"{path} has the SOPInstanceUID of {other.name}, and no two images may; remove one of them."
            )
        for keyword in _SAME_IN_A_SERIES:
            if head.get(keyword) != first.get(keyword):
                raise InputError(
                    f"{path} has {keyword} {head.get(keyword)}, {first_path.name} has {first.get(keyword)}; "
                    "give slices of one kind and size."
                )
