"""What is asked of a worklist, by whatever protocol."""

from __future__ import annotations

from typing import Protocol

from pydicom.dataset import Dataset

IN_PROGRESS_ALREADY, OTHER_TRANSACTION, DOES_NOT_EXIST = 0xC302, 0xC301, 0xC307
# may no longer be updated; another Transaction UID; does not exist; is not in progress; is completed
OVER = (0xC300, OTHER_TRANSACTION, DOES_NOT_EXIST, 0xC310, 0xC311)
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
