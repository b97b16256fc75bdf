"""Write why series of a study were not filled, as a short structured report."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes

from monai_inpaint.dicom.codes import NOT_FILLED, NOTICE, SCHEME_NAME, WHY, load, own
from monai_inpaint.dicom.evidence import adopt_study, blank_patient
from monai_inpaint.io.dicom.derive import SCHEME, new_uid, series_number
from monai_inpaint.io.dicom.write import taking_over
from monai_inpaint.version import NOTICE as RESEARCH_ONLY
from monai_inpaint.version import __version__

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
    device = sr.DeviceObserverIdentifyingAttributes(new_uid(), "monai-inpaint", "monai-inpaint", "serve-dicom")
    observer = sr.ObserverContext(codes.DCM.Device, device)
    root = sr.ContainerContentItem(own(NOT_FILLED), is_content_continuous=False)
    root.ContentSequence = sr.ContentSequence(sr.ObservationContext(observer_device_context=observer))
    root.ContentSequence.append(sr.TextContentItem(own(NOTICE), RESEARCH_ONLY, contains))
    for head, why in skipped:
        text = f"Series {head.SeriesInstanceUID} ({head.get('Modality', '')}): {why}"
        root.ContentSequence.append(sr.TextContentItem(own(WHY), text, contains))
    dataset = sr.ComprehensiveSR(
        evidence=[_reference(head) for head, _ in skipped],
        content=root,
        series_instance_uid=new_uid(),
        series_number=series_number(skipped[0][0], 5),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer="monai-inpaint",
        manufacturer_model_name="serve-dicom",
        software_versions=__version__,
        device_serial_number="none",
        is_complete=True,
        is_final=False,
        series_description="Why series were not filled",
    )
    scheme = Dataset()
    scheme.CodingSchemeDesignator, scheme.CodingSchemeName = SCHEME, SCHEME_NAME
    dataset.CodingSchemeIdentificationSequence = Items([scheme])
    adopt_study(dataset, skipped[0][0])
    return dataset


def _reference(head: Dataset) -> Dataset:
    """What a reference to an instance needs, with an empty patient."""
    dataset = blank_patient()
    with taking_over("The report"):
        for keyword in _REFERENCE:
            setattr(dataset, keyword, head[keyword].value)
    return dataset
