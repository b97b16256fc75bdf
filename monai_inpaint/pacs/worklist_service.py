"""Interface of a worklist, for every protocol."""

from __future__ import annotations

from typing import Protocol

from pydicom.dataset import Dataset

SCHEDULED, IN_PROGRESS, COMPLETED, CANCELED = "SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED"
ENDED, OTHER_TRANSACTION, IN_PROGRESS_ALREADY = 0xC300, 0xC301, 0xC302
DOES_NOT_EXIST, NOT_IN_PROGRESS = 0xC307, 0xC310
# may no longer be updated; another Transaction UID; does not exist; is not in progress; is completed
OVER = (ENDED, OTHER_TRANSACTION, DOES_NOT_EXIST, NOT_IN_PROGRESS, 0xC311)
ALREADY_CANCELED, ALREADY_COMPLETED = 0xB304, 0xB306


class WorklistService(Protocol):
    """A worklist that is connected; statuses are those of DIMSE (PS3.4, annex CC).

    All methods raise Unreachable where it does not answer now.
    """

    def search(self, query: Dataset) -> list[Dataset]:
        """Return the work items that match, with the attributes of the query."""
        ...

    def retrieve(self, uid: str) -> Dataset:
        """Return the InputInformationSequence of a work item, and maybe more."""
        ...

    def update(self, uid: str, changes: Dataset) -> int:
        """Change attributes of a work item, which the changes have the Transaction UID of; return the status."""
        ...

    def change_state(self, uid: str, change: Dataset) -> int:
        """Change the state of a work item to ProcedureStepState, by a TransactionUID; return the status."""
        ...
