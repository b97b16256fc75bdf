"""Tasks that the service runs in processes of their own: fill a study, send results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_inpaint.pacs.anonymous_errors import sentence_of
from monai_inpaint.pacs.disk_space import is_full
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.settings import Node

DONE, PARTLY, NOTHING, FAILED, FULL, LATER = "done", "partly", "nothing", "failed", "full", "later"

Outcome = tuple[str, str]  # one of these, and a sentence for what is not done


def filler(rules: Sequence[Rule]) -> Callable[[Path, Path, Collection[str]], Outcome]:
    """Return a function that fills a study: given its folder, one for the results, and what was filled before."""
    from monai_inpaint.pacs.study import FILLED, Bundles, process_study

    bundles = Bundles()

    def fill(study: Path, output: Path, filled: Collection[str]) -> Outcome:
        try:
            record = process_study(study, output, rules, bundles, filled)
        except Exception as error:
            why = sentence_of(error, {str(study): "The study", str(output): "The folder of the results"})
            return (FULL if is_full(error) else FAILED), why
        return (DONE, "") if any(e["status"] == FILLED for e in record["series"]) else (NOTHING, _reasons(record))

    return fill


def sender(to: Node, title: str) -> Callable[[Path], Outcome]:
    """Return a function that sends all results in a folder to an archive; `title` is our AE title.

    Objects that the archive refuses are left out, but not images of a derived series: without them the study fails.
    """
    from monai_inpaint.dicom.results import DERIVED
    from monai_inpaint.pacs.archive import Unreachable, instances_below, kinds_of
    from monai_inpaint.pacs.sender import send

    def send_all(results: Path) -> Outcome:
        try:
            instances = instances_below(results)
            refused = send(instances, to, title) if instances else []
        except Unreachable as error:
            return LATER, f"{error}."
        except Exception as error:
            why = sentence_of(error, {str(results): "The folder of the results"})
            return FAILED, f"Its results cannot be sent. {why}"
        if not refused:
            return DONE, f"{len(instances)} results sent"
        why = f"{to.title} refused {len(refused)} of {len(instances)} results: {kinds_of(refused)}."
        needed = any(refusal.instance.path.parent.name == DERIVED for refusal in refused)
        return (FAILED if needed else PARTLY), why

    return send_all


def _reasons(record: Mapping[str, Any]) -> str:
    """Why nothing was filled, each reason once."""
    reasons = (*(entry["why"] for entry in record["series"]), *record["unreadable"])
    return " ".join(dict.fromkeys(reasons)) or "It holds no images."
