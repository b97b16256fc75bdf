"""Automatic reader of a study: the paired classifier of `evaluate`, applied to the pictures that readers see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_inpaint.evaluation.study_pictures import RealAndFilled

if TYPE_CHECKING:
    from monai_inpaint.metrics.paired_classifier import HoleFeatures


class AutomaticReader:
    """Answers each pair after it has seen pairs of other patients, with their truth.

    For each method it is trained on all cases of the study, not only on the method's own pairs.

    Args:
        features: of the hole.
    """

    def __init__(self, features: HoleFeatures) -> None:
        self._features = features
        self._seen: dict[str, list[tuple[np.ndarray, str, int | None]]] = {}

    def look(self, shown: RealAndFilled, method: str, patient: str, pair: int | None) -> None:
        """Look at a pair of pictures.

        Args:
            shown: the pictures.
            method: that filled one.
            patient: of the case.
            pair: its number in the study; None if readers do not see it.
        """
        difference = self._features.difference(
            shown.real.astype(np.float64), shown.filled.astype(np.float64), shown.hole, float(shown.top)
        )
        self._seen.setdefault(method, []).append((difference, patient, pair))

    def answers(self, trials: Sequence[tuple[int, str]]) -> list[dict[str, Any]] | None:
        """Answer the trials of a study; None where there are too few patients to learn from.

        Args:
            trials: of each, the pair and the side of the filled picture.
        """
        from monai_inpaint.metrics.paired_classifier import held_out_margins

        margins: dict[int, float] = {}
        for seen in self._seen.values():
            found = held_out_margins(np.stack([one for one, _, _ in seen]), [patient for _, patient, _ in seen])
            margins |= {
                pair: float(margin) for margin, (_, _, pair) in zip(found, seen, strict=True) if pair is not None
            }
        if np.isnan(list(margins.values())).any():
            return None
        other = {"left": "right", "right": "left"}
        return [
            {"trial": number, "side": filled if margins[pair] > 0 else other[filled], "ms": None}
            for number, (pair, filled) in enumerate(trials)
        ]
