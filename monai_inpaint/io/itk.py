"""NRRD and MetaImage (.nrrd, .mha, .mhd with .raw) through SimpleITK; patient coordinates turned from LPS to RAS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.checks import check_affine, check_voxels, in_units, parsing
from monai_inpaint.io.nrrd_text import header_text, write_under

_IO = {".nrrd": "NrrdImageIO", ".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MODALITIES = {"MET_MOD_CT": "ct", "MET_MOD_MR": "mr"}
_DERIVED_FROM_GEOMETRY = ("ITK_", "NRRD_space", "NRRD_kinds", "NRRD_measurement")


@dataclass(frozen=True)
class ItkHeader:
    """What to write back: geometry as stored (so that it returns without rounding), metadata, encoding.

    Attributes:
        nrrd: header text of an NRRD, for an image of the same dtype and shape; None for MetaImages and odd encodings.
    """

    affine: np.ndarray
    spacing: tuple[float, ...]
    direction: tuple[float, ...]
    origin: tuple[float, ...]
    metadata: dict[str, str]
    compressed: bool
    dtype: np.dtype
    shape: tuple[int, ...]
    nrrd: bytes | None


class _Buffer:
    """Lets an array use the voxels of a SimpleITK image and keep that image alive."""

    def __init__(self, image: sitk.Image) -> None:
        self.image = image
        self.__array_interface__ = sitk.GetArrayViewFromImage(image).__array_interface__


def read(path: Path) -> Image:
    """3D as (i, j, k); 2D as (rows, columns)."""
    if path.suffix.lower() == ".mhd":
        _check_data_file(path)
    with parsing(path, path.suffix.lower()[1:].upper()):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.SetImageIO(_IO[path.suffix.lower()])
        reader.ReadImageInformation()
        if reader.GetNumberOfComponents() != 1:
            raise InputError(f"{path} has {reader.GetNumberOfComponents()} values a voxel; give a grey image.")
        if reader.GetDimension() not in (2, 3):
            raise InputError(f"{path} has {reader.GetDimension()} dimensions; give one 2D or 3D image.")
        if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
            raise InputError(f"{path} holds complex numbers; give its magnitude or another real image.")
        image = reader.Execute()
        compressed = _is_compressed(path)
    voxels = np.asarray(_Buffer(image))
    voxels = voxels if voxels.ndim == 2 else voxels.T
    check_voxels(path, voxels.dtype, voxels.shape)
    affine = check_affine(path, _affine(image))
    metadata = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    metadata = {key: value for key, value in metadata.items() if not key.startswith(_DERIVED_FROM_GEOMETRY)}
    header = ItkHeader(
        affine,
        image.GetSpacing(),
        image.GetDirection(),
        image.GetOrigin(),
        metadata,
        compressed,
        voxels.dtype,
        voxels.shape,
        header_text(path) if path.suffix.lower() == ".nrrd" else None,
    )
    return Image(voxels, affine, _MODALITIES.get(metadata.get("Modality", "")), path=path, header=header)


def write(image: Image, path: Path, derived: dict | None) -> None:
    """Write to `path`; .mhd puts its voxels beside it. Units instead of stored values where there is a scale."""
    known = image.header if isinstance(image.header, ItkHeader) else None
    voxels, affine = in_units(image), image.affine
    if known is not None and known.nrrd is not None and path.suffix.lower() == ".nrrd":
        same_kind = voxels.dtype == known.dtype and voxels.shape == known.shape
        if same_kind and affine is not None and np.array_equal(affine, known.affine):
            write_under(known.nrrd, voxels, path, derived)
            return
    flat = voxels.ndim == 2 and (affine is None or (known is not None and len(known.spacing) == 2))
    if voxels.ndim == 2 and not flat and affine is not None:  # one slice in space: (rows, columns) -> (i, j, 1)
        voxels, affine = voxels.T[..., None], affine[:, [1, 0, 2, 3]]
    result = sitk.GetImageFromArray(np.ascontiguousarray(voxels if flat else voxels.T))
    if known is not None and image.affine is not None and np.array_equal(image.affine, known.affine):
        result.SetSpacing(known.spacing)
        result.SetDirection(known.direction)
        result.SetOrigin(known.origin)
    elif affine is not None and not flat:
        _set_affine(result, _LPS_TO_RAS @ affine)
    for key, value in (known.metadata if known else {}).items():
        result.SetMetaData(key, value)
    if derived:
        result.SetMetaData(
            "Derived", f"{derived['description']}; {derived['model']}, monai-inpaint {derived['version']}"
        )
    try:
        sitk.WriteImage(
            result, str(path), useCompression=known.compressed if known else True, imageIO=_IO[path.suffix.lower()]
        )
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1].strip()
        raise InputError(f"{path.name} cannot be written in this format or place: {why}.") from error


def _check_data_file(path: Path) -> None:
    with path.open("rb") as file:
        lines = (line.partition(b"=") for line in file.read(1 << 16).splitlines())
        named = next((value.strip() for key, _, value in lines if key.strip().lower() == b"elementdatafile"), b"")
    name = named.decode(errors="replace")
    in_one_file = name and name.split()[0].upper() not in ("LOCAL", "LIST") and "%" not in name
    if in_one_file and not (path.parent / name).exists():
        raise InputError(f"{path} lacks its data file {name}, which holds the voxels; put it beside the .mhd file.")


def _affine(image: sitk.Image) -> np.ndarray:
    size = image.GetDimension()
    affine = np.eye(4)
    affine[:size, :size] = np.reshape(image.GetDirection(), (size, size)) * np.array(image.GetSpacing())
    affine[:size, 3] = image.GetOrigin()
    if size == 2:
        affine = affine[:, [1, 0, 2, 3]]
    return _LPS_TO_RAS @ affine


def _set_affine(image: sitk.Image, affine: np.ndarray) -> None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(1 << 16).lower()
    if path.suffix.lower() == ".nrrd":
        head = start.split(b"\n\n", 1)[0]
        return b"encoding: gz" in head or b"encoding: bz" in head
    return b"compresseddata = true" in start
