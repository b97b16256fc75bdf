"""One DICOM file as a data set, in memory that its size bounds, whatever its header claims."""

from __future__ import annotations

import io
import os
import warnings
import zlib
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_inpaint.errors import InputError
from monai_inpaint.io.checks import parsing
from monai_inpaint.io.limits import regular_file

INFLATED = 2**29  # bytes a deflated file may unpack to; ten times a large film
_BLOCK = 2**20
_CUT = "Unexpected end of file|End of file reached"


def load(path: Path, *, head: bool = False, only: list[str] | None = None) -> Dataset:
    """The data set of a file; with `head` without its pixels, with `only` no more than the elements of these keywords.

    Raises:
        InputError: no regular file, no DICOM, damaged, cut short, or it unpacks to more than an image takes.
    """
    regular_file(path)
    with warnings.catch_warnings(action="ignore"), parsing(path, "DICOM"), _Sized(path) as file:
        warnings.filterwarnings("error", _CUT)  # pydicom warns, and gives what came before
        try:
            _check_inflated(file, path)
            dataset = pydicom.dcmread(file, stop_before_pixels=head, specific_tags=list(only) if only else None)
        except UserWarning as warning:
            raise InputError(f"{path} is cut short; copy it again.") from warning
        except InvalidDicomError as error:
            raise InputError(
                f"{path} cannot be read as DICOM: it is of another kind, or lacks the preamble and the DICM that begin "
                "DICOM files; write it anew as a DICOM file."
            ) from error
    # nothing is read later, and neither a function nor a deflated file that was unpacked is anything to hand over
    dataset.fileobj_type = dataset.buffer = None
    return dataset


class _Sized(io.BufferedReader):
    """A file that is never asked for more than it has: Python takes memory for what is asked, elements lie about it."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(str(path)))  # pydicom adds the name to a text
        self._bytes = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _BLOCK:
            size = min(size, max(self._bytes - self.tell(), 0))
        return super().read(size)


def _check_inflated(file: io.BufferedReader, path: Path) -> None:
    """Refuse a deflated data set that unpacks to more than it should, without keeping what it unpacks to."""
    read_preamble(file, force=False)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
        packed = file.read(_BLOCK)
        while packed:
            total += len(inflater.decompress(packed, _BLOCK))
            if total > INFLATED:
                raise InputError(f"{path} unpacks to more than {INFLATED >> 20} MB, more than any image; check it.")
            packed = inflater.unconsumed_tail or file.read(_BLOCK)
    file.seek(0)
