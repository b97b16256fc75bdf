"""Make random transforms repeat themselves, for validation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Compose, Transform
from monai.transforms.traits import ThreadUnsafe

from monai_inpaint.transforms.hole import seed_of


class Repeatable(Transform, ThreadUnsafe):
    """`transform`, seeded by the name (and slice) of the image: the same in every epoch and every run.

    MONAI's data sets fill their cache in threads, and copy `ThreadUnsafe` transforms for each image: threads that share
    a random state disturb each other.
    """

    def __init__(self, transform: Compose) -> None:
        self.transform = transform

    def __call__(self, data: Mapping[Hashable, Any]) -> Any:
        self.transform.set_random_state(seed=seed_of(data))
        return self.transform(data)
