"""Tasks that the service runs in processes of their own: fetch, fill, send, and talk to archive and worklist."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monai_inpaint.pacs.anonymous_errors import sentence_of
from monai_inpaint.pacs.archive import Instance, RefusedInstance, TooMuch, Unreachable, instances_below, kinds_of
from monai_inpaint.pacs.kept_images import FILLED
from monai_inpaint.pacs.machine_faults import is_full
from monai_inpaint.pacs.moves import Move
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.settings import Node, WebNode, WorklistSettings

DONE, PARTLY, NOTHING, FAILED, FULL, LATER = "done", "partly", "nothing", "failed", "full", "later"
NO_ROOM = "There is no room in the queue."
TOO_MUCH = "There is no room for it in the queue, or the study becomes larger than it may be."


class TaskOutcome(NamedTuple):
    """Outcome of a task.

    Attributes:
        how: one of these words.
        why: a sentence for what is not done.
        taken: SOP class and SOPInstanceUID of what an archive has taken.
        found: what a worklist says: UIDs of work items, or study and series UIDs of the input of one.
    """

    how: str
    why: str = ""
    taken: tuple[tuple[str, str], ...] = ()
    found: tuple[Any, ...] = ()


def filler(rules: Sequence[Rule], report_skipped: bool) -> Callable[..., TaskOutcome]:
    """Return a function that fills a study.

    It is given the study's folder, one for the results, what was filled before, and, a second time, why filling failed.
    """
    from monai_inpaint.pacs.study import EXPECTED, Bundles, process_study

    bundles = Bundles()

    def fill(study: Path, output: Path, filled: Collection[str], failed: str = "") -> TaskOutcome:
        try:
            record = process_study(study, output, rules, bundles, filled, report_skipped, failed)
        except Exception as error:
            why = sentence_of(error, {str(study): "The study", str(output): "The folder of the results"})
            return TaskOutcome(FULL if is_full(error) else FAILED, why)
        if any(entry["status"] == FILLED for entry in record["series"]):
            return TaskOutcome(DONE, _reasons(record, EXPECTED))
        return TaskOutcome(NOTHING, _reasons(record) or "It contains no images.")

    return fill


def sender(to: Node | WebNode, title: str) -> Callable[[Path], TaskOutcome]:
    """Return a function that sends all results in a folder to an archive; `title` is our AE title.

    Objects that the archive refuses are left out, but not images of a derived series: without them the study fails.
    """
    from monai_inpaint.dicom.results import DERIVED

    def send_all(results: Path) -> TaskOutcome:
        try:
            instances = instances_below(results)
            refused = _send(instances, to, title) if instances else []
        except Unreachable as error:
            return TaskOutcome(LATER, f"{error}.")
        except Exception as error:
            why = sentence_of(error, {str(results): "The folder of the results"})
            return TaskOutcome(FAILED, f"Its results cannot be sent. {why}")
        left_out = {refusal.instance.uid for refusal in refused}
        taken = tuple((one.sop_class, one.uid) for one in instances if one.uid not in left_out)
        if not refused:
            return TaskOutcome(DONE, f"{len(instances)} results sent", taken)
        why = f"{to.name} refused {len(refused)} of {len(instances)} results: {kinds_of(refused)}."
        needed = any(refusal.instance.path.parent.name == DERIVED for refusal in refused)
        return TaskOutcome(FAILED if needed else PARTLY, why, taken)

    return send_all


def committer(to: Node, title: str) -> Callable[[Path, str], TaskOutcome]:
    """Return a function that asks an archive to commit itself to what a job has sent, by the UID of the transaction."""
    from monai_inpaint.pacs.commitment import request_commitment
    from monai_inpaint.pacs.pending_commitment import keep_report, pending, report_in

    def ask(job: Path, transaction: str) -> TaskOutcome:
        try:
            request_commitment(
                pending(job).instances, transaction, to, title,
                keep=lambda report: keep_report(job, report), has_come=lambda: report_in(job) is not None,
            )  # fmt: skip
        except Unreachable as error:
            return TaskOutcome(LATER, f"{error}.")
        except Exception as error:
            return TaskOutcome(FULL if is_full(error) else FAILED, sentence_of(error, {str(job): "The study"}))
        return TaskOutcome(DONE)

    return ask


def fetcher(rules: Sequence[Rule], at: Node | WebNode, title: str) -> Callable[..., TaskOutcome]:
    """Return a function that fetches what a study lacks.

    It is given the study's folder, one for what comes, the bytes for it, and a Move of the queue.
    """
    from monai_inpaint.pacs.fetching import fetch

    def fetch_missing(study: Path, output: Path, limit: int, move: Move) -> TaskOutcome:
        try:
            asked = fetch(study, output, rules, at, title, limit, move)
        except Unreachable as error:
            return TaskOutcome(LATER, f"{error}.")
        except TooMuch:
            return TaskOutcome(FAILED, TOO_MUCH)
        except Exception as error:
            why = sentence_of(error, {str(study): "The study", str(output): "The folder for it"})
            return TaskOutcome(FULL if is_full(error) else FAILED, why)
        came = ", ".join(f"{count} instances of series {series}" for series, count in asked)
        return TaskOutcome(DONE, came) if asked else TaskOutcome(NOTHING)

    return fetch_missing


def performer(
    worklist: WorklistSettings, at: Node | WebNode, to: Node | WebNode, title: str
) -> Callable[..., TaskOutcome]:
    """Return a function that does one step of performing a work item: "find", "claim", "fetch", "complete" or "cancel".

    DONE: it is done; NOTHING: the work item is not ours.
    """
    from monai_inpaint.pacs.fetching import fetch_series
    from monai_inpaint.pacs.worklist import Worklist

    items = Worklist(worklist, title, to if isinstance(to, Node) else to.url)

    def claim(uid: str, transaction: str) -> TaskOutcome:
        return (
            TaskOutcome(DONE, found=tuple(items.inputs(uid))) if items.claim(uid, transaction) else TaskOutcome(NOTHING)
        )

    def fetch(wanted: Sequence[tuple[str, str]], output: Path, limit: int, move: Move) -> TaskOutcome:
        fetch_series(wanted, output, at, title, limit, move)
        return TaskOutcome(DONE)

    steps = {
        "find": lambda: TaskOutcome(DONE, found=tuple(items.scheduled())),
        "claim": claim,
        "fetch": fetch,
        "complete": lambda *args: TaskOutcome(DONE if items.complete(*args) else NOTHING),
        "cancel": lambda *args: TaskOutcome(DONE if items.cancel(*args) else NOTHING),
    }

    def perform(step: str, *args: Any) -> TaskOutcome:
        try:
            return steps[step](*args)
        except Unreachable as error:
            return TaskOutcome(LATER, f"{error}.")
        except TooMuch:
            return TaskOutcome(FAILED, TOO_MUCH)
        except Exception as error:
            return TaskOutcome(FULL if is_full(error) else FAILED, sentence_of(error))

    return perform


def _send(instances: Sequence[Instance], to: Node | WebNode, title: str) -> list[RefusedInstance]:
    if isinstance(to, WebNode):
        from monai_inpaint.pacs.dicomweb import store

        return store(instances, to)
    from monai_inpaint.pacs.sender import send

    return send(instances, to, title)


def _reasons(record: Mapping[str, Any], expected: Collection[str] = ()) -> str:
    """Why series were not filled, each reason once, but for those that are expected."""
    reasons = (*(entry["why"] for entry in record["series"]), *record["unreadable"])
    return " ".join(why for why in dict.fromkeys(reasons) if why and why not in expected)
