"""Make random transforms repeat themselves, for validation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Compose, Transform
from monai.transforms.traits import ThreadUnsafe

from monai_inpaint.transforms.hole import seed_of


class Repeatable(Transform, ThreadUnsafe):
    """`transform`, seeded by the name of the image and its slice if given: the same at every epoch, and in every run.

    MONAI's data sets fill their cache in threads, and copy what is `ThreadUnsafe` for each image: threads that share a
    state draw from one another's.
    """

    def __init__(self, transform: Compose) -> None:
        self.transform = transform

    def __call__(self, data: Mapping[Hashable, Any]) -> Any:
        self.transform.set_random_state(seed=seed_of(data))
        return self.transform(data)
