"""Find the files that an ONNX graph loads weights from, without running an engine's code on it.

A graph is a protobuf message: pairs of a field number and its value. Only fields that may contain tensors are searched
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monai_inpaint.errors import InputError

LARGEST = 2**31  # bytes; protobuf knows no larger message
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_DEEPEST = 32  # graphs and functions inside one another
_GRAPH_OF_MODEL = 7
# message -> the fields that lead to tensors, and what lies there
_BELOW = {
    "model": {_GRAPH_OF_MODEL: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "place"},
    "place": {},
}


def check_graph_file(path: Path) -> None:
    """Refuse a file that is not an ONNX graph, or loads weights from outside its own folder.

    Raises:
        InputError: see above; or it is not a regular file, or too large.
    """
    if not path.is_file():
        raise InputError(f"{path}: the bundle's network is missing; install the bundle again.")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} is larger than an ONNX graph can be; install the bundle again.")
    content = memoryview(path.read_bytes())
    try:
        if not any(number == _GRAPH_OF_MODEL for number, _ in _fields(content)):
            raise ValueError("it contains no graph")
        named = list(_places(content, "model", _DEEPEST))
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: the bundle's network is damaged ({error}); install it again.") from None
    folder = path.parent.resolve()
    for name in named:
        place = (folder / name).resolve() if "\0" not in name else folder
        if not (place.is_file() and place.is_relative_to(folder)):
            raise InputError(
                f"{path} takes weights from {name!r}, which is not a file of the bundle's own; use another bundle."
            )


def _places(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    """The files of the tensors in a message."""
    if depth == 0:
        raise ValueError("its graphs are nested too deeply")
    key = location = ""
    for number, value in _fields(message):
        if isinstance(value, int):
            continue
        if kind == "place":
            key, location = (str(value, "utf-8"), location) if number == 1 else (key, str(value, "utf-8"))
        elif number in _BELOW[kind]:
            yield from _places(value, _BELOW[kind][number], depth - (kind == "graph"))
    if key == "location":
        yield location


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The fields of a message: number and value, an int or bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            value, at = 0, at + (8 if kind == _EIGHT_BYTES else 4)
        elif kind == _LENGTH:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            raise ValueError("it is not an ONNX graph")
        if at > len(message):
            raise ValueError("it is cut short")
        yield tag >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at == len(message):
            raise ValueError("it is cut short")
        number |= (message[at] & 127) << shift
        at += 1
        if message[at - 1] < 128:
            return number, at
    raise ValueError("it is not an ONNX graph")
