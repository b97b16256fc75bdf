"""Interface of a protocol: the cases it makes, the methods it compares, and how results are shown.

The table of all protocols is in `protocol_table.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Protocol as Interface

import numpy as np

from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.datalist import Entry
from monai_inpaint.evaluation.summary import Summary
from monai_inpaint.imaging.image import Image
from monai_inpaint.reports import Comparison, Table

if TYPE_CHECKING:
    from monai_inpaint.metrics.lpips import Lpips


@dataclass(frozen=True)
class Method:
    """A method under its name: `fill(case)` returns the filled or corrected array in units.

    Attributes:
        name: as in the tables.
        version: of a bundle, for the facts.
        modalities: those of its bundle; a method without a bundle has none and accepts any image.
        fill: computes the result of one case.
    """

    name: str
    version: str
    modalities: tuple[str, ...]
    fill: Callable[[EvaluationCase], np.ndarray]

    @property
    def classical(self) -> bool:
        """Whether it runs no bundle."""
        return not self.modalities


class Gallery(Interface):
    """The pictures of an evaluation, collected while it runs."""

    def add(self, case: EvaluationCase, method: str, output: np.ndarray) -> None:
        """Keep what the pictures need of a method's result."""
        ...

    def pictures(self, summary: Summary, again: Callable[[set[str]], Iterable[EvaluationCase]]) -> Sequence[Comparison]:
        """The cases to show; `again` makes the cases of these names once more, as images are too large to keep."""
        ...


class Protocol(ABC):
    """Images, cases and methods of a comparison; `evaluate` itself reads the images, runs every method and writes.

    Attributes:
        name: as typed on the command line.
        modalities: which images it is for, of "cxr", "ct" and "mr".
        lesions: whether it uses the lesions of the data list; other protocols do not get them.
        features: whether LPIPS and the share of fills that a classifier recognises can be measured.
        packages: distributions whose versions belong to the facts.
    """

    name: str
    modalities: tuple[str, ...]
    lesions: bool = False
    features: bool = False
    packages: tuple[str, ...] = ()

    @abstractmethod
    def cases(
        self, image: Image, lesion: np.ndarray | None, *, modality: str, name: str, patient: str, seed: int
    ) -> tuple[list[EvaluationCase], list[str]]:
        """Make all cases of one image, the same for the same seed and name whatever else is in the list.

        Args:
            image: 2D or 3D; of a volume a few seeded slices are taken, or by a protocol in 3D a few seeded parts.
            lesion: boolean array on the image's grid, or None.
            modality: "cxr", "ct" or "mr".
            name: the image's name in the data list.
            patient: its patient's identifier.
            seed: of the evaluation.

        Returns:
            The cases, and for each part of the image that does not fit a sentence why.

        Raises:
            InputError: the image as a whole does not fit.
        """

    @abstractmethod
    def methods(self, names: Sequence[str], engine: str, seed: int) -> list[Method]:
        """Find the methods of these names, in this order.

        Raises:
            InputError: none is named, one is named twice or unknown, or a bundle or package is missing.
        """

    @abstractmethod
    def measure(self, case: EvaluationCase, output: np.ndarray, lpips: Lpips | None) -> dict[str, float]:
        """Measure a method's output against the truth: name and value, in the order of the tables."""

    @abstractmethod
    def facts(self, methods: Sequence[Method], features: str | None) -> tuple[dict[str, str], dict[str, str]]:
        """Facts about the figures, to stand before data and cases; and how they are measured, to stand after them."""

    @abstractmethod
    def gallery(self) -> Gallery:
        """Return an empty gallery."""

    @abstractmethod
    def tables(self, summary: Summary) -> list[Table]:
        """Return the tables of the pages."""

    @abstractmethod
    def cases_csv(self, summary: Summary) -> str:
        """Return a row for each case and method."""

    @abstractmethod
    def summary_csv(self, summary: Summary) -> str:
        """Means by method."""

    def modality_of(self, entry: Entry, image: Image) -> str | None:
        """Return the modality that the data list or the file states; None where neither does."""
        return entry.kind or image.modality
