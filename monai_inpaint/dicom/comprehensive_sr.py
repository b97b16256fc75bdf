"""Comprehensive SR: what all structured reports of this package have alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes

from monai_inpaint.dicom.codes import SCHEME_NAME, load
from monai_inpaint.dicom.evidence import adopt_study
from monai_inpaint.io.dicom.derive import SCHEME, new_uid, series_number
from monai_inpaint.version import __version__

MAKER = "monai-inpaint"


def observed_by(model: str) -> Any:
    """The context of content that a device observed (TID 1001): this package, and its model."""
    sr = load("sr")
    device = sr.DeviceObserverIdentifyingAttributes(new_uid(), MAKER, MAKER, model)
    return sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))


def comprehensive_sr(
    content: Any, evidence: Sequence[Dataset], head: Dataset, *, model: str, series: int, description: str
) -> Dataset:
    """Make the object, in a new series of the study.

    Args:
        content: the root of the content tree.
        evidence: all objects that it refers to.
        head: of an image of the study.
        model: as ManufacturerModelName.
        series: its part, for `series_number`.
        description: of the series.
    """
    dataset = load("sr").ComprehensiveSR(
        evidence=evidence,
        content=content,
        series_instance_uid=new_uid(),
        series_number=series_number(head, series),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=model,
        software_versions=__version__,
        device_serial_number="none",
        is_complete=True,
        is_final=False,
        series_description=description,
    )
    scheme = Dataset()
    scheme.CodingSchemeDesignator, scheme.CodingSchemeName = SCHEME, SCHEME_NAME
    dataset.CodingSchemeIdentificationSequence = Items([scheme])
    adopt_study(dataset, head)
    return dataset
