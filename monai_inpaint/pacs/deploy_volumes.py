"""Fill and write volumes as the operators of the MONAI Deploy App SDK pass them on.

Such a volume is an array (slices, rows, columns) in units (Hounsfield for CT), whose slices are in the order of their
positions along the normal, and a dict with some attributes of its series. This module does not import the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch, compose
from monai_inpaint.fill.filler import Filler
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.modality import FROM_DICOM
from monai_inpaint.io import write_image
from monai_inpaint.io.dicom.geometry import film_affine, plane_affine, plane_of, stack_planes
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.dicom.identity import text_of
from monai_inpaint.io.provenance import derivation_of
from monai_inpaint.pacs.series import read_files

# values of these series pass through a table, or are turned upside down, before the SDK passes them on
_LOOKED_UP = ("ModalityLUTSequence", "PresentationLUTSequence")


def fill_volume(
    volume: np.ndarray, hole: np.ndarray, attributes: Mapping[str, Any], filler: Filler
) -> tuple[np.ndarray, dict[str, str]]:
    """Fill the hole of a volume.

    Args:
        volume: (slices, rows, columns), real numbers in units.
        hole: of the same shape, boolean or 0 and 1.
        attributes: of the series, as the SDK names them: `row_pixel_spacing`, `col_pixel_spacing` and
            `depth_pixel_spacing` in mm, `row_direction_cosine`, `col_direction_cosine`, `Modality`.

    Returns:
        The filled volume, of the same shape and dtype, equal outside the hole; and how it was derived, see
        `provenance.derivation_of`.

    Raises:
        InputError: no geometry, or an error of the `Filler`.
    """
    image = _image_of(volume, attributes)
    if hole.shape != volume.shape:
        raise InputError(f"The hole has shape {hole.shape}, the image {volume.shape}; they must agree.")
    fill = filler(image, _voxels_of(hole))
    return _volume_of(fill.image.voxels), derivation_of(fill.report)


def write_volume(
    volume: np.ndarray | Image,
    attributes: Mapping[str, Any],
    instances: Sequence[Dataset],
    folder: Path,
    derived: Mapping[str, str] | None,
) -> None:
    """Write a volume as a derived DICOM series, in the geometry and encoding of the series that it was computed from.

    Voxels that are equal to those of the series keep their stored values; all others are rounded, and limited to what
    the series can store.

    Args:
        volume: (slices, rows, columns), real numbers in units; or an Image that was read from the series.
        attributes: of the volume; if they contain a SeriesInstanceUID, it must be that of the series.
        instances: the series, as pydicom has read it from files, which must still exist.
        folder: for the new series; it and its parents are made. May exist if it is empty.
        derived: see `write_image`; None if nobody knows, which is refused.

    Raises:
        InputError: the volume is of another series or shape, has values that are not finite, or equals the series; the
            series cannot be read, or its values pass through a lookup table; or `folder` cannot be written.
    """
    if derived is None:
        raise InputError("The image does not say what computed it; give the writer model_info, with the model's name.")
    if not instances:
        raise InputError("No series with images was selected, so there is none to derive an image from.")
    series = text_of(instances[0], "SeriesInstanceUID")
    if isinstance(volume, Image):
        attributes = _identity_of(volume)
    if str(attributes.get("SeriesInstanceUID") or series) != series:
        raise InputError(
            f"The image is of another series than the selected one, {series}; connect the one of the image."
        )
    image = volume if isinstance(volume, Image) else _placed_into(_source(instances, series), volume, series)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}.") from error
    write_image(image, folder, derived=dict(derived))


def derivation_by(creator: str, name: str, version: str) -> dict[str, str]:
    """How an image was derived that a model of another maker has computed, for `write_volume`.

    Raises:
        InputError: one of them is empty.
    """
    if not (creator.strip() and name.strip() and version.strip()):
        raise InputError("The model_info of the writer is not complete; give creator, name and version of the model.")
    return {"description": f"Computed by {name}", "model": name, "version": version, "label": name,
            "manufacturer": creator}  # fmt: skip


def _image_of(volume: np.ndarray, attributes: Mapping[str, Any]) -> Image:
    """The volume as an image: 2D of a single slice, else 3D (i, j, k). Its origin, which no fill depends on, is 0."""
    if volume.ndim != 3 or 0 in volume.shape or volume.dtype.kind not in "iuf":
        raise InputError(f"The image has shape {volume.shape} of {volume.dtype}; give numbers (slices, rows, columns).")
    # not the SDK's `affine`: it multiplies the step to the next column by the distance of rows, and the other way round
    head = Dataset()
    spacing = [attributes.get(f"{axis}_pixel_spacing") or 0 for axis in ("row", "col")]
    cosines = [attributes.get(f"{axis}_direction_cosine") or () for axis in ("row", "col")]
    if all(spacing):
        head.PixelSpacing = [float(mm) for mm in spacing]
    if all(cosines):
        head.ImageOrientationPatient = [float(value) for cosine in cosines for value in cosine]
        head.ImagePositionPatient = [0.0, 0.0, 0.0]
    if attributes.get("depth_pixel_spacing"):
        head.SpacingBetweenSlices = float(attributes["depth_pixel_spacing"])
    plane, modality = plane_of(head), FROM_DICOM.get(str(attributes.get("Modality")))
    if len(volume) == 1:
        affine = plane_affine(plane) if plane else film_affine(head)
        return Image(_voxels_of(volume), affine, modality, placed=plane is not None)
    if plane is None or "SpacingBetweenSlices" not in head:
        raise InputError(
            "The image does not state its spacing and orientation (row_pixel_spacing, row_direction_cosine and so on); "
            "give one that DICOMSeriesToVolumeOperator has made."
        )
    _, affine = stack_planes(Path(), [("the image", plane)])
    return Image(_voxels_of(volume), affine, modality)


def _voxels_of(volume: np.ndarray) -> np.ndarray:
    """(slices, rows, columns) as the voxels of an Image: (i, j, k), or 2D (rows, columns) for a single slice."""
    return volume[0] if len(volume) == 1 else volume.transpose(2, 1, 0)


def _volume_of(voxels: np.ndarray) -> np.ndarray:
    """The reverse of `_voxels_of`."""
    return voxels[None] if voxels.ndim == 2 else voxels.transpose(2, 1, 0)


def _identity_of(image: Image) -> Mapping[str, Any]:
    """The series of an image that was read from DICOM; empty for others, which cannot be written."""
    header = image.header
    series = text_of(header.datasets[0], "SeriesInstanceUID") if isinstance(header, DicomHeader) else ""
    return {"SeriesInstanceUID": series}


def _source(instances: Sequence[Dataset], series: str) -> Image:
    """The series, read by this package."""
    files = [getattr(instance, "filename", None) for instance in instances]
    paths = tuple(Path(file) for file in files if isinstance(file, str | PathLike))
    if len(paths) < len(files):
        raise InputError(f"Series {series} was not read from files; load it by DICOMDataLoaderOperator.")
    for instance in instances:
        inverse = text_of(instance, "PresentationLUTShape").upper() == "INVERSE"
        if inverse or any(keyword in instance for keyword in _LOOKED_UP):
            raise InputError(
                f"The values of series {series} pass through a lookup table, and the image has those behind it; such a "
                "series can only be filled and written by the command line and the app."
            )
    return read_files(paths, f"Series {series}")


def _placed_into(source: Image, volume: np.ndarray, series: str) -> Image:
    """The source with the volume's values where they differ from its own."""
    shape = _volume_of(source.voxels).shape
    if volume.shape != shape:
        raise InputError(
            f"The image has shape {volume.shape}, series {series} {shape} (slices, rows, columns); they must agree."
        )
    if not np.isfinite(volume).all():
        raise InputError("The image contains values that are not finite, which DICOM cannot store; replace them.")
    patches = []
    for k, values in enumerate(volume.astype(np.float32, copy=False)):
        index = (slice(None), slice(None)) if source.voxels.ndim == 2 else (slice(None), slice(None), k)
        units = values if source.voxels.ndim == 2 else values.T
        changed = units != source.units(index)
        if changed.any():
            patches.append(Patch(index, changed, units))
    if not patches:
        raise InputError(f"The image is equal to series {series}, so there is nothing to write.")
    return compose(source, patches)
