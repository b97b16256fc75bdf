"""Ask a worklist by DIMSE (UPS Pull SCU, PS3.4 Annex CC)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.sop_class import UnifiedProcedureStepPull, UnifiedProcedureStepPush  # type: ignore[attr-defined]

from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.requestor import UNCOMPRESSED, associated, status_of
from monai_inpaint.pacs.settings import Node

_CHANGE_STATE = 1  # Action Type ID
_INPUT = Tag("InputInformationSequence")


class DimseWorklist:
    """A worklist at the other end of an association; `name` is its AE title."""

    def __init__(self, association: Association, name: str) -> None:
        self._association, self._name = association, name

    def search(self, query: Dataset) -> list[Dataset]:
        """C-FIND; see `WorklistService`."""
        found, end = [], 0
        for status, answer in self._association.send_c_find(query, UnifiedProcedureStepPull):
            end = status_of(status, self._name)
            if end >> 8 == 0xFF and answer is not None:
                found.append(answer)
        if end != 0:
            raise Unreachable(f"{self._name} does not list its work items (status {end:04X})")
        return found

    def retrieve(self, uid: str) -> Dataset:
        """N-GET; see `WorklistService`."""
        status, answer = self._association.send_n_get(
            [_INPUT], UnifiedProcedureStepPush, uid, meta_uid=UnifiedProcedureStepPull
        )
        code = status_of(status, self._name)
        if code >> 12 == 0xC or answer is None:
            raise Unreachable(f"{self._name} does not give the input of a work item (status {code:04X})")
        return answer

    def update(self, uid: str, changes: Dataset) -> int:
        """N-SET; see `WorklistService`."""
        status, _ = self._association.send_n_set(
            changes, UnifiedProcedureStepPush, uid, meta_uid=UnifiedProcedureStepPull
        )
        return status_of(status, self._name)

    def change_state(self, uid: str, change: Dataset) -> int:
        """N-ACTION; see `WorklistService`."""
        status, _ = self._association.send_n_action(
            change, _CHANGE_STATE, UnifiedProcedureStepPush, uid, meta_uid=UnifiedProcedureStepPull
        )
        return status_of(status, self._name)


@contextmanager
def dimse_worklist(at: Node, title: str) -> Iterator[DimseWorklist]:
    """A worklist, as long as the block runs; `title` is our AE title.

    Raises:
        Unreachable: it cannot be reached, or ends the association.
        InputError: TLS cannot be set up.
    """
    contexts = [build_context(UnifiedProcedureStepPull, UNCOMPRESSED)]
    with associated(at, title, contexts, "worklist (UPS Pull)") as association:
        try:
            yield DimseWorklist(association, at.title)
        except RuntimeError as error:  # no longer established
            raise Unreachable(f"{at.title} ended the association") from error
