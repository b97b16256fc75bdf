"""Say in a DICOM data set that it is derived: from which image, by what, and that its content is partly synthetic."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

_CUT = {"SeriesDescription": 64, "DerivationDescription": 1024, "ManufacturerModelName": 64}
# signatures no longer hold, the icon shows what is gone
_VOID = ("DigitalSignaturesSequence", "MACParametersSequence", "IconImageSequence")


def new_uid() -> str:
    """A UID from a random UUID (2.25.*), which needs no registered root."""
    return generate_uid(prefix=None)


def series_number(source: Dataset, part: int) -> int:
    """Of a new series beside the source's own: 1000 above it for the derived images (part 0), 2000 for the next."""
    return max(int(source.get("SeriesNumber") or 0), 0) + 1000 * (part + 1)


def mark_derived(dataset: Dataset, source: Dataset, pixels: np.ndarray, derived: dict, series: str) -> None:
    """Turn a shallow copy of `source` into an instance of a new, derived series of the same study.

    Args:
        dataset: the copy; its elements are replaced, never changed in place.
        pixels: the new stored values.
        derived: {"description", "model", "version"}.
        series: SeriesInstanceUID of the new series.
    """
    now = datetime.now()
    dataset.SOPInstanceUID = new_uid()
    dataset.SeriesInstanceUID = series
    dataset.SeriesNumber = series_number(source, 0)
    dataset.SeriesDescription = _fit("SeriesDescription", str(source.get("SeriesDescription") or "").strip(), " filled")
    dataset.ImageType = _derived_type(source.get("ImageType"), enhanced="PerFrameFunctionalGroupsSequence" in source)
    dataset.DerivationDescription = _fit("DerivationDescription", derived["description"])
    dataset.SyntheticData = "YES"
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.SourceImageSequence = Sequence([reference_to(source)])
    equipment = Sequence(list(source.get("ContributingEquipmentSequence") or []))
    equipment.append(_equipment(derived))
    dataset.ContributingEquipmentSequence = equipment
    for keyword in _VOID:
        if keyword in dataset:
            del dataset[keyword]
    for keyword, value in (("SmallestImagePixelValue", pixels.min()), ("LargestImagePixelValue", pixels.max())):
        if keyword in source:
            del dataset[keyword]
            dataset.add_new(keyword, "SS" if pixels.dtype.kind == "i" else "US", int(value))


def _derived_type(image_type: object, *, enhanced: bool) -> list[str]:
    """DERIVED, SECONDARY and the source's further values; enhanced classes allow only PRIMARY as second."""
    values = [image_type] if isinstance(image_type, str) else list(image_type or [])  # pyright: ignore
    return ["DERIVED", "PRIMARY" if enhanced else "SECONDARY", *values[2:]]


def reference_to(source: Dataset, frame: int | None = None) -> Dataset:
    """An item of SourceImageSequence: an instance, or one frame (from 0) of it."""
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame + 1
    item.PurposeOfReferenceCodeSequence = _code("121322", "Source image for image processing operation")
    return item


def _equipment(derived: dict) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = _code("109102", "Processing Equipment")
    item.Manufacturer = "monai-inpaint"
    item.ManufacturerModelName = _fit("ManufacturerModelName", str(derived["model"]))
    item.SoftwareVersions = str(derived["version"])[:64]
    return item


def _code(value: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return Sequence([item])


def _fit(keyword: str, text: str, end: str = "") -> str:
    return (text[: _CUT[keyword] - len(end)] + end).strip()
