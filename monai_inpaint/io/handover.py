"""Receive images, headers and refusals from another process, without running code."""

from __future__ import annotations

import io
import json
import mmap
import pickle
from dataclasses import dataclass
from importlib import import_module
from itertools import accumulate
from typing import IO, Any

from monai_inpaint.errors import InputError

# classes that hold values and do nothing when they are made
_CLASSES = {
    "pathlib": ("PosixPath", "PurePosixPath"),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "builtins": ("bytearray", "complex", "set", "frozenset", "slice"),
    "numpy": ("dtype", "ndarray"),
    "numpy.core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy.core.numeric": ("_frombuffer",),
    "numpy._core.numeric": ("_frombuffer",),
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
    """Write an image or a refusal into a file; arrays are written as in memory."""
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(value, 5, buffer_callback=buffers.append)
    parts = [content, *(buffer.raw() for buffer in buffers)]
    lengths = json.dumps([len(part) for part in parts]).encode() + b"\n"
    file.write(lengths)
    for start, part in zip(_starts(len(lengths), [len(part) for part in parts]), parts, strict=False):
        file.seek(start)
        file.write(part)


def take_over(file: IO[bytes]) -> Any:
    """Read an object from a file; its arrays stay in the pages of the file, and may be written to.

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
    """Offsets of parts of these lengths, each at a multiple of 64 bytes."""
    return list(
        accumulate(lengths, lambda start, length: -(-(start + length) // 64) * 64, initial=-(-first // 64) * 64)
    )


@dataclass(frozen=True)
class Refusal:
    """Why an image could not be read.

    Attributes:
        text: the message of the exception.
        kind: "input", "memory", "system" (with its `number` and `name` of a file), or "fault" of ours.
        cause: the message of the library that failed.
    """

    text: str
    kind: str
    cause: str = ""
    number: int = 0
    name: str = ""

    @classmethod
    def of(cls, error: Exception) -> Refusal:
        """Return the refusal for an exception; it is one of memory wherever that was lacking."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                return cls(str(error), "memory")
            cause = cause.__cause__
        if isinstance(error, InputError):
            return cls(str(error), "input", str(error.__cause__ or ""))
        if isinstance(error, OSError):
            return cls(error.strerror or str(error), "system", number=error.errno or 0, name=str(error.filename or ""))
        return cls(f"{type(error).__name__}: {error}", "fault")

    def error(self) -> Exception:
        """Return an equal exception, to be raised here."""
        if self.kind == "input":
            error = InputError(self.text)
            error.__cause__ = Exception(self.cause) if self.cause else None
            return error
        if self.kind == "system":
            return OSError(self.number, self.text, self.name or None)
        return MemoryError(self.text) if self.kind == "memory" else RuntimeError(self.text)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        ours = module == "monai_inpaint.imaging.image" or module.startswith("monai_inpaint.io.")
        if ours or name in _CLASSES.get(module, ()):
            found = getattr(import_module(module), name)
            if not ours or (isinstance(found, type) and found.__module__ == module):  # images and headers
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not part of an image")
