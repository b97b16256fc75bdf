"""Fetch from an archive what the SEG and RTSTRUCT of a study refer to, and did not come with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from pydicom.dataset import Dataset

from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.io.dicom.write import save
from monai_inpaint.pacs.archive import TooMuch
from monai_inpaint.pacs.moves import Move
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.series import find_series
from monai_inpaint.pacs.settings import Node, WebNode


class Basket:
    """A folder that the instances of one series go into, as the queue names them.

    Args:
        study, series: UIDs; instances of others are left out.
        limit: bytes that all of them may take.

    Attributes:
        count, size: of the instances, and their bytes.
    """

    def __init__(self, folder: Path, study: str, series: str, limit: int) -> None:
        self._folder, self._uids, self._limit = folder, (study, series), limit
        self.count = self.size = 0

    def put(self, dataset: Dataset) -> None:
        """Take an instance; raises TooMuch where it has no room."""
        if (dataset.get("StudyInstanceUID"), dataset.get("SeriesInstanceUID")) != self._uids:
            return
        uid = str(dataset.get("SOPInstanceUID", ""))
        if not is_uid(uid):
            return
        path = self._folder / f"{uid}.dcm"
        save(dataset, path)
        self.count += 1
        self.size += path.stat().st_size
        if self.size > self._limit:
            raise TooMuch


def missing_series(study: Path, kinds: Collection[str]) -> list[tuple[str, str]]:
    """Return study and series UIDs of what is referred to and lacks an instance, or all of them.

    Args:
        study: folder with the files of a study.
        kinds: "SEG", "RTSTRUCT": whose references count.
    """
    found = find_series(study)
    here = {series.uid for series in found.series}
    instances = set(itertools.chain.from_iterable(series.instances for series in found.series))
    missing = set()
    for mark in found.marks:
        if mark.kind in kinds:
            for series, listed in mark.drawn.series.items():
                if is_uid(series) and (series not in here or not listed <= instances):
                    missing.update((study, series) for study in mark.drawn.studies if is_uid(study))
    return sorted(missing)


def fetch(
    study: Path, output: Path, rules: Sequence[Rule], at: Node | WebNode, title: str, limit: int, move: Move
) -> list[tuple[str, int]]:
    """Fetch all that is missing.

    Args:
        study: folder with the files of a study.
        output: an empty folder for the instances.
        rules: fetched is what their holes refer to.
        title: our AE title.
        limit: bytes that may be fetched.
        move: what a C-MOVE is asked for with, where an archive offers no C-GET.

    Returns:
        the UID of each series that was asked for, and how many instances of it came.

    Raises:
        TooMuch, Unreachable: as they say.
        InputError: as `find_series` says, or TLS cannot be set up.
    """
    return fetch_series(missing_series(study, {rule.hole for rule in rules}), output, at, title, limit, move)


def fetch_series(
    wanted: Sequence[tuple[str, str]], output: Path, at: Node | WebNode, title: str, limit: int, move: Move
) -> list[tuple[str, int]]:
    """Fetch series, given by their study and series UIDs; all else as `fetch`."""
    asked = []
    for study, series in wanted:
        basket = Basket(output, study, series, limit)
        _get(study, series, at, title, basket.put, move)
        limit -= basket.size
        asked.append((series, basket.count))
    return asked


def _get(study: str, series: str, at: Node | WebNode, title: str, keep: Callable[[Dataset], None], move: Move) -> None:
    if isinstance(at, WebNode):
        from monai_inpaint.pacs.dicomweb import series_at

        for dataset in series_at(study, series, at):
            keep(dataset)
    else:
        from monai_inpaint.pacs.getter import get_series

        get_series(study, series, at, title, keep, move)
