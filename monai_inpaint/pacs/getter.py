"""Fetch series from an archive by DIMSE: C-GET, or C-MOVE where the archive does not offer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydicom import dcmread
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
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    RLELossless,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)
from pynetdicom import build_context, build_role, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet,  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelMove,  # type: ignore[attr-defined]
)

from monai_inpaint.pacs.archive import TooMuch, Unreachable
from monai_inpaint.pacs.moves import Move
from monai_inpaint.pacs.requestor import associated, status_of
from monai_inpaint.pacs.settings import Node
from monai_inpaint.regions.hole_file import LABEL_MAP

IMAGES = (
    CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage, MRImageStorage,
    EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing, SecondaryCaptureImageStorage,
)  # fmt: skip
REGIONS = (SegmentationStorage, LABEL_MAP, RTStructureSetStorage)
# A context for each way of compression, so that the archive sends what it has; the first is of what is not compressed.
SYNTAXES = (
    (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    (JPEGLosslessSV1,), (JPEGLossless,), (JPEGLSLossless,), (JPEGLSNearLossless,), (JPEG2000Lossless,), (JPEG2000,),
    (JPEGBaseline8Bit,), (JPEGExtended12Bit,), (RLELossless,),
)  # fmt: skip
# Regions are not compressed with loss; an association has no more than 128 contexts.
REGION_SYNTAXES = (SYNTAXES[0], (JPEGLosslessSV1,), (JPEGLSLossless,), (JPEG2000Lossless,), (RLELossless,))
PROPOSED = tuple(
    (kind, syntaxes) for kinds, ways in ((IMAGES, SYNTAXES), (REGIONS, REGION_SYNTAXES)) for kind in kinds
    for syntaxes in ways
)  # fmt: skip
_CANNOT, _NO_SUCH_DESTINATION = 0xC000, 0xA801
_SILENCE = 600.0  # seconds that an archive may take to send the next part of a C-MOVE, of which it may say nothing


def get_series(study: str, series: str, at: Node, title: str, keep: Callable[[Dataset], None], move: Move) -> None:
    """Fetch the instances of a series as they are stored; none if it is not there.

    Args:
        title: our AE title.
        keep: takes each instance, with its file_meta.
        move: where the instances of a C-MOVE come to.

    Raises:
        Unreachable: the archive does not send it now; another time it may.
        TooMuch: what a C-MOVE sends finds no room.
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

    models = [StudyRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelMove]
    contexts = [build_context(model) for model in models]
    contexts += [build_context(kind, list(syntaxes)) for kind, syntaxes in PROPOSED]
    roles = [build_role(kind, scp_role=True) for kind in (*IMAGES, *REGIONS)]
    query = Dataset()
    query.QueryRetrieveLevel = "SERIES"
    query.StudyInstanceUID, query.SeriesInstanceUID = study, series
    with associated(at, title, contexts, "C-GET or C-MOVE", [(evt.EVT_C_STORE, store)], roles) as association:
        offered = {context.abstract_syntax for context in association.accepted_contexts}
        by_get, by_move = (model in offered for model in models)
        if by_get:
            answers = association.send_c_get(query, StudyRootQueryRetrieveInformationModelGet)
        elif by_move:
            move.expect(study, series)
            association.dimse_timeout = association.network_timeout = _SILENCE
            answers = association.send_c_move(
                query, title, StudyRootQueryRetrieveInformationModelMove, msg_id=move.message
            )
        else:
            raise Unreachable(f"{at.title} supports neither C-GET nor C-MOVE")
        last = [answer for answer, _ in answers if "Status" in answer][-1:]
    if failures:
        raise failures[0]
    if move.lacked_room():
        raise TooMuch
    status = status_of(last[0] if last else {}, at.title)
    if status == _NO_SUCH_DESTINATION:
        raise Unreachable(f"{at.title} does not know where {title} is (status {status:04X})")
    if not by_get and (failed := last[0].get("NumberOfFailedSuboperations")):
        raise Unreachable(f"{at.title} fails to send {failed} instances of a series to {title} (status {status:04X})")
    if status != 0 and status >> 12 != 0xB:  # Bxxx: some could not be sent, of a C-GET neither another time
        raise Unreachable(f"{at.title} does not send a series now (status {status:04X})")
    for path in move.instances():
        keep(dcmread(path))
        path.unlink()
