"""Ask an application entity for an association (DICOM SCU)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.settings import Node, sending_tls

SECONDS = 60.0
PDU = 2**17
UNCOMPRESSED: list[str | UID] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]  # of messages that hold no instances


@contextmanager
def associated(
    to: Node,
    title: str,
    contexts: Sequence[PresentationContext],
    service: str,
    handlers: Sequence[tuple[Any, Any]] = (),
    roles: Sequence[Any] = (),
) -> Iterator[Association]:
    """An association, released at the end of the block.

    Args:
        title: our AE title.
        contexts: what is proposed.
        service: what these are for, in words.
        handlers, roles: as `AE.associate` takes them.

    Raises:
        Unreachable: it cannot be reached, or accepts no association from ours; another time it may.
        InputError: TLS cannot be set up.
    """
    entity = AE(title)
    entity.network_timeout = entity.dimse_timeout = entity.acse_timeout = entity.connection_timeout = SECONDS
    entity.maximum_pdu_size = PDU
    entity.requested_contexts = list(contexts)
    tls = (sending_tls(to.tls), to.host) if to.tls else None
    association = entity.associate(
        to.host, to.port, ae_title=to.title, tls_args=tls, evt_handlers=list(handlers), ext_neg=list(roles)
    )
    if not association.is_established:
        if association.rejected_contexts:
            raise Unreachable(f"{to.title} offers no {service}")
        raise Unreachable(f"{to.title} at {to.host}:{to.port} cannot be reached or accepts no association from {title}")
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def status_of(answer: Any, name: str) -> int:
    """Return the status of an answer; raises Unreachable where `name` gave none."""
    status = answer.get("Status")
    if status is None:
        raise Unreachable(f"{name} ended the association")
    return int(status)
