"""NRRD (.nrrd), after the format's definition at teem.sourceforge.net/nrrd: its lines are kept as they are."""

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

_MAGIC = re.compile(r"NRRD(000[1-5]|00\.01)")
_FIELDS = {
    "number", "type", "dimension", "space", "space dimension", "sizes", "spacings", "thicknesses", "axis mins",
    "axis maxs", "space directions", "centers", "kinds", "labels", "units", "min", "max", "old min", "old max",
    "endian", "encoding", "line skip", "byte skip", "content", "sample units", "space units", "space origin",
    "measurement frame", "data file", "block size",
}  # fmt: skip
_SYNONYMS = {field.replace(" ", ""): field for field in _FIELDS} | {"centerings": "centers"}
_PLACE = {"data file", "line skip", "byte skip"}  # fields that only hold for where the voxels lie now
_TYPES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_DTYPES = {name: np.dtype(dtype) for dtype, names in _TYPES.items() for name in names.split(", ")}
_ENCODINGS = {
    "raw": "raw", "gz": "gzip", "gzip": "gzip", "bz2": "bzip2", "bzip2": "bzip2", "txt": "text", "text": "text",
    "ascii": "text", "hex": "hex",
}  # fmt: skip
_DOMAIN = {"domain", "space", "time", "none", "???"}  # kinds of axes along which voxels lie, not parts of a voxel
_DERIVED = b"Derived:="
# those of three axes; which patient axes the last ones follow is not stated, and they are read as ITK does
_SPACES = {
    "right-anterior-superior", "ras", "left-anterior-superior", "las", "left-posterior-superior", "lps",
    "scanner-xyz", "3d-right-handed", "3d-left-handed",
}  # fmt: skip
_TO_LPS = {
    "right-anterior-superior": [-1.0, -1.0, 1.0], "ras": [-1.0, -1.0, 1.0],
    "left-anterior-superior": [1.0, -1.0, 1.0], "las": [1.0, -1.0, 1.0],
}  # fmt: skip


def read(path: Path) -> Image:
    """3D as (i, j, k); 2D as (rows, columns)."""
    with parsing(path, "NRRD"):
        lines, keys, length = _header(path)
        fields = {line.field: _value(line) for line in lines if line.field}
        shape, used = _shape(fields, path)
        check_voxels(path, _dtype(fields, path), shape)
        affine = check_affine(path, _affine(fields, shape, used, path))
        stored = _stored(path, fields, lines, length, shape)
        voxels = native(read_stored(stored, path))
    if len(shape) == 2:
        voxels, affine = voxels.T, affine[:, [1, 0, 2, 3]]
    kept = tuple(line for line in lines if line.field not in _PLACE)
    compressed = stored.encoding in ("gzip", "bzip2")
    header = TextHeader("nrrd", kept, voxels.dtype, voxels.shape, affine, keys, compressed)
    placed = _in_space(fields) or "axis mins" in fields
    return Image(voxels, affine, MODALITIES.get(keys.get("Modality", "")), path=path, header=header, placed=placed)


def files_of(path: Path) -> list[Path]:
    """Return the header's file, and the data files that it names."""
    lines, _, _ = _header(path)
    return [path, *_data_files(path, lines)]


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Header and voxels in one file. Units instead of stored values where there is a scale."""
    known = image.header if isinstance(image.header, TextHeader) else None
    voxels, affine = in_units(image), image.affine
    if known is not None and known.describes("nrrd", voxels, affine):
        lines = _in_one_file(known.lines)
    else:
        flat = affine is None or (known is not None and len(known.shape) == 2)
        if voxels.ndim == 2 and not flat and affine is not None:  # one slice in space
            voxels, affine = voxels.T[..., None], affine[:, [1, 0, 2, 3]]
        lines = _new_lines(voxels, affine, known)
    end = b"\r\n" if lines[0].text.endswith(b"\r\n") else b"\n"
    if derived:
        note = f"{derived['description']}; {derived['model']}, monai-inpaint {derived['version']}"
        lines = [line for line in lines if not line.text.startswith(_DERIVED)]
        lines.append(Line("", _DERIVED + _escaped(note) + end))
    fields = {line.field: _value(line).lower() for line in lines if line.field}
    stored = voxels.dtype.newbyteorder(">" if fields.get("endian") == "big" else "<")
    parts = parts_of(voxels if voxels.ndim == 3 else voxels.T, stored)
    with path.open("wb") as file:
        file.writelines(line.text for line in lines)
        file.write(end)
        file.writelines(parts if fields["encoding"] == "raw" else [packed(parts, "gzip")])


def _header(path: Path) -> tuple[list[Line], dict[str, str], int]:
    """All lines but the blank one that ends them, free keys and their values, and the length in bytes."""
    lines: list[Line] = []
    keys: dict[str, str] = {}
    length, listing = 0, False
    for text in lines_of(path):
        length += len(text)
        content = bare(text)
        if not lines and not _MAGIC.fullmatch(content):
            raise InputError(f"{path} is not an NRRD file, whatever its suffix says.")
        if not content:
            break
        if not lines or content.startswith("#"):
            lines.append(Line("", text))
        elif listing:
            lines.append(Line("data file", text))
        elif ":=" in content and content.index(":=") == content.index(":"):
            key, _, value = content.partition(":=")
            keys[key] = re.sub(r"\\([\\n])", lambda found: "\n" if found[1] == "n" else "\\", value)
            lines.append(Line("", text))
        else:
            field = _field(content, path)
            if any(line.field == field for line in lines):
                raise InputError(f"{path} has a header that states {field!r} twice; repair it.")
            lines.append(Line(field, text))
            listing = field == "data file" and _value(lines[-1]).split()[:1] == ["LIST"]
    if not lines:
        raise InputError(f"{path} is not an NRRD file, whatever its suffix says.")
    return lines, keys, length


def _field(content: str, path: Path) -> str:
    name, colon, _ = content.partition(": ")
    field = _SYNONYMS.get(name.strip().lower().replace(" ", "")) if ":" not in name else None
    if field is None or not colon:
        raise InputError(f"{path} has a header with the line {content[:80]!r}, which NRRD does not know; repair it.")
    return field


def _value(line: Line) -> str:
    return bare(line.text).partition(": ")[2].strip()


def _need(fields: Mapping[str, str], field: str, path: Path) -> str:
    if field not in fields:
        raise InputError(f"{path} has a header without {field!r}; repair it.")
    return fields[field]


def _shape(fields: Mapping[str, str], path: Path) -> tuple[tuple[int, ...], list[int]]:
    """Sizes of the spatial axes, and their positions among all axes."""
    dimension = whole(_need(fields, "dimension", path), "dimension", path)
    if not 1 <= dimension <= 16:
        raise InputError(f"{path} has {dimension} dimensions; give one 2D or 3D image.")
    sizes = sizes_of(_need(fields, "sizes", path), dimension, "sizes", path)
    kinds = fields.get("kinds", " ".join(["domain"] * dimension)).lower().split()
    if len(kinds) != dimension:
        raise InputError(f"{path} has a header with {len(kinds)} kinds for {dimension} axes; repair it.")
    used = [n for n, kind in enumerate(kinds) if kind in _DOMAIN]
    parts = int(np.prod([float(sizes[n]) for n in range(dimension) if n not in used]))
    if parts != 1 and kinds[0] == "list":
        raise InputError(f"{path} contains {parts} layers of overlapping segments; export one segment as a label map.")
    if parts != 1:
        raise InputError(f"{path} has {parts} values per voxel; give a grey image.")
    return tuple(sizes[n] for n in used), used


def _dtype(fields: Mapping[str, str], path: Path) -> np.dtype:
    """In the byte order of the file."""
    name = _need(fields, "type", path).lower()
    if name not in _DTYPES:
        raise InputError(f"{path} contains voxels of NRRD type {name[:40]!r}; give whole or floating-point numbers.")
    dtype, endian = _DTYPES[name], fields.get("endian", "").lower()
    ordered = dtype.itemsize > 1 and _encoding(fields, path) != "text"
    if endian not in ("little", "big") and (endian or ordered):
        raise InputError(f"{path} has a header without a valid 'endian' (little or big); repair it.")
    return dtype.newbyteorder(">" if endian == "big" and ordered else "<")


def _encoding(fields: Mapping[str, str], path: Path) -> str:
    name = _need(fields, "encoding", path).lower()
    if name not in _ENCODINGS:
        raise InputError(f"{path} has the unknown encoding {name[:40]!r}; write it as raw or gzip.")
    return _ENCODINGS[name]


def _affine(fields: Mapping[str, str], shape: tuple[int, ...], used: list[int], path: Path) -> np.ndarray:
    """To RAS mm, of the array with the fastest axis first."""
    size, affine = len(shape), np.eye(4)
    if _in_space(fields):
        if fields.keys() & {"spacings", "axis mins", "axis maxs"}:
            raise InputError(f"{path} has a header with both a space and spacings; repair it.")
        _check_space(fields, size, path)
        if "space directions" in fields:
            given = _vectors(fields["space directions"], path)
            directions = [vector for n, vector in enumerate(given) if n in used]
            if any(directions) or len(directions) != size:
                affine[:size, :size] = _square(directions, size, path).T
        if "space origin" in fields:
            affine[:size, 3] = _square(_vectors(fields["space origin"], path), size, path, rows=1)[0]
        affine[:3] *= np.reshape(_TO_LPS.get(fields.get("space", "").lower(), [1.0, 1.0, 1.0]), (3, 1))
    else:
        spacings, origins = _scalars(fields, used, shape, path)
        affine[range(size), range(size)], affine[:size, 3] = spacings, origins
    return LPS_TO_RAS @ affine


def _in_space(fields: Mapping[str, str]) -> bool:
    return bool(fields.keys() & {"space", "space dimension", "space directions", "space origin"})


def _check_space(fields: Mapping[str, str], size: int, path: Path) -> None:
    if ("space" in fields) == ("space dimension" in fields):
        raise InputError(f"{path} has a header that needs one of 'space' and 'space dimension'; repair it.")
    unknown = "space" in fields and fields["space"].lower() not in _SPACES
    if unknown or ("space dimension" in fields and whole(fields["space dimension"], "space dimension", path) != size):
        raise InputError(f"{path} lies in a space that NRRD does not know, or not for {size} axes; repair its header.")


def _vectors(text: str, path: Path) -> list[list[float] | None]:
    """Vectors like (1,0,0); None for none."""
    if not re.fullmatch(r"\s*((\([^()]*\)|none)\s*)*", text):
        raise InputError(f"{path} has a header with the vectors {text[:80]!r}; repair it.")
    found = re.findall(r"\(([^()]*)\)|none", text)
    return [numbers(v.replace(",", " "), len(v.split(",")), "vectors", path) if v else None for v in found]


def _square(vectors: list[list[float] | None], size: int, path: Path, rows: int | None = None) -> np.ndarray:
    if len(vectors) != (rows or size) or any(v is None or len(v) != size for v in vectors):
        raise InputError(f"{path} has a header whose vectors do not fit its {size} axes; repair it.")
    return np.array(vectors, float)


def _scalars(
    fields: Mapping[str, str], used: list[int], shape: tuple[int, ...], path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Spacings and origins of axes without a named space."""
    count = whole(fields["dimension"], "dimension", path)

    def of(field: str) -> np.ndarray:
        return np.array(numbers(fields.get(field, "nan " * count), count, field, path))[used]

    spacings, low, high, sizes = of("spacings"), of("axis mins"), of("axis maxs"), np.array(shape)
    given = fields.get("centers", "").lower().split()
    at_node = np.array([n < len(given) and given[n] == "node" for n in used])
    steps = np.where(np.isnan(spacings), (high - low) / np.maximum(np.where(at_node, sizes - 1, sizes), 1), spacings)
    origins = np.where(at_node, low, low + steps / 2)
    known = not np.isnan(origins).any()
    return np.where(np.isnan(spacings), 1.0, spacings), origins if known else np.zeros(len(used))


def _stored(path: Path, fields: Mapping[str, str], lines: list[Line], length: int, shape: tuple[int, ...]) -> Stored:
    encoding = _encoding(fields, path)
    detached = _data_files(path, lines)
    files = check_present(path, detached, shape) if detached else (path,)
    offset = 0 if detached else length
    skip = whole(fields.get("byte skip", "0"), "byte skip", path)
    skipped = whole(fields.get("line skip", "0"), "line skip", path)
    if skip < -1 or not 0 <= skipped <= 1 << 16 or (skip == -1 and encoding != "raw"):
        raise InputError(f"{path} has a header whose byte skip or line skip is out of range; repair it.")
    if skip == -1:
        return Stored(files, _dtype(fields, path), shape, encoding, -1)
    return Stored(files, _dtype(fields, path), shape, encoding, offset, skipped, skip)


def _data_files(path: Path, lines: list[Line]) -> list[Path]:
    named = [bare(line.text) for line in lines if line.field == "data file"]
    if not named:
        return []
    value = named[0].partition(": ")[2].strip()
    if value.split()[:1] == ["LIST"] and len(value.split()) <= 2:
        return [beside(path, name) for name in named[1:]]
    whole_name = beside(path, value)
    pattern = re.fullmatch(r"(\S*%\S*)((?:\s+[+-]?\d{1,9}){3,4})", value)
    if pattern:
        first, last, step = (int(part) for part in pattern[2].split()[:3])
        return numbered(path, pattern[1], first, last, step)
    return [whole_name]


def _in_one_file(lines: tuple[Line, ...]) -> list[Line]:
    """The lines, raw or gzipped in little-endian order where they stated another."""
    end = b"\r\n" if lines[0].text.endswith(b"\r\n") else b"\n"
    fields = {line.field: _value(line).lower() for line in lines if line.field}
    if fields["encoding"] in ("raw", "gz", "gzip"):
        return list(lines)
    kept = [line for line in lines if line.field not in ("encoding", "endian")]
    encoding = b"gzip" if _ENCODINGS[fields["encoding"]] == "bzip2" else b"raw"
    return [*kept, Line("endian", b"endian: little" + end), Line("encoding", b"encoding: " + encoding + end)]


def _new_lines(voxels: np.ndarray, affine: np.ndarray | None, known: TextHeader | None) -> list[Line]:
    """A header for 3D (i, j, k) or 2D (rows, columns) voxels."""
    shape = voxels.shape if voxels.ndim == 3 else voxels.shape[::-1]
    size = len(shape)
    name = {"f4": "float", "f8": "double"}.get(voxels.dtype.str[1:], voxels.dtype.name)
    texts = {"type": name, "dimension": str(size)}
    lps = None
    if affine is not None:
        lps = LPS_TO_RAS @ (affine if size == 3 else affine[:, [1, 0, 2, 3]])
        texts |= {"space": "left-posterior-superior"} if size == 3 else {"space dimension": "2"}
    texts["sizes"] = " ".join(map(str, shape))
    if lps is not None:
        texts["space directions"] = " ".join(_vector(lps[:size, n]) for n in range(size))
    texts |= {"kinds": " ".join(["domain"] * size), "endian": "little"}
    texts["encoding"] = "gzip" if known is None or known.compressed else "raw"
    if lps is not None:
        texts["space origin"] = _vector(lps[:size, 3])
    lines = [Line("", b"NRRD0004\n"), *(Line(f, f"{f}: {text}\n".encode()) for f, text in texts.items())]
    for key, value in (known.metadata if known else {}).items():
        if key and not re.search(r"[:\r\n]", key) and not key.startswith("#"):
            field = key.encode("utf-8", "surrogateescape") + b":=" + _escaped(value)
            lines.append(Line("", field + b"\n"))
    return lines


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"


def _escaped(value: str) -> bytes:
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", " ")
    return escaped.encode("utf-8", "surrogateescape")
