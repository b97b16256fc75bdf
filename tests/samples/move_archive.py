"""An archive that sends to the service's listener by C-MOVE what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import CTImageStorage, StudyRootQueryRetrieveInformationModelMove

from benchmarks.deploy.service import free_port
from benchmarks.deploy.studies import small_study
from monai_inpaint.pacs.fetching import fetch_series
from monai_inpaint.pacs.listener import listening
from monai_inpaint.pacs.moves import Move
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.settings import Node, Settings

STUDY, SERIES, LARGE = "1.2.77", "1.2.77.1", 10**6


class MoveArchive:
    """The listener on a queue in this process, and an archive with two slices; `with`.

    Args:
        folder: for the queue, what is fetched, and the study.
        callers: AE titles that the listener takes instances from.
        quota: bytes of the queue.

    Attributes:
        held: instances of the archive.
        known: AE titles that the archive can send to.
        node: the archive.
        settings: of the service.
        log: of the listener.
    """

    def __init__(self, folder: Path, callers: tuple[str, ...] = ("ARCHIVE", "SENDER"), quota: int = LARGE) -> None:
        self.held = [pydicom.dcmread(path) for path in small_study(folder / "study", STUDY)[:2]]
        self.known, self.log = {"FILLER"}, list[str]()
        self.queue = Queue(folder / "queue", LARGE, quota)
        self.port = free_port()
        self.node = Node("127.0.0.1", free_port(), "ARCHIVE")
        ours = Node("127.0.0.1", self.port, "FILLER")
        self.settings = Settings(folder / "queue", ours, callers, self.node, (Rule("CT", "SEG"),))
        self._output = folder / "output"
        self._output.mkdir()

    def __enter__(self) -> MoveArchive:
        entity = AE("ARCHIVE")
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
        self._server = entity.start_server(
            ("127.0.0.1", self.node.port), block=False, evt_handlers=[(evt.EVT_C_MOVE, self._move)]
        )
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._server.shutdown()

    def _listen(self) -> None:
        self._open = ExitStack()
        self._open.callback(self.queue.close)
        self._open.enter_context(listening(self.settings, self.queue, self.log.append))

    def restart(self) -> None:
        """End the service, whatever is under way, and start it again; the archive goes on."""
        self._open.close()
        self.queue = Queue(self.queue.root, LARGE, LARGE)
        self._listen()

    def fetch(self, limit: int = LARGE, move_limit: int = LARGE) -> list[Dataset]:
        """Fetch the series; what came of it."""
        with self.queue.moves.begin(move_limit) as move:
            fetch_series([(STUDY, SERIES)], self._output, self.node, "FILLER", limit, move)
        return [pydicom.dcmread(path) for path in sorted(self._output.iterdir())]

    @contextmanager
    def expecting(self) -> Iterator[Move]:
        """A C-MOVE of the series that is under way."""
        with self.queue.moves.begin(LARGE) as move:
            move.expect(STUDY, SERIES)
            yield move

    def send(self, instances: list[Dataset], caller: str, message: int) -> list[int]:
        """Send instances as if for a C-MOVE with this Message ID; returns the statuses."""
        entity = AE(caller)
        entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
        association = entity.associate("127.0.0.1", self.port, ae_title="FILLER")
        try:
            return [
                association.send_c_store(one, originator_aet=caller, originator_id=message).Status for one in instances
            ]
        finally:
            association.release()

    def arrived(self) -> list[str]:
        """UIDs of the instances of studies that arrive."""
        return [path.stem for path in (self.queue.root / "arriving").rglob("*.dcm")]

    def left(self) -> list[Path]:
        """Files of instances that are neither kept nor refused."""
        return [path for path in self.queue.incoming.rglob("*") if path.is_file()]

    def _move(self, event: Any) -> Iterator[Any]:
        if event.move_destination not in self.known:
            yield None, None
            return
        yield "127.0.0.1", self.port, {"contexts": [build_context(CTImageStorage)]}
        wanted = [one for one in self.held if one.SeriesInstanceUID == event.identifier.SeriesInstanceUID]
        yield len(wanted)
        for one in wanted:
            yield 0xFF00, one
