"""Draw training windows for several processes together, each with its own seed.

The drawn image and its random transforms are determined by the seed of the run, the epoch and the position in it, not
by the process: processes with a share of a batch take the same step as one process with the whole batch, any number of
workers produces the same windows, and a resumed training continues with the windows it would have had.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import ignite.distributed as idist
import numpy as np
from torch.utils.data import ConcatDataset, Dataset, DistributedSampler

SEED = "draw"  # key of the seed of a window, for what the network's side draws
_SEEDS = 2**31


class SeededIndex(NamedTuple):
    """The index of an image, and the seed of the window cut from it."""

    index: int
    seed: int


class ShardedSampler(DistributedSampler):
    """Draw images for all processes, and return every n-th draw to each of n; MONAI's trainers set the epoch.

    Args:
        dataset: of which indices are drawn.
        num_samples: draws of each process in an epoch.
        weights: how often each image is drawn, with replacement; without them all are drawn in turn, in a random order.
        seed: of the run; None for another one in each run.
    """

    def __init__(
        self, dataset: Dataset, num_samples: int, weights: Sequence[float] | None = None, seed: int | None = 0
    ) -> None:
        if seed is None:
            seed = int(idist.broadcast(float(np.random.SeedSequence().generate_state(1)[0]), src=0))
        super().__init__(dataset, idist.get_world_size(), idist.get_rank(), seed=seed)
        self.num_samples, self.total_size = num_samples, num_samples * self.num_replicas
        self.shares = None if weights is None else np.asarray(weights, float) / np.sum(weights)

    def __iter__(self) -> Iterator[SeededIndex]:  # type: ignore[override]
        rng = np.random.default_rng((self.seed, self.epoch))
        indices, seeds = self._indices(rng), rng.integers(_SEEDS, size=self.total_size)
        for place in range(self.rank, self.total_size, self.num_replicas):
            yield SeededIndex(int(indices[place]), int(seeds[place]))

    def _indices(self, rng: np.random.Generator) -> np.ndarray:
        count = len(self.dataset)  # type: ignore[arg-type]
        if self.shares is not None:
            return rng.choice(count, self.total_size, p=self.shares)
        turns = [rng.permutation(count) for _ in range(0, self.total_size, count)]
        return np.concatenate(turns)[: self.total_size]


class SeededDataset(Dataset):
    """Items of `ShardedSampler`: random transforms begin at the seed of each draw, and windows have "draw", theirs.

    Args:
        dataset: with a `transform` that has `set_random_state`, or several of them as a `ConcatDataset`.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: SeededIndex) -> Any:
        dataset, index = self.dataset, draw.index
        while isinstance(dataset, ConcatDataset):
            part = bisect_right(dataset.cumulative_sizes, index)
            index -= dataset.cumulative_sizes[part - 1] if part else 0
            dataset = dataset.datasets[part]
        dataset.transform.set_random_state(seed=draw.seed)  # type: ignore[attr-defined]
        windows = dataset[index]
        if isinstance(windows, list):
            return [{**window, SEED: draw.seed + number} for number, window in enumerate(windows)]
        return {**windows, SEED: draw.seed}
