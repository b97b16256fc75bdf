"""Send results to an archive (DICOM SCU)."""

from __future__ import annotations

from collections.abc import Sequence

from pynetdicom import _config, build_context

from monai_inpaint.pacs.archive import Instance, RefusedInstance, Unreachable
from monai_inpaint.pacs.requestor import associated
from monai_inpaint.pacs.settings import Node


def send(instances: Sequence[Instance], to: Node, title: str) -> list[RefusedInstance]:
    """Send all instances in one association; a receiver that has some of them already gets them again, the same.

    Args:
        title: our AE title.

    Returns:
        what was refused for good; the others were taken.

    Raises:
        Unreachable: not all were taken; another time they may be.
        InputError: TLS cannot be set up.
    """
    # Files go out as they are read.
    _config.STORE_SEND_CHUNKED_DATASET = True
    kinds = sorted({(instance.sop_class, instance.syntax) for instance in instances})
    contexts = [build_context(sop_class, syntax) for sop_class, syntax in kinds]
    refused: list[RefusedInstance] = []
    with associated(to, title, contexts, "storage of such objects") as association:
        for instance in instances:
            status = _store(association, instance)
            if status is None:
                raise Unreachable(f"{to.title} ended the association")
            if status >> 8 == 0xA7:
                raise Unreachable(f"{to.title} has no room now (status {status:04X})")
            if status != 0 and status >> 12 != 0xB:  # Bxxx: taken, with a warning
                refused.append(RefusedInstance(instance, f"status {status:04X}"))
    return refused


def _store(association, instance: Instance) -> int | None:
    """The status of one C-STORE; 0122 where the receiver takes no objects of that kind; None if the line broke."""
    accepted = {context.abstract_syntax for context in association.accepted_contexts}
    if instance.sop_class not in accepted:
        return 0x0122  # "SOP class not supported" (PS3.7, C.5.6)
    try:
        answer = association.send_c_store(instance.path)
    except RuntimeError:  # no longer established
        return None
    except ValueError:  # of that kind, but not in that transfer syntax
        return 0x0122
    status = answer.get("Status")
    return None if status is None else int(status)
