"""Mark a DICOM data set as derived: from which image, by which program, and with partly synthetic content."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.io.dicom.moment import now_for, set_moment, zoned

Extremes = tuple[tuple[int, int], tuple[int, int]]  # smallest and largest stored value: of an instance, of its series

LABEL = "AI-filled"
SCHEME = "99MONAIINPAINT"  # for what no published coding scheme names

_CUT = {"SeriesDescription": 64, "DerivationDescription": 1024, "ManufacturerModelName": 64}
# What no longer holds: signatures, the icon that shows what is gone, who made the source's instance, the part that it
# was of a larger one, and the step of the examination that its series was made in.
_VOID = (
    "DigitalSignaturesSequence", "MACParametersSequence", "IconImageSequence", "InstanceCreatorUID", "ConcatenationUID",
    "InConcatenationNumber", "InConcatenationTotalNumber", "ConcatenationFrameOffsetNumber",
    "SOPInstanceUIDOfConcatenationSource", "ReferencedPerformedProcedureStepSequence", "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime", "PerformedProcedureStepDescription",
)  # fmt: skip
_EXTREMES = {
    "SmallestImagePixelValue": (0, 0), "LargestImagePixelValue": (0, 1),
    "SmallestPixelValueInSeries": (1, 0), "LargestPixelValueInSeries": (1, 1),
}  # fmt: skip
_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


def new_uid() -> str:
    """Make a UID from a random UUID (2.25.*), which needs no registered root."""
    return generate_uid(prefix=None)


def series_number(source: Dataset, part: int) -> int:
    """Number of a new series: that of the source plus 1000 for the derived images (part 0), plus 2000 for the next."""
    number = str(source.get("SeriesNumber") or "")
    return (int(number) if number.isdecimal() else 0) + 1000 * (part + 1)


def check_identity(source: Dataset, name: object) -> None:
    """Refuse a source to which nothing that is derived from it could refer.

    Raises:
        InputError: it lacks one of its UIDs, or has something else in its place.
    """
    missing = next((keyword for keyword in _IDENTITY if not is_uid(source.get(keyword) or "")), None)
    if missing:
        raise InputError(
            f"{name} has no {missing} that is a UID, so no derived image can refer to it; write .nii.gz or .nrrd."
        )


@dataclass(frozen=True)
class NewSeries:
    """A series that is being written: its UID, and when that began."""

    uid: str = field(default_factory=new_uid)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


def mark_derived(
    dataset: Dataset, source: Dataset, extremes: Extremes, derived: dict[str, str], series: NewSeries
) -> None:
    """Turn a shallow copy of `source` into an instance of a new, derived series of the same study.

    Args:
        dataset: the copy; its elements are replaced, never changed in place.
        extremes: smallest and largest stored value, of this instance and of the series.
        derived: {"description", "model", "version"}; optionally "label", a prefix of the series description,
            "burned_in": "NO" if no text is left in the pixels, "manufacturer" of the model, and "part", see
            `series_number`: "0" without it.
        series: that it becomes part of.
    """
    now = now_for(source)
    label = derived.get("label", LABEL)
    replace_elements(
        dataset,
        SOPInstanceUID=new_uid(),
        SeriesInstanceUID=series.uid,
        SeriesNumber=series_number(source, int(derived.get("part", 0))),
        SeriesDescription=_fit("SeriesDescription", f"{label}: {source.get('SeriesDescription') or ''}"),
        ImageType=derived_type(source.get("ImageType"), enhanced=is_enhanced(source)),
        SyntheticData="YES",
        DerivationDescription=_described(source, derived),
    )
    set_moment(dataset, zoned(series.started, source), "Series")
    set_moment(dataset, now, "Content", "InstanceCreation")
    if not is_enhanced(source):  # those say it frame by frame
        replace_elements(
            dataset,
            DerivationCodeSequence=derivation_codes(source, derived),
            SourceImageSequence=Sequence([reference_to(source)]),
        )
    equipment = [*_items(source, "ContributingEquipmentSequence"), _equipment(derived, now)]
    replace_elements(dataset, ContributingEquipmentSequence=Sequence(equipment))
    for keyword in _VOID:
        if keyword in dataset:
            del dataset[keyword]
    _mark_extremes(dataset, extremes)
    if derived.get("burned_in") == "NO":
        _mark_cleaned(dataset)


def replace_elements(dataset: Dataset, **values: object) -> None:
    """Set elements by keyword, with their standard value representation, replacing existing ones."""
    for keyword, value in values.items():
        if keyword in dataset:
            del dataset[keyword]
        setattr(dataset, keyword, value)


def is_enhanced(source: Dataset) -> bool:
    """Return whether it is of a multi-frame class, which has functional groups for single frames."""
    return "PerFrameFunctionalGroupsSequence" in source


def derived_type(image_type: object, *, enhanced: bool) -> list[str]:
    """DERIVED, SECONDARY and the source's further values; enhanced classes allow only PRIMARY as second."""
    values = [image_type] if isinstance(image_type, str) else list(image_type or [])  # pyright: ignore
    return ["DERIVED", "PRIMARY" if enhanced else "SECONDARY", *values[2:]]


def derivation_codes(source: Dataset, derived: dict[str, str]) -> Sequence:
    """The source's derivation codes, then that of this run.

    The closest code of context group 7203 is "Pixel by pixel mask"; the group is extensible, so a private code states
    the rest.
    """
    now = [code("113047", "DCM", "Pixel by pixel mask"), code("COMPUTED", SCHEME, derived["description"][:64])]
    return Sequence([*_items(source, "DerivationCodeSequence"), *now])


def reference_to(source: Dataset, frame: int | None = None) -> Dataset:
    """An item of SourceImageSequence: an instance, or a frame (from 0) of it, at the position of the derived one."""
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame + 1
    item.SpatialLocationsPreserved = "YES"
    item.PurposeOfReferenceCodeSequence = Sequence(
        [code("121322", "DCM", "Source image for image processing operation")]
    )
    return item


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _items(source: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is missing or something else."""
    value = source.get(keyword)
    return list(value) if isinstance(value, Sequence) else []


def _described(source: Dataset, derived: dict[str, str]) -> str:
    before = str(source.get("DerivationDescription") or "").strip()
    return _fit("DerivationDescription", derived["description"] + (f"; before: {before}" if before else ""))


def _equipment(derived: dict[str, str], now: datetime) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = Sequence([code("109100", "DCM", "Synthesizing Equipment")])
    item.Manufacturer = derived.get("manufacturer", "monai-inpaint")[:64]
    item.ManufacturerModelName = _fit("ManufacturerModelName", derived["model"])
    item.SoftwareVersions = derived["version"][:64]
    item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
    item.ContributionDescription = derived["description"][:1024]
    return item


def _mark_extremes(dataset: Dataset, extremes: Extremes) -> None:
    """Update values that the source has; remove them if they do not fit into 16 bits."""
    signed = bool(dataset.get("PixelRepresentation"))
    low, high = (-(2**15), 2**15 - 1) if signed else (0, 2**16 - 1)
    for keyword, (scope, end) in _EXTREMES.items():
        if keyword in dataset:
            del dataset[keyword]
            value = int(extremes[scope][end])
            if low <= value <= high:
                dataset.add_new(keyword, "SS" if signed else "US", value)


def _mark_cleaned(dataset: Dataset) -> None:
    """No text in the pixels; of a de-identified image also how that came (PS3.15, E.3.1)."""
    replace_elements(dataset, BurnedInAnnotation="NO")
    if dataset.get("PatientIdentityRemoved") == "YES":
        method = code("113101", "DCM", "Clean Pixel Data Option")
        methods = [*_items(dataset, "DeidentificationMethodCodeSequence"), method]
        replace_elements(dataset, DeidentificationMethodCodeSequence=Sequence(methods))


def _fit(keyword: str, text: str) -> str:
    return text[: _CUT[keyword]].strip()
