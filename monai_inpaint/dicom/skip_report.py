"""Write why series of a study were not filled, as a short structured report."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset

from monai_inpaint.dicom.codes import NOT_FILLED, NOTICE, WHY, load, own
from monai_inpaint.dicom.comprehensive_sr import comprehensive_sr, observed_by
from monai_inpaint.dicom.evidence import blank_patient
from monai_inpaint.io.dicom.write import taking_over
from monai_inpaint.version import NOTICE as RESEARCH_ONLY

_MODEL = "serve-dicom"
_REFERENCE = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def skip_report(skipped: Sequence[tuple[Dataset, str]]) -> Dataset:
    """Make the Comprehensive SR.

    Args:
        skipped: the header of one instance of each series, all of one study, and why nothing was done with the series.

    Raises:
        InputError: highdicom is not installed, or a header is damaged.
    """
    sr = load("sr")
    contains = sr.RelationshipTypeValues.CONTAINS
    root = sr.ContainerContentItem(own(NOT_FILLED), is_content_continuous=False)
    root.ContentSequence = sr.ContentSequence(observed_by(_MODEL))
    root.ContentSequence.append(sr.TextContentItem(own(NOTICE), RESEARCH_ONLY, contains))
    for head, why in skipped:
        text = f"Series {head.SeriesInstanceUID} ({head.get('Modality', '')}): {why}"
        root.ContentSequence.append(sr.TextContentItem(own(WHY), text, contains))
    return comprehensive_sr(
        root,
        [_reference(head) for head, _ in skipped],
        skipped[0][0],
        model=_MODEL,
        series=5,
        description="Why series were not filled",
    )


def _reference(head: Dataset) -> Dataset:
    """Attributes that a reference to an instance needs, with an empty patient."""
    dataset = blank_patient()
    with taking_over("The report"):
        for keyword in _REFERENCE:
            setattr(dataset, keyword, head[keyword].value)
    return dataset
