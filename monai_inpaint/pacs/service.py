"""Run the service: studies are received, filled and sent back one by one; none is lost or processed twice.

A study that cannot be handled is given up (`failed`) and logged, and the next one goes on. While the disk is full
nothing is taken, and what is on its way waits until there is room.
"""

from __future__ import annotations

import threading
import warnings

from monai_inpaint.pacs.listener import Log, listening
from monai_inpaint.pacs.log import log_as
from monai_inpaint.pacs.machine_faults import is_full, reason_of
from monai_inpaint.pacs.monitor import monitored
from monai_inpaint.pacs.needed_bundles import bundles_for
from monai_inpaint.pacs.performing import Performing
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.service_stage import LONGEST_WAIT, WAIT, ServiceStage, Shared
from monai_inpaint.pacs.settings import Settings, sending_tls
from monai_inpaint.pacs.stages import Committing, Fetching, Filling, Sending
from monai_inpaint.private import private_files

_LOOK = 0.1  # seconds between two looks into the queue


def serve(settings: Settings, log: Log, stop: threading.Event | None = None) -> None:
    """Run until `stop` is set or this thread is interrupted; what is on its way is taken up at the next start.

    Args:
        settings: as read from the file.
        log: takes a sentence; it holds UIDs, AE titles and numbers, nothing else of what is received.

    Raises:
        InputError: the queue is in use, the port is taken, TLS cannot be set up, or a rule names no bundle for it.
    """
    stop = stop or threading.Event()
    log = log_as(settings.log, log)
    warnings.simplefilter("ignore")  # libraries quote what they warn of
    for peer in (settings.send, settings.fetch, settings.worklist and settings.worklist.at):
        if peer and peer.tls:
            sending_tls(peer.tls)  # refused now rather than when the first study is done
    bundles_for(settings.rules)  # likewise
    with private_files():
        queue = Queue(settings.queue, settings.study_bytes, settings.quota_bytes, log, settings.keep_seconds)
        try:
            _run(settings, queue, log, stop)
        finally:
            queue.close()


def _run(settings: Settings, queue: Queue, log: Log, stop: threading.Event) -> None:
    shared = Shared(queue, settings, log, threading.Event(), {})
    kinds = [Fetching, Filling, Sending, Committing, *([Performing] if settings.worklist else [])]
    stages = [kind(shared) for kind in kinds]
    loops = [threading.Thread(target=_loop, args=(stage,), daemon=True) for stage in stages]
    with monitored(settings.monitor, queue, shared.waits), listening(settings, queue, log):
        try:
            for loop in loops:
                loop.start()
            while not stop.wait(_LOOK):  # a signal that another thread takes does not wake this one
                pass
        finally:
            shared.ended.set()
            for loop, stage in zip(loops, stages, strict=True):
                if loop.is_alive():  # not if Ctrl-C came before it had started
                    loop.join()  # soon, since it waits for nothing but its worker, and looks up
                stage.worker.close()
            log(f"stopped; studies that are not done: {queue.waiting_studies()}")


def _loop(stage: ServiceStage) -> None:
    """Do the next thing, or wait a moment; where something is wrong with the place, longer each time."""
    ended, log, waits = stage.shared.ended, stage.log, stage.shared.waits
    wait = WAIT
    while not ended.is_set():
        try:
            if not stage():
                ended.wait(_LOOK)
        except Exception as error:
            if ended.is_set():
                return
            why = "the disk is full." if is_full(error) else reason_of(error)
            if wait == WAIT:
                log(f"{stage.name} waits: {why}")
            waits[stage.name] = why
            ended.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        else:
            if wait != WAIT:
                log(f"{stage.name} goes on")
                waits.pop(stage.name, None)
            wait = WAIT
