"""MetaImage (.mha, .mhd with its voxels in a second file), after MetaIO's definition and reader in ITK.

Keys are case-sensitive; keys that the format does not define are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.checks import check_affine, check_voxels, in_units, native, parsing
from monai_inpaint.io.stored import Stored, packed, parts_of, read_stored
from monai_inpaint.io.text_header import (
    LPS_TO_RAS,
    MODALITIES,
    Line,
    TextHeader,
    bare,
    beside,
    check_present,
    lines_of,
    numbered,
    numbers,
    sizes_of,
    whole,
)

_DATA = "ElementDataFile"
_SYNONYMS = {
    "Position": "Offset", "Origin": "Offset", "Orientation": "TransformMatrix", "Rotation": "TransformMatrix",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}  # fmt: skip
_FIELDS = {
    "ObjectType", "ObjectSubType", "NDims", "Comment", "Name", "ID", "ParentID", "AcquisitionDate", "TransformType",
    "BinaryData", "BinaryDataByteOrderMSB", "CompressedData", "CompressedDataSize", "CompressionLevel", "Color",
    "Offset", "TransformMatrix", "CenterOfRotation", "DistanceUnits", "AnatomicalOrientation", "ElementSpacing",
    "ElementSize", "ElementNBits", "ElementMin", "ElementMax", "ElementNumberOfChannels",
    "ElementToIntensityFunctionSlope", "ElementToIntensityFunctionOffset", "ElementType", "Modality", "SequenceID",
    "ImagePosition", "HeaderSize", "HeaderSizePerSlice", "DimSize", _DATA,
}  # fmt: skip
_BY_LOWER_CASE = {field.lower(): field for field in _FIELDS | _SYNONYMS.keys()}
_PLACE = {"HeaderSize", _DATA}  # only hold for where the voxels lie now
_DTYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
_TYPES = {np.dtype(dtype): name for name, dtype in _DTYPES.items() if name not in ("MET_LONG", "MET_ULONG")}


def read(path: Path) -> Image:
    """3D as (i, j, k); 2D as (rows, columns)."""
    with parsing(path, "MetaImage"):
        lines, fields, listed, length = _header(path)
        size = whole(_need(fields, "NDims", path), "NDims", path)
        if size not in (2, 3):
            raise InputError(f"{path} has {size} dimensions; give one 2D or 3D image.")
        channels = whole(fields.get("ElementNumberOfChannels", "1"), "ElementNumberOfChannels", path)
        if channels != 1:
            raise InputError(f"{path} has {channels} values per voxel; give a grey image.")
        shape = sizes_of(_need(fields, "DimSize", path), size, "DimSize", path)
        dtype = _dtype(fields, path)
        check_voxels(path, dtype, shape)
        affine = check_affine(path, _affine(fields, size, path))
        compressed = _true(fields, "CompressedData", path)
        files = _data_files(path, fields[_DATA], listed, shape)
        stored = _stored(path, fields, Stored(files or (path,), dtype, shape, "zlib" if compressed else "raw", length))
        voxels = native(read_stored(stored, path))
    if size == 2:
        voxels, affine = voxels.T, affine[:, [1, 0, 2, 3]]
    metadata = {key: value for key, value in fields.items() if key not in _FIELDS or key == "Modality"}
    gone = _PLACE if compressed else _PLACE | {"CompressedDataSize"}
    kept = tuple(line for line in lines if line.field not in gone)
    header = TextHeader("meta", kept, voxels.dtype, voxels.shape, affine, metadata, compressed)
    placed = bool({"Offset", "TransformMatrix"} & fields.keys())
    return Image(voxels, affine, MODALITIES.get(metadata.get("Modality", "")), path=path, header=header, placed=placed)


def files_of(path: Path) -> list[Path]:
    """Return the header's file, and the data files that it names."""
    _, fields, listed, _ = _header(path)
    size = whole(_need(fields, "NDims", path), "NDims", path)
    shape = sizes_of(_need(fields, "DimSize", path), size, "DimSize", path)
    return [path, *_named(path, fields[_DATA], listed, shape)]


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Write to `path`, a .mhd with a second file for voxels. Units replace stored values if there is a scale."""
    known = image.header if isinstance(image.header, TextHeader) else None
    voxels, affine = in_units(image), image.affine
    if known is not None and known.describes("meta", voxels, affine):
        lines = list(known.lines)
    else:
        flat = affine is None or (known is not None and len(known.shape) == 2)
        if voxels.ndim == 2 and not flat and affine is not None:  # one slice in space
            voxels, affine = voxels.T[..., None], affine[:, [1, 0, 2, 3]]
        lines = _new_lines(voxels, affine, known)
    fields = {line.field: _split(bare(line.text))[1] for line in lines}
    big = _true(fields, "BinaryDataByteOrderMSB", path) or _true(fields, "ElementByteOrderMSB", path)
    parts = parts_of(voxels if voxels.ndim == 3 else voxels.T, voxels.dtype.newbyteorder(">" if big else "<"))
    compressed = known is None or known.compressed
    if compressed:
        parts = [packed(parts, "zlib")]
        lines = _with(_with(lines, "CompressedData", "True"), "CompressedDataSize", str(len(parts[0])))
    if derived:
        note = f"{derived['description']}; {derived['model']}, monai-inpaint {derived['version']}"
        lines = _with(lines, "Derived", note)
    apart = path.with_suffix(".zraw" if compressed else ".raw") if path.suffix.lower() == ".mhd" else None
    lines = _with(lines, _DATA, apart.name if apart else "LOCAL")
    with path.open("wb") as file:
        file.writelines(line.text for line in lines)
        if apart is None:
            file.writelines(parts)
    if apart is not None:
        with apart.open("wb") as file:
            file.writelines(parts)


def _header(path: Path) -> tuple[list[Line], dict[str, str], list[str], int]:
    """All lines, fields and their values, the lines that list data files, and the length of the header in bytes."""
    lines: list[Line] = []
    fields: dict[str, str] = {}
    length = 0
    texts = lines_of(path)
    for text in texts:
        length += len(text)
        content = bare(text)
        if not content.strip():
            lines.append(Line("", text))
            continue
        key, value = _split(content)
        if not key:
            raise InputError(f"{path} is not a MetaImage, or its header is damaged at the line {content[:80]!r}.")
        field = _SYNONYMS.get(key, key)
        meant = _BY_LOWER_CASE.get(key.lower(), key)
        if key != meant:
            raise InputError(f"{path} has a header with {key!r}, which MetaImage writes {meant!r}; repair it.")
        if fields.setdefault(field, value) != value:
            raise InputError(f"{path} has a header that states {field!r} twice; repair it.")
        lines.append(Line(key, text))
        if field == _DATA:
            break
    if _DATA not in fields:
        raise InputError(f"{path} is not a MetaImage, or is cut short: its header has no {_DATA}.")
    listed = [bare(text) for text in texts] if re.match(r"LIST(\s|$)", fields[_DATA]) else []
    return lines, fields, [name.strip() for name in listed if name.strip()], length


def _split(content: str) -> tuple[str, str]:
    """Key and value of a line; an empty key where it has neither = nor :."""
    ends = [at for at in (content.find("="), content.find(":")) if at >= 0]
    return (content[: min(ends)].strip(), content[min(ends) + 1 :].strip()) if ends else ("", "")


def _need(fields: Mapping[str, str], field: str, path: Path) -> str:
    if field not in fields:
        raise InputError(f"{path} has a header without {field!r}; repair it.")
    return fields[field]


def _true(fields: Mapping[str, str], field: str, path: Path) -> bool:
    value = fields.get(field, "False")
    if value.lower() not in ("true", "false", "t", "f", "1", "0"):
        raise InputError(f"{path} has a header whose {field} is {value[:40]!r} instead of True or False; repair it.")
    return value.lower() in ("true", "t", "1")


def _dtype(fields: Mapping[str, str], path: Path) -> np.dtype:
    """In the byte order of the file."""
    name = _need(fields, "ElementType", path)
    if name not in _DTYPES:
        raise InputError(f"{path} contains voxels of the type {name[:40]!r}; give whole or floating-point numbers.")
    if not _true({"BinaryData": "True", **fields}, "BinaryData", path):
        raise InputError(f"{path} contains its voxels as text (BinaryData = False); write it with BinaryData = True.")
    return np.dtype(_DTYPES[name]).newbyteorder(">" if _true(fields, "BinaryDataByteOrderMSB", path) else "<")


def _affine(fields: Mapping[str, str], size: int, path: Path) -> np.ndarray:
    """To RAS mm, of the array with the fastest axis first."""

    def of(field: str, default: list[float]) -> np.ndarray:
        return np.array(numbers(fields[field], len(default), field, path) if field in fields else default)

    spacing = of("ElementSpacing" if "ElementSpacing" in fields else "ElementSize", [1.0] * size)
    affine = np.eye(4)
    affine[:size, :size] = of("TransformMatrix", np.eye(size).ravel().tolist()).reshape(size, size).T * spacing
    affine[:size, 3] = of("Offset", [0.0] * size)
    return LPS_TO_RAS @ affine


def _data_files(path: Path, value: str, listed: list[str], shape: tuple[int, ...]) -> tuple[Path, ...]:
    named = _named(path, value, listed, shape)
    return check_present(path, named, shape) if named else ()


def _named(path: Path, value: str, listed: list[str], shape: tuple[int, ...]) -> list[Path]:
    """The data files; none where the voxels follow the header."""
    if value in ("LOCAL", "Local", "local"):
        return []
    if re.fullmatch(r"LIST(\s+\d+D?)?", value):
        return [beside(path, name) for name in listed] or [beside(path, value)]
    whole_name = beside(path, value)
    pattern = re.fullmatch(r"(.*%.*?)((?:\s+[+-]?\d{1,9}){0,3})", value)
    if pattern and not whole_name.exists():  # the name of a file may hold %
        given = [int(part) for part in pattern[2].split()]
        first, last, step = [*given, *[1, shape[-1], 1][len(given) :]]
        return numbered(path, pattern[1], first, last, step)
    return [whole_name]


def _stored(path: Path, fields: Mapping[str, str], stored: Stored) -> Stored:
    skip = whole(fields.get("HeaderSize", "0"), "HeaderSize", path)
    local, compressed = stored.files == (path,), stored.encoding != "raw"
    if skip < -1 or (compressed and skip) or (local and skip > 0) or (compressed and len(stored.files) > 1):
        raise InputError(f"{path} has a HeaderSize of {skip} that does not fit where its voxels lie; repair it.")
    offset = -1 if skip == -1 else stored.offset if local else skip
    return Stored(stored.files, stored.dtype, stored.shape, stored.encoding, offset)


def _new_lines(voxels: np.ndarray, affine: np.ndarray | None, known: TextHeader | None) -> list[Line]:
    """A header for 3D (i, j, k) or 2D (rows, columns) voxels, without the reference to the data file."""
    shape = voxels.shape if voxels.ndim == 3 else voxels.shape[::-1]
    size = len(shape)
    texts = {"ObjectType": "Image", "NDims": str(size), "BinaryData": "True", "BinaryDataByteOrderMSB": "False"}
    if affine is not None:
        lps = LPS_TO_RAS @ (affine if size == 3 else affine[:, [1, 0, 2, 3]])
        spacing = np.linalg.norm(lps[:size, :size], axis=0)
        texts["TransformMatrix"] = _numbers((lps[:size, :size] / spacing).T.ravel())
        texts["Offset"], texts["ElementSpacing"] = _numbers(lps[:size, 3]), _numbers(spacing)
    texts["DimSize"] = " ".join(map(str, shape))
    texts["ElementType"] = _TYPES[voxels.dtype]
    for key, value in (known.metadata if known else {}).items():
        free = key == "Modality" or key.lower() not in _BY_LOWER_CASE
        if free and key.strip() and not re.search(r"[=:\r\n]", key) and not re.search(r"[\r\n]", value):
            texts[key.strip()] = value
    return [Line(field, f"{field} = {text}\n".encode("utf-8", "surrogateescape")) for field, text in texts.items()]


def _with(lines: list[Line], field: str, value: str) -> list[Line]:
    """The lines with another value of a field, in its own place or as the last."""
    end = b"\r\n" if lines[0].text.endswith(b"\r\n") else b"\n"
    line = Line(field, f"{field} = {value}".encode("utf-8", "surrogateescape") + end)
    if all(other.field != field for other in lines):
        return [*lines, line]
    return [other if other.field != field or _split(bare(other.text))[1] == value else line for other in lines]


def _numbers(values: np.ndarray) -> str:
    return " ".join(repr(float(value)) for value in values)
