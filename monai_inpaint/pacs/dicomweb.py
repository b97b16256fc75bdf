"""Store results in an archive by DICOMweb (STOW-RS), and fetch series from one (QIDO-RS, WADO-RS)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from monai_inpaint.pacs.archive import Instance, RefusedInstance, Unreachable
from monai_inpaint.pacs.settings import WebNode

_SECONDS = 60.0
_REFUSES = {400, 409, 413, 415, 422}  # HTTP status: this instance is not taken; another time neither
_NONSENSE = (ValueError, TypeError, AttributeError, KeyError, InvalidDicomError)  # what it makes the client raise
_NO_DICOMWEB = "does not answer as a DICOMweb service does"


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
    with _asking(at):
        try:
            if client.search_for_series(study, search_filters={"SeriesInstanceUID": series}):
                yield from client.iter_series(study, series, media_types=(("application/dicom", "*"),))
        except requests.HTTPError as error:
            if _status(error) != 404:
                raise


def _client(archive: WebNode) -> DICOMwebClient:
    session = requests.Session()
    session.max_redirects = 0  # a POST that is led elsewhere becomes a GET, which stores nothing
    session.headers["Accept"] = "application/dicom+json"
    if archive.tls:
        session.cert = (str(archive.tls.certificate), str(archive.tls.key))
        session.verify = str(archive.tls.authority)
    logging.getLogger("dicomweb_client").addHandler(logging.NullHandler())  # it quotes what archives say
    client = DICOMwebClient(archive.url, session, callback=_without_charset, permissive_uid=True, timeout=_SECONDS)
    client.set_http_retry_params(retry=False)  # the queue tries again
    return client


def _without_charset(response: requests.Response, *_args: Any, **_more: Any) -> requests.Response:
    """The client takes JSON only where its type has no parameters."""
    kind = response.headers.get("Content-Type", "")
    if "json" in kind:
        response.headers["Content-Type"] = kind.partition(";")[0].strip()
    return response


@contextmanager
def _asking(archive: WebNode) -> Iterator[None]:
    """Turn what may go wrong with a request into Unreachable."""
    try:
        yield
    except requests.HTTPError as error:
        raise Unreachable(f"{archive.url} answers with HTTP {_status(error)}") from error
    except (requests.exceptions.InvalidJSONError, *_NONSENSE) as error:
        raise Unreachable(f"{archive.url} {_NO_DICOMWEB}") from error
    except requests.RequestException as error:
        raise Unreachable(f"{archive.url} is not reached ({type(error).__name__})") from error


def _store(client: DICOMwebClient, instance: Instance, to: WebNode) -> str:
    """Store one instance; returns why it is refused, "" if it was taken."""
    dataset = dcmread(instance.path)
    with _asking(to):
        try:
            answer = client.store_instances([dataset])
        except requests.HTTPError as error:
            if _status(error) not in _REFUSES:
                raise
            return f"HTTP {_status(error)}"
        reasons = [int(item.get("FailureReason") or 0) for item in answer.get("FailedSOPSequence") or []]
        taken = {item.get("ReferencedSOPInstanceUID") for item in answer.get("ReferencedSOPSequence") or []}
    if any(reason >> 8 == 0xA7 for reason in reasons):
        raise Unreachable(f"{to.url} has no room now (reason {reasons[0]:04X})")
    if reasons:
        return f"reason {reasons[0]:04X}"
    if instance.uid not in taken:
        raise Unreachable(f"{to.url} {_NO_DICOMWEB}")
    return ""


def _status(error: requests.HTTPError) -> int:
    assert error.response is not None  # as `raise_for_status` makes it
    return error.response.status_code
