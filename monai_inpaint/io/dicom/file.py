"""Read one DICOM file into a data set, in memory bounded by the size of the file, whatever its header states."""

from __future__ import annotations

import io
import os
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble, read_sequence
from pydicom.hooks import raw_element_vr
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_inpaint.errors import InputError
from monai_inpaint.io.checks import parsing
from monai_inpaint.paths import regular_file

INFLATED = 2**29  # bytes a deflated file may unpack to; ten times a large film
# images deflate 2 to 10 times, segmentations of hundreds of slices some 100 times; small files may hold whole ones
_DEFLATED, _SMALL = 200, 2**26
_BLOCK = 2**20
_PIXEL_DATA = 0x7FE00010
# Parts that are read of a file, two or three an element: pydicom takes some 30 us and 1 kB for each element. An empty
# item costs as much as several, and says nothing.
_PARTS, _BYTES_PER_PART, _PARTS_PER_EMPTY_ITEM = 200_000, 200, 10
_EMPTY_ITEMS = b"\xfe\xff\x00\xe0\0\0\0\0", b"\xff\xfe\xe0\x00\0\0\0\0"
_CUT = "Unexpected end of file|End of file reached"


def load(path: Path, *, head: bool = False, only: list[str] | None = None) -> Dataset:
    """The data set of a file; with `head` without its pixels, with `only` no more than the elements of these keywords.

    Raises:
        InputError: not a regular file, not DICOM, damaged, truncated, or it unpacks to more than the largest image.
    """
    regular_file(path)
    parts = _Parts()
    with warnings.catch_warnings(action="ignore"), parsing(path, "DICOM"), _Sized(path, parts) as file:
        warnings.filterwarnings("error", _CUT)  # pydicom warns, and gives what came before
        try:
            inflated = _inflated(file, path)
            if inflated is None:
                dataset = pydicom.dcmread(file, stop_before_pixels=head, specific_tags=list(only) if only else None)
            else:
                dataset = _read_inflated(inflated, path, parts, head=head, only=only)
            _read_sequences(dataset, path, parts)
        except UserWarning as warning:
            raise InputError(f"{path} is cut short; copy it again.") from warning
        except InvalidDicomError as error:
            raise InputError(
                f"{path} cannot be read as DICOM: it is of another kind, or lacks the preamble and the DICM that begin "
                "DICOM files; write it again as a DICOM file."
            ) from error
        except Exception as error:
            if parts.exceeded:  # which pydicom may have reported in its own words
                raise InputError(f"{path} consists of more elements than any image of its size; check it.") from error
            raise
    # nothing is read later, and neither a function nor a deflated file that was unpacked is anything to hand over
    dataset.fileobj_type = dataset.buffer = None
    return dataset


@dataclass
class _Parts:
    """Counts the parts of a file that were read, against a limit."""

    read: int = 0
    most: float = 0.0

    @property
    def exceeded(self) -> bool:
        return self.read > self.most

    def count(self, part: bytes) -> None:
        self.read += _PARTS_PER_EMPTY_ITEM if part in _EMPTY_ITEMS else 1
        if self.exceeded:
            raise InputError("There are more parts than in any image.")


class _Sized(io.BufferedReader):
    """A file from which never more is read than it contains: Python allocates what a stated length asks for.

    Nor is it asked without end: millions of empty elements fit into a small file.
    """

    def __init__(self, path: Path, parts: _Parts, content: bytes | None = None) -> None:
        # pydicom adds the name to a text
        super().__init__(io.FileIO(str(path)) if content is None else io.BytesIO(content))  # type: ignore[arg-type]
        self._bytes = os.fstat(self.fileno()).st_size if content is None else len(content)
        self._parts = parts
        parts.most = max(parts.most, _PARTS + self._bytes / _BYTES_PER_PART)

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _BLOCK:
            size = min(size, max(self._bytes - self.tell(), 0))
        part = super().read(size)
        self._parts.count(part)
        return part


def _read_sequences(dataset: Dataset, path: Path, parts: _Parts) -> None:
    """Read now, within our bounds, what pydicom would read later without: sequences with a stated length."""
    for element in list(dataset.values()):
        if isinstance(element, RawDataElement):
            if not element.value or element.VR not in ("SQ", "UN", None) or _vr(element, dataset) != "SQ":
                continue
            with _Sized(path, parts, element.value) as content:
                endian = element.is_little_endian
                encoding = dataset.original_character_set
                items = read_sequence(content, element.is_implicit_VR, endian, len(element.value), encoding)
            dataset[element.tag] = element = DataElement(element.tag, "SQ", items, element.value_tell)
        if element.VR == "SQ":
            for item in element.value:
                _read_sequences(item, path, parts)


def _vr(element: RawDataElement, dataset: Dataset) -> str | None:
    """The value representation, looked up if the file does not state it."""
    found: dict[str, str] = {}
    raw_element_vr(element, found, ds=dataset)
    return found["VR"]


@dataclass(frozen=True)
class _Inflated:
    preamble: bytes | None
    meta: FileMetaDataset
    content: bytes


def _inflated(file: io.BufferedReader, path: Path) -> _Inflated | None:
    """Content of a deflated data set; None if it is not deflated.

    Raises:
        InputError: it is more than it should be, which is found out without keeping it.
    """
    preamble = read_preamble(file, force=False)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    start, inflated = file.tell(), None
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
        most = min(INFLATED, max(_DEFLATED * path.stat().st_size, _SMALL))
        packed = file.read(_BLOCK)
        while packed:
            total += len(inflater.decompress(packed, _BLOCK))
            if total > most:
                raise InputError(
                    f"{path} unpacks to more than {most >> 20} MB, more than an image of its size; check it."
                )
            packed = inflater.unconsumed_tail or file.read(_BLOCK)
        file.seek(start)
        inflated = _Inflated(preamble, FileMetaDataset(meta), zlib.decompress(file.read(), -zlib.MAX_WBITS))
    file.seek(0)
    return inflated


def _read_inflated(inflated: _Inflated, path: Path, parts: _Parts, *, head: bool, only: list[str] | None) -> Dataset:
    """The data set, read as carefully as from a file; pydicom would read it without any of our bounds."""
    stop = (lambda tag, _vr, _length: tag == _PIXEL_DATA) if head else None
    tags: list[BaseTag | int] | None = [Tag(keyword) for keyword in only] if only else None
    with _Sized(path, parts, inflated.content) as file:
        dataset = read_dataset(file, False, True, stop_when=stop, specific_tags=tags)
    return FileDataset(str(path), dataset, inflated.preamble, inflated.meta, False, True)
