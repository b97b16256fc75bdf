"""Store results in an archive by DICOMweb (STOW-RS), and fetch series from one (QIDO-RS, WADO-RS)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset

from monai_inpaint.pacs.archive import Instance, RefusedInstance, Unreachable
from monai_inpaint.pacs.settings import WebNode
from monai_inpaint.pacs.web_session import NO_DICOMWEB, SECONDS, asking, status_in, web_session

_REFUSES = {400, 409, 413, 415, 422}  # HTTP status: this instance is not taken; another time neither


def store(instances: Sequence[Instance], to: WebNode) -> list[RefusedInstance]:
    """Store all instances, one a request; what the archive has already it gets again, the same.

    Returns:
        what was refused for good; the others were taken.

    Raises:
        Unreachable: not all were taken; another time they may be.
    """
    client = _client(to)
    refused = []
    for instance in instances:
        why = _store(client, instance, to)
        if why:
            refused.append(RefusedInstance(instance, why))
    return refused


def series_at(study: str, series: str, at: WebNode) -> Iterator[Dataset]:
    """Fetch the instances of a series as they are stored; none if it is not there.

    Raises:
        Unreachable: not all came; another time they may.
    """
    client = _client(at)
    with asking(at):
        try:
            if client.search_for_series(study, search_filters={"SeriesInstanceUID": series}):
                yield from client.iter_series(study, series, media_types=(("application/dicom", "*"),))
        except requests.HTTPError as error:
            if status_in(error) != 404:
                raise


def _client(archive: WebNode) -> DICOMwebClient:
    logging.getLogger("dicomweb_client").addHandler(logging.NullHandler())  # it quotes what archives say
    client = DICOMwebClient(
        archive.url, web_session(archive), callback=_without_charset, permissive_uid=True, timeout=SECONDS
    )
    client.set_http_retry_params(retry=False)  # the queue tries again
    return client


def _without_charset(response: requests.Response, *_args: Any, **_more: Any) -> requests.Response:
    """The client takes JSON only where its type has no parameters."""
    kind = response.headers.get("Content-Type", "")
    if "json" in kind:
        response.headers["Content-Type"] = kind.partition(";")[0].strip()
    return response


def _store(client: DICOMwebClient, instance: Instance, to: WebNode) -> str:
    """Store one instance; returns why it is refused, "" if it was taken."""
    dataset = dcmread(instance.path)
    with asking(to):
        try:
            answer = client.store_instances([dataset])
        except requests.HTTPError as error:
            if status_in(error) not in _REFUSES:
                raise
            return f"HTTP {status_in(error)}"
        reasons = [int(item.get("FailureReason") or 0) for item in answer.get("FailedSOPSequence") or []]
        taken = {item.get("ReferencedSOPInstanceUID") for item in answer.get("ReferencedSOPSequence") or []}
    if any(reason >> 8 == 0xA7 for reason in reasons):
        raise Unreachable(f"{to.url} has no room now (reason {reasons[0]:04X})")
    if reasons:
        return f"reason {reasons[0]:04X}"
    if instance.uid not in taken:
        raise Unreachable(f"{to.url} {NO_DICOMWEB}")
    return ""
