"""Serve by HTTP, on this machine alone, whether the service works (`/health`) and how much waits (`/metrics`)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from monai_inpaint.errors import InputError
from monai_inpaint.pacs.queue import Queue

_HOST = "127.0.0.1"


@contextmanager
def monitored(port: int | None, queue: Queue, waits: Mapping[str, str]) -> Iterator[None]:
    """Answer `/health` (JSON; 503 while something waits) and `/metrics` (Prometheus) as long as the block runs.

    Args:
        port: on 127.0.0.1; None: nothing is answered.
        queue: whose numbers are given; no UIDs.
        waits: of each part of the service that cannot go on, why.

    Raises:
        InputError: the port is taken.
    """
    if port is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(_Gauges(queue, waits))
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start)
        if environ["PATH_INFO"] != "/health":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/health or /metrics\n"]
        start("503 Service Unavailable" if waits else "200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"status": "waits" if waits else "works", "waits": dict(waits)}).encode() + b"\n"]

    try:
        server = make_server(_HOST, port, answer, ThreadingWSGIServer, _Silent)
    except OSError as error:
        raise InputError(
            f"{_HOST}:{port} cannot be listened on ({error.strerror}); name another monitor port."
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Gauges(Collector):
    def __init__(self, queue: Queue, waits: Mapping[str, str]) -> None:
        self._queue, self._waits = queue, waits

    def collect(self) -> Iterator[GaugeMetricFamily]:
        studies = GaugeMetricFamily("monai_inpaint_studies", "Studies in the queue.", labels=["state"])
        for state, count in self._queue.counts().items():
            studies.add_metric([state], count)
        yield studies
        used, quota = self._queue.quota.room()
        yield GaugeMetricFamily("monai_inpaint_queue_bytes", "Bytes that the queue takes.", value=used)
        yield GaugeMetricFamily("monai_inpaint_queue_quota_bytes", "Bytes that the queue may take.", value=quota)
        waits = GaugeMetricFamily("monai_inpaint_waits", "1 while a part of the service cannot go on.", labels=["part"])
        for part in ("fetching", "filling", "sending", "committing", "polling", "performing"):
            waits.add_metric([part], float(part in self._waits))
        yield waits


class _Silent(WSGIRequestHandler):
    """Logs nothing: who asks is the monitor of this machine, every few seconds."""

    def log_message(self, format: str, *args: Any) -> None:
        pass
