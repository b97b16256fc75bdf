"""Score the answers of a reader study: accuracy with intervals, consistency, time, agreement of readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from monai_inpaint.evaluation.study_files import ReaderAnswers
from monai_inpaint.metrics.agreement import cohen_kappa, resampled_share, wilson_interval

EVERY = "all"  # methods, variants
PEOPLE = "all readers"
MACHINE = "automatic"


@dataclass(frozen=True)
class ScoredAnswer:
    """One answer with its truth. `trial` and `pair` are numbers from 0; `ms` is None for a machine."""

    reader: str
    trial: int
    pair: int
    repeat: bool
    method: str
    variant: str
    case: str
    patient: str
    side: str
    right: bool
    ms: float | None


@dataclass(frozen=True)
class Accuracy:
    """Share of correct answers, repeated pairs counted once, at their first showing.

    Attributes:
        reader, method, variant: whose; `PEOPLE` for all people, `EVERY` for all methods or variants.
        right, pairs: answers.
        wilson: 95 % interval of the share, answers taken as independent.
        resampled: 95 % interval by resampling of patients and, where there are several, of readers.
        seconds: median time of an answer; None where none was taken.
    """

    reader: str
    method: str
    variant: str
    right: int
    pairs: int
    wilson: tuple[float, float]
    resampled: tuple[float, float]
    seconds: float | None

    @property
    def share(self) -> float:
        """Of right answers."""
        return self.right / self.pairs


@dataclass(frozen=True)
class StudyScores:
    """All scores of a study.

    Attributes:
        answers: in the order of the readers, then of the trials.
        accuracies: by reader, method and variant.
        consistency: reader -> (pairs with the same answer at both showings, pairs answered twice).
        kappas: (reader, reader) -> (Cohen's kappa of the sides chosen, pairs that both answered).
    """

    answers: list[ScoredAnswer]
    accuracies: list[Accuracy]
    consistency: dict[str, tuple[int, int]]
    kappas: dict[tuple[str, str], tuple[float, int]]


def score_answers(key: dict[str, Any], readers: Sequence[ReaderAnswers], seed: int = 0) -> StudyScores:
    """Score the answers of one or more readers, people before the machine.

    Args:
        key: of the study.
        readers: each once.
        seed: of the resampling.
    """
    answers = [answer for reader in readers for answer in _scored(key, reader)]
    people = [reader.reader for reader in readers if reader.reader != MACHINE]
    whose: list[tuple[str, Callable[[ScoredAnswer], bool]]] = []
    if len(people) > 1:
        whose.append((PEOPLE, lambda answer: answer.reader != MACHINE))
    for reader in readers:
        whose.append((reader.reader, lambda answer, name=reader.reader: answer.reader == name))
    variants = list(dict.fromkeys(pair["variant"] for pair in key["pairs"]))
    methods = [EVERY, *key["methods"]] if len(key["methods"]) > 1 else key["methods"]
    accuracies = [
        _accuracy(name, method, variant, given, seed)
        for variant in ([EVERY, *variants] if len(variants) > 1 else variants)
        for name, own in whose
        for method in methods
        if (given := [a for a in answers if own(a) and not a.repeat and _of(a, method, variant)])
    ]
    consistency = {reader.reader: _consistency(key, reader) for reader in readers}
    kappas = {(a.reader, b.reader): _kappa(a, b) for a, b in combinations(readers, 2)}
    return StudyScores(answers, accuracies, consistency, kappas)


def _scored(key: dict[str, Any], reader: ReaderAnswers) -> list[ScoredAnswer]:
    scored = []
    for number, (side, ms) in sorted(reader.answers.items()):
        trial = key["trials"][number]
        pair = key["pairs"][trial["pair"]]
        facts = {name: pair[name] for name in ("method", "variant", "case", "patient")}
        right = side == trial["filled"]
        scored.append(
            ScoredAnswer(reader.reader, number, trial["pair"], trial["repeat"], **facts, side=side, right=right, ms=ms)
        )
    return scored


def _of(answer: ScoredAnswer, method: str, variant: str) -> bool:
    return method in (EVERY, answer.method) and variant in (EVERY, answer.variant)


def _accuracy(reader: str, method: str, variant: str, given: Sequence[ScoredAnswer], seed: int) -> Accuracy:
    readers, patients = (
        {name: number for number, name in enumerate(dict.fromkeys(names))}
        for names in ([a.reader for a in given], [a.patient for a in given])
    )
    right, total = np.zeros((2, len(readers), len(patients)), int)
    for answer in given:
        place = readers[answer.reader], patients[answer.patient]
        right[place] += answer.right
        total[place] += 1
    times = [answer.ms / 1000 for answer in given if answer.ms is not None]
    count = int(right.sum())
    return Accuracy(
        reader,
        method,
        variant,
        count,
        len(given),
        wilson_interval(count, len(given)),
        resampled_share(right, total, np.random.default_rng(seed)),
        float(np.median(times)) if times else None,
    )


def _consistency(key: dict[str, Any], reader: ReaderAnswers) -> tuple[int, int]:
    """Share of the pairs answered twice in which the same picture was chosen at both showings."""
    chosen: dict[int, list[bool]] = {}
    for number, (side, _) in reader.answers.items():
        trial = key["trials"][number]
        chosen.setdefault(trial["pair"], []).append(side == trial["filled"])
    twice = [answers for answers in chosen.values() if len(answers) == 2]
    return sum(first == second for first, second in twice), len(twice)


def _kappa(first: ReaderAnswers, second: ReaderAnswers) -> tuple[float, int]:
    shared = sorted(set(first.answers) & set(second.answers))
    sides = [[reader.answers[number][0] for number in shared] for reader in (first, second)]
    return cohen_kappa(*sides), len(shared)
