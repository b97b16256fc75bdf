"""Cut windows at full resolution from the lungs of a chest film."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.lungs import lung_boxes


class LungBoxesd(MapTransform):
    """Find the boxes of both lungs (see `lung_boxes`) in a film's pyramid, and store them as "lungs".

    Nothing in it is random, so datasets that cache find them once a film.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        return {**data, "lungs": lung_boxes(data[self.keys[0]][0])}


class RandLungWindowsd(RandomizableTransform, MapTransform):
    """Windows around random points in the lungs' boxes: a list of so many entries a film, for `list_data_collate`.

    Belli et al. 2018 use 20 points a film and write 1.2 million patches to disk. Here a seed reproduces the points:
    `Repeatable` fixes them for each film, which results in a fixed set of windows like theirs without files; without it
    every epoch has others.

    Args:
        keys: key of the film's pyramid, of which the first level is cut: full resolution, float32.
        side: pixels of the window along each axis; near an edge it is moved into the film.
        num_samples: points a film, each as likely as any other in the boxes.

    Raises:
        InputError: the film is smaller than the window.
    """

    def __init__(self, keys: KeysCollection = "image", side: int = 128, num_samples: int = 20) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.side, self.num_samples = side, num_samples

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        key = self.keys[0]
        film = data[key][0]
        if min(film.shape) < self.side:
            raise InputError(
                f"{data.get('name', 'A film')} has {film.shape[0]}x{film.shape[1]} pixels, too few for windows of "
                f"{self.side}x{self.side} at full resolution; leave this source out."
            )
        rest = {name: value for name, value in data.items() if name != "lungs"}
        return [rest | {key: self._window(film, np.asarray(data["lungs"]))} for _ in range(self.num_samples)]

    def _window(self, film: np.ndarray, lungs: np.ndarray) -> np.ndarray:
        sizes = (lungs[:, 1] - lungs[:, 0]).prod(1)
        start, stop = lungs[self.R.choice(len(lungs), p=sizes / sizes.sum())]
        corner = self.R.randint(start, stop) - self.side // 2
        top, left = np.clip(corner, 0, np.array(film.shape) - self.side)
        return film[top : top + self.side, left : left + self.side].astype(np.float32)
