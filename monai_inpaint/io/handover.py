"""Take over what another process has read: images, headers and refusals, and nothing that could run."""

from __future__ import annotations

import io
import json
import mmap
import pickle
from dataclasses import is_dataclass
from importlib import import_module
from itertools import accumulate
from typing import IO, Any

from monai_inpaint.errors import InputError

# classes that hold values and do nothing when they are made
_CLASSES = {
    "monai_inpaint.errors": ("InputError",),
    "pathlib": ("PosixPath", "PurePosixPath"),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "builtins": (
        "bytearray", "complex", "set", "frozenset", "slice", "OSError", "FileNotFoundError", "NotADirectoryError",
        "PermissionError", "MemoryError", "RuntimeError",
    ),
    "numpy": ("dtype", "ndarray"),
    "numpy.core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy.core.numeric": ("_frombuffer",),
    "numpy._core.numeric": ("_frombuffer",),
    "nibabel.nifti1": ("Nifti1Header", "Nifti1Extension", "Nifti1Extensions", "Nifti1DicomExtension"),
    "nibabel.nifti2": ("Nifti2Header",),
    "PIL.PngImagePlugin": ("iTXt",),
    "PIL.TiffImagePlugin": ("IFDRational",),
    "pydicom.dataelem": ("DataElement", "RawDataElement"),
    "pydicom.dataset": ("Dataset", "FileDataset", "FileMetaDataset", "PrivateBlock"),
    "pydicom.multival": ("MultiValue", "ConstrainedList"),
    "pydicom.sequence": ("Sequence",),
    "pydicom.tag": ("BaseTag",),
    "pydicom.uid": ("UID",),
    "pydicom.valuerep": ("DA", "DSdecimal", "DSfloat", "DT", "IS", "ISfloat", "PersonName", "TM", "VR"),
}  # fmt: skip


def hand_over(value: object, file: IO[bytes]) -> None:
    """Write an image, or an exception of `to_hand_over`, into a file; its arrays lie there as they are in memory."""
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(value, 5, buffer_callback=buffers.append)
    parts = [content, *(buffer.raw() for buffer in buffers)]
    lengths = json.dumps([len(part) for part in parts]).encode() + b"\n"
    file.write(lengths)
    for start, part in zip(_starts(len(lengths), [len(part) for part in parts]), parts, strict=False):
        file.seek(start)
        file.write(part)


def take_over(file: IO[bytes]) -> Any:
    """What was handed over in a file; its arrays stay there, in the pages of the file, and may be written to.

    Raises:
        pickle.UnpicklingError: it is of a class that no reader makes.
    """
    file.seek(0)
    line = file.readline()
    lengths = json.loads(line)
    content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    starts = _starts(len(line), lengths)
    parts = [content[start : start + length] for start, length in zip(starts, lengths, strict=False)]
    return _Unpickler(io.BytesIO(parts[0]), buffers=parts[1:]).load()


def _starts(first: int, lengths: list[int]) -> list[int]:
    """Where parts of these lengths begin, each at a multiple of 64 bytes."""
    return list(
        accumulate(lengths, lambda start, length: -(-(start + length) // 64) * 64, initial=-(-first // 64) * 64)
    )


def to_hand_over(error: Exception) -> Exception:
    """An exception as one that can be taken over; where memory was lacking, a MemoryError."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return MemoryError(str(cause))
        cause = cause.__cause__
    if isinstance(error, InputError):
        return InputError(str(error))
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror, error.filename and str(error.filename))
    return RuntimeError(f"{type(error).__name__}: {error}")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = name in _CLASSES.get(module, ())
        if known or module.partition(".")[0] == "monai_inpaint":
            found = getattr(import_module(module), name)
            if known or is_dataclass(found):  # images and headers
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is nothing that an image consists of")
