"""Do outpainted films help a classifier? Table 2 of LINOP on two classes: DenseNet-121 with and without them.

Every training takes the same number of steps, so that added films are not also more training. What was made and
trained is kept in --output, and a run that was ended goes on there.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.networks.nets.densenet import DenseNet121

from benchmarks.abnormality import auroc
from benchmarks.kept_folder import kept_folder
from benchmarks.outpainting import HEALTHY, film_at
from benchmarks.resampled import RESAMPLED, resampled
from benchmarks.setting import Options, markdown
from monai_inpaint.anomaly import compute_anomaly_map, high_candidates
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.fill.filler import Filler
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.io.atomic import staged
from monai_inpaint.progress import Progress, make_progress
from monai_inpaint.registry import BundleInfo, find_bundle
from monai_inpaint.synthesis.painting.paint import BUNDLE, paint_film
from monai_inpaint.training.bfloat16 import has_bfloat16

SIDE = 128
SEEDS, STEPS, BATCH, RATE = 3, 200, 16, 3e-4
SICK = ("pneumonia",)  # how notes begin
NONE, SICK_ONLY, BOTH, QUARTER, FIRST = ARMS = (
    "none", "outpainting", "outpainting-both", "outpainting-quarter", "outpainting-first"
)  # fmt: skip
FRACTIONS = (100.0, 50.0, 25.0, 12.5)
_WHITE = 255.0

Scores = Sequence[tuple[bool, float]]  # of a patient: truth and score of each film
PairScores = Sequence[tuple[bool, Sequence[float]]]


@dataclass(frozen=True, eq=False)
class Film:
    """A film of a patient: uint8 (SIDE, SIDE); sick or not; the data set that it is from."""

    pixels: np.ndarray
    patient: str
    sick: bool
    source: str = ""


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    fractions = options.fractions or FRACTIONS
    arms = options.arms or ARMS
    if unknown := [arm for arm in arms if arm not in ARMS]:
        raise InputError(f"There is no arm {unknown[0]!r}; use {', '.join(ARMS)}.")
    groups = by_source(*(films_of(options.data, split, options) for split in ("train", "val")))
    if not groups:
        raise InputError(f"{options.data} must name healthy films and films of pneumonia in the splits train and val.")
    seeds = range(options.seed, options.seed + options.repeats(SEEDS))
    painter, steps = find_bundle(options.bundle or BUNDLE), 2 if options.tiny else STEPS
    rng, rows = np.random.default_rng(options.seed), list[list[str]]()
    with kept_folder(options) as folder, make_progress("auto", sys.stderr) as progress:
        for source, (train, test) in groups.items():
            group = Group(source or "films", train, test, folder, painter, seeds, steps, progress)
            for fraction in fractions:
                plain: np.ndarray | None = None
                for arm in arms:
                    scores = group.scores(fraction, arm)
                    place = f"{source}, {fraction:g} %" if source else f"{fraction:g} %"
                    count = len(part_of(train, fraction, options.seed))
                    rows.append([place, arm, str(count), *_figures(test, scores, plain, rng)])
                    plain = scores if arm == NONE else plain
    notes = [
        f"data: {options.data.name}",
        *(
            f"{source or 'films'}: trained on split train ({len(train)} films), tested on val ({len(test)} films of "
            f"{len({film.patient for film in test})} patients)"
            for source, (train, test) in groups.items()
        ),
        f"DenseNet-121 of MONAI from random weights at {SIDE} pixels, Adam {RATE:g}, {steps} steps of {BATCH} films in "
        f"every row, mirrored films; mean score of {len(seeds)} seeds, which also draw the part of the training films",
        f"{SICK_ONLY}: each sick film of that part once more, the highest peak of our abnormality map kept and the "
        f"rest drawn by {painter.name} {painter.version}; {BOTH}: each healthy film too; {QUARTER}: one in four of "
        f"both; {FIRST}: both in the first half of the steps, real films in the second",
        f"{painter.name} was trained on all healthy films of train, in every row, and chosen by those of val",
        f"in brackets 95 % of {RESAMPLED} resamplings of the patients; gain: AUROC less that of {NONE}, by the same "
        "resampled patients",
    ]
    heading = ["part", "added films", "films", "accuracy", "AUROC", "gain"]
    return markdown("Classification", heading, rows, notes)


def _figures(test: Sequence[Film], scores: np.ndarray, plain: np.ndarray | None, rng: np.random.Generator) -> list[str]:
    """Accuracy, area, and how much larger the area is than by the scores without added films, where there are some."""
    patients = grouped(list(zip(test, scores.tolist(), strict=True)))
    figures = [resampled(figure, patients, rng, ".3f") for figure in (accuracy, auroc_of)]
    if plain is None:
        return [*figures, "-"]
    pairs = grouped(list(zip(test, np.stack((scores, plain), axis=1).tolist(), strict=True)))
    return [*figures, resampled(gain, pairs, rng, "+.3f")]


@dataclass(frozen=True)
class Group:
    """Classifiers of the films of one data set; what was made and trained stays in the folder.

    Attributes:
        name: of the data set.
        train, test: films.
        folder: for outpainted films and scores.
        painter: the bundle that draws.
        seeds: of a classifier each; the first is also that of the outpainted films.
        steps: of a training.
        progress: called with steps or films done and their number.
    """

    name: str
    train: Sequence[Film]
    test: Sequence[Film]
    folder: Path
    painter: BundleInfo
    seeds: Sequence[int]
    steps: int
    progress: Progress

    def scores(self, fraction: float, arm: str) -> np.ndarray:
        """The mean score of each test film by the classifiers of an arm, trained on a part of the films."""
        return np.mean([self._scores(fraction, arm, seed) for seed in self.seeds], axis=0)

    def _scores(self, fraction: float, arm: str, seed: int) -> np.ndarray:
        version = "" if arm == NONE else f"-{self.painter.name}-{self.painter.version}"
        path = self.folder / f"{self.name}-{fraction:g}-{arm}-{seed}{version}.npy"
        if not path.exists():
            learned = learned_by(arm, part_of(self.train, fraction, seed), {} if arm == NONE else self._outpainted())
            network = trained(learned, seed, self.steps, self.progress, f"{self.name} {fraction:g} % {arm} {seed}")
            with staged(path) as part, part.open("wb") as file:
                np.save(file, scored(network, self.test))
        return np.load(path)

    def _outpainted(self) -> dict[int, Film]:
        """By the id of a film, another one around its highest peak, made once; none where nothing stands out."""
        kept = self.folder / f"{self.name}-{self.painter.name}-{self.painter.version}.npz"
        if not kept.exists():
            filler, numbers, made = Filler("cxr"), list[int](), list[np.ndarray]()
            for number, film in enumerate(self.train):
                self.progress("outpaint", number, len(self.train))
                peaks = high_candidates(compute_anomaly_map(filler, Image(film.pixels)).map)
                if not peaks:
                    continue
                hole = np.ones(film.pixels.shape, bool)
                peak = peaks[0]
                hole[peak.y : peak.y + peak.h, peak.x : peak.x + peak.w] = False
                seed = self.seeds[0] + zlib.crc32(f"{film.patient} {number}".encode())
                drawn = paint_film(Image(film.pixels), hole, seed=seed, bundle=self.painter.path)
                numbers.append(number)
                made.append(drawn.image.voxels)
            with staged(kept) as part, part.open("wb") as file:
                np.savez_compressed(file, numbers=np.array(numbers, int), films=np.array(made, np.uint8))
        with np.load(kept) as stored:
            pairs = zip(stored["numbers"].tolist(), stored["films"], strict=True)
            return {id(self.train[number]): replace(self.train[number], pixels=pixels) for number, pixels in pairs}


def films_of(path: Path, split: str, options: Options) -> list[Film]:
    """The films of a split that are either healthy or of pneumonia."""
    chosen: list[tuple[Entry, bool]] = []
    entries = read_data_list(path, split=split, modality="cxr")
    for entry in in_order(entries, len(entries), options.seed):
        note = entry.note.lower()
        if note.startswith(HEALTHY) or note.startswith(SICK):
            chosen.append((entry, note.startswith(SICK)))
    limit = options.limit or len(chosen)
    return [Film(film_at(read_image(e.path), SIDE), e.patient or e.name, sick, e.source) for e, sick in chosen[:limit]]


def by_source(train: Sequence[Film], test: Sequence[Film]) -> dict[str, tuple[list[Film], list[Film]]]:
    """Films to train and to test on of each data set that has healthy and sick ones of both: children, adults."""
    groups = {
        source: ([film for film in train if film.source == source], [film for film in test if film.source == source])
        for source in sorted({film.source for film in train})
    }
    return {
        source: films
        for source, films in groups.items()
        if all({one.sick for one in part} == {True, False} for part in films)
    }


def part_of(films: Sequence[Film], percent: float, seed: int) -> list[Film]:
    """So much of each class, drawn by the seed; smaller parts lie in larger ones."""
    kept: list[Film] = []
    for sick in (False, True):
        group = [film for film in films if film.sick == sick]
        order = np.random.default_rng([seed, sick]).permutation(len(group))
        kept += [group[number] for number in order[: max(round(len(group) * percent / 100), 1)]]
    return kept


def learned_by(arm: str, used: Sequence[Film], others: Mapping[int, Film]) -> list[list[Film]]:
    """The films of each part of a training of an arm; `others` are the outpainted ones by the ids of theirs."""
    added = [others[id(film)] for film in used if id(film) in others and (film.sick or arm != SICK_ONLY)]
    if arm == FIRST and added:
        return [added, list(used)]
    return [[*used, *(added[::4] if arm == QUARTER else added)]]


def trained(
    learned: Sequence[Sequence[Film]], seed: int, steps: int, progress: Progress | None = None, name: str = "train"
) -> torch.nn.Module:
    """A classifier of films.

    Args:
        learned: the films of each part of the training; the parts have equally many steps.
        seed: of weights, order and mirrored films.
        steps: in all.
        progress: called with steps done and their number.
        name: of the stage.
    """
    torch.manual_seed(seed)
    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=1)
    network.to(memory_format=torch.channels_last)  # a quarter faster  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    rng = np.random.default_rng(seed)
    parts = [(_batch(films), _places(len(films), rng)) for films in learned]
    network.train()
    for step in range(steps):
        if progress:
            progress(name, step, steps)
        (images, labels), order = parts[step * len(parts) // steps]
        places = next(order)
        batch = images[places]
        mirrored = torch.from_numpy(rng.uniform(size=len(places)) < 0.5)[:, None, None, None]
        batch = torch.where(mirrored, batch.flip(3), batch).to(memory_format=torch.channels_last)
        with _autocast():
            logits = network(batch)
        loss = F.binary_cross_entropy_with_logits(logits.float()[:, 0], labels[places])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return network.eval()


def _places(count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches of the numbers below `count`, in a new order every time round."""
    while True:
        yield from np.array_split(rng.permutation(count), -(-count // BATCH))


def scored(network: torch.nn.Module, films: Sequence[Film]) -> np.ndarray:
    """How likely each film is sick, (films,)."""
    images, _ = _batch(films)
    with torch.inference_mode(), _autocast():
        return torch.cat([network(part).float().sigmoid()[:, 0] for part in images.split(64)]).double().numpy()


def grouped(scored: Sequence[tuple[Film, Any]]) -> tuple[list[list], list[list]]:
    """Truth and score (or scores) of each film, by patient: patients without a sick film, and the others."""
    patients: dict[str, list] = {}
    for film, score in scored:
        patients.setdefault(film.patient, []).append((film.sick, score))
    healthy, sick = ([p for p in patients.values() if any(truth for truth, _ in p) == is_sick] for is_sick in (0, 1))
    return healthy, sick


def accuracy(healthy: Sequence[Scores], sick: Sequence[Scores]) -> float:
    """The share of films on the right side of one half."""
    films = [film for patient in (*healthy, *sick) for film in patient]
    return sum((score > 0.5) == truth for truth, score in films) / len(films)


def auroc_of(healthy: Sequence[Scores], sick: Sequence[Scores]) -> float:
    """The area under the ROC over all films."""
    films = [film for patient in (*healthy, *sick) for film in patient]
    return auroc(*([score for truth, score in films if truth == is_sick] for is_sick in (False, True)))


def gain(healthy: Sequence[PairScores], sick: Sequence[PairScores]) -> float:
    """How much larger the area is by the first of each film's two scores than by the second."""

    def area(which: int) -> float:
        one, other = ([[(truth, pair[which]) for truth, pair in films] for films in group] for group in (healthy, sick))
        return auroc_of(one, other)

    return area(0) - area(1)


def _autocast() -> torch.autocast:
    """bfloat16, unless the processor would emulate it, ten times slower."""
    return torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16(torch.device("cpu")))


def _batch(films: Sequence[Film]) -> tuple[torch.Tensor, torch.Tensor]:
    images = np.stack([film.pixels for film in films]).astype(np.float32)[:, None] / (_WHITE / 2) - 1
    return torch.from_numpy(images), torch.tensor([float(film.sick) for film in films])
