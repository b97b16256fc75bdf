"""Tasks that the service runs in processes of their own: fill a study, send results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_inpaint.pacs.anonymous_errors import sentence_of
from monai_inpaint.pacs.archive import Instance, RefusedInstance, Unreachable, instances_below, kinds_of
from monai_inpaint.pacs.disk_space import is_full
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.settings import Node, WebNode

DONE, PARTLY, NOTHING, FAILED, FULL, LATER = "done", "partly", "nothing", "failed", "full", "later"

Outcome = tuple[str, str]  # one of these, and a sentence for what is not done


def filler(rules: Sequence[Rule], report_skipped: bool) -> Callable[[Path, Path, Collection[str]], Outcome]:
    """Return a function that fills a study: given its folder, one for the results, and what was filled before."""
    from monai_inpaint.pacs.study import FILLED, Bundles, process_study

    bundles = Bundles()

    def fill(study: Path, output: Path, filled: Collection[str]) -> Outcome:
        try:
            record = process_study(study, output, rules, bundles, filled, report_skipped)
        except Exception as error:
            why = sentence_of(error, {str(study): "The study", str(output): "The folder of the results"})
            return (FULL if is_full(error) else FAILED), why
        return (DONE, "") if any(e["status"] == FILLED for e in record["series"]) else (NOTHING, _reasons(record))

    return fill


def sender(to: Node | WebNode, title: str) -> Callable[[Path], Outcome]:
    """Return a function that sends all results in a folder to an archive; `title` is our AE title.

    Objects that the archive refuses are left out, but not images of a derived series: without them the study fails.
    """
    from monai_inpaint.dicom.results import DERIVED

    def send_all(results: Path) -> Outcome:
        try:
            instances = instances_below(results)
            refused = _send(instances, to, title) if instances else []
        except Unreachable as error:
            return LATER, f"{error}."
        except Exception as error:
            why = sentence_of(error, {str(results): "The folder of the results"})
            return FAILED, f"Its results cannot be sent. {why}"
        if not refused:
            return DONE, f"{len(instances)} results sent"
        why = f"{to.name} refused {len(refused)} of {len(instances)} results: {kinds_of(refused)}."
        needed = any(refusal.instance.path.parent.name == DERIVED for refusal in refused)
        return (FAILED if needed else PARTLY), why

    return send_all


def fetcher(rules: Sequence[Rule], at: Node | WebNode, title: str) -> Callable[[Path, Path, int], Outcome]:
    """Return a function that fetches what a study lacks: given its folder, one for what comes, and the bytes for it."""
    from monai_inpaint.pacs.fetching import TooMuch, fetch

    def fetch_missing(study: Path, output: Path, limit: int) -> Outcome:
        try:
            asked = fetch(study, output, rules, at, title, limit)
        except Unreachable as error:
            return LATER, f"{error}."
        except TooMuch:
            return FAILED, "There is no room for it in the queue, or the study becomes larger than it may be."
        except Exception as error:
            why = sentence_of(error, {str(study): "The study", str(output): "The folder for it"})
            return (FULL if is_full(error) else FAILED), why
        came = ", ".join(f"{count} instances of series {series}" for series, count in asked)
        return (DONE, came) if asked else (NOTHING, "")

    return fetch_missing


def _send(instances: Sequence[Instance], to: Node | WebNode, title: str) -> list[RefusedInstance]:
    if isinstance(to, WebNode):
        from monai_inpaint.pacs.dicomweb import store

        return store(instances, to)
    from monai_inpaint.pacs.sender import send

    return send(instances, to, title)


def _reasons(record: Mapping[str, Any]) -> str:
    """Why nothing was filled, each reason once."""
    reasons = (*(entry["why"] for entry in record["series"]), *record["unreadable"])
    return " ".join(dict.fromkeys(reasons)) or "It holds no images."
