"""Fetch series from an archive by DIMSE (C-GET)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MRImageStorage,
    RLELossless,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)
from pynetdicom import build_context, build_role, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet  # type: ignore[attr-defined]

from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.requestor import associated
from monai_inpaint.pacs.settings import Node
from monai_inpaint.regions.hole_file import LABEL_MAP

KINDS = (
    CTImageStorage, EnhancedCTImageStorage, MRImageStorage, EnhancedMRImageStorage, ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing, SecondaryCaptureImageStorage,
    SegmentationStorage, LABEL_MAP, RTStructureSetStorage,
)  # fmt: skip
# A context for each way of compression, so that the archive sends what it has; the first is of what is not compressed.
SYNTAXES = (
    (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    (JPEGLosslessSV1,), (JPEGLossless,), (JPEGLSLossless,), (JPEGLSNearLossless,), (JPEG2000Lossless,), (JPEG2000,),
    (JPEGBaseline8Bit,), (JPEGExtended12Bit,), (RLELossless,),
)  # fmt: skip
_CANNOT = 0xC000


def get_series(study: str, series: str, at: Node, title: str, keep: Callable[[Dataset], None]) -> None:
    """Fetch the instances of a series as they are stored; none if it is not there.

    Args:
        title: our AE title.
        keep: takes each instance, with its file_meta.

    Raises:
        Unreachable: the archive does not send it now; another time it may.
        Exception: what `keep` raised.
        InputError: TLS cannot be set up.
    """
    failures: list[Exception] = []

    def store(event: Any) -> int:
        if failures:
            return _CANNOT
        try:
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            keep(dataset)
        except Exception as error:  # raised below: here pynetdicom would swallow it
            failures.append(error)
            return _CANNOT
        return 0

    contexts = [build_context(StudyRootQueryRetrieveInformationModelGet)]
    contexts += [build_context(kind, list(syntaxes)) for kind in KINDS for syntaxes in SYNTAXES]
    roles = [build_role(kind, scp_role=True) for kind in KINDS]
    with associated(at, title, contexts, "C-GET", [(evt.EVT_C_STORE, store)], roles) as association:
        status = _ask(association, study, series, at)
    if failures:
        raise failures[0]
    if status != 0 and status >> 12 != 0xB:  # Bxxx: some could not be sent, neither another time
        raise Unreachable(f"{at.title} does not send a series now (status {status:04X})")


def _ask(association: Any, study: str, series: str, at: Node) -> int:
    """The final status of the C-GET."""
    query = Dataset()
    query.QueryRetrieveLevel = "SERIES"
    query.StudyInstanceUID, query.SeriesInstanceUID = study, series
    try:
        answers = list(association.send_c_get(query, StudyRootQueryRetrieveInformationModelGet))
    except ValueError:  # it takes no C-GET
        raise Unreachable(f"{at.title} takes no C-GET") from None
    status = next((answer for answer, _ in reversed(answers) if "Status" in answer), None)
    if status is None:
        raise Unreachable(f"{at.title} ended the association")
    return int(status.Status)
