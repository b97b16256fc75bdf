"""Requests to a DICOMweb service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from pydicom.errors import InvalidDicomError

from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.settings import WebNode

SECONDS = 60.0
NO_DICOMWEB = "does not answer as a DICOMweb service does"
_NONSENSE = (ValueError, TypeError, AttributeError, LookupError, InvalidDicomError)  # of what reads the answers


def web_session(service: WebNode) -> requests.Session:
    """Return a session with our certificate, if there is one; it follows no redirections."""
    session = requests.Session()
    session.max_redirects = 0  # a POST that is led elsewhere becomes a GET, which stores nothing
    session.headers["Accept"] = "application/dicom+json"
    if service.tls:
        session.cert = (str(service.tls.certificate), str(service.tls.key))
        session.verify = str(service.tls.authority)
    return session


@contextmanager
def asking(service: WebNode) -> Iterator[None]:
    """Turn what may go wrong with a request into Unreachable."""
    try:
        yield
    except requests.HTTPError as error:
        raise Unreachable(f"{service.url} answers with HTTP {status_in(error)}") from error
    except (requests.exceptions.InvalidJSONError, *_NONSENSE) as error:
        raise Unreachable(f"{service.url} {NO_DICOMWEB}") from error
    except requests.RequestException as error:
        raise Unreachable(f"{service.url} cannot be reached ({type(error).__name__})") from error


def status_in(error: requests.HTTPError) -> int:
    """Return the HTTP status of an error."""
    assert error.response is not None  # as `raise_for_status` makes it
    return error.response.status_code
