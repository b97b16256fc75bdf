"""Simulate pairs of CT slices with and without metal, to train the network of `ct_metal`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import RandomizableTransform, Transform

from monai_inpaint.ct.scanner import Scanner
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.axial import axial_slices
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.metal.network_prior import AIR, PIXEL, grid_of
from monai_inpaint.metal.sinogram_correction import nmar
from monai_inpaint.synthesis.metal.simulate import simulate_metal

_KVP = (80, 100, 120, 120, 140)
_TRIES, _TRIES_EACH = 20, 4  # of implants, and of so many of them


class SimulateMetald(Transform):
    """{"image": path, "slice": k, "seed": s} -> a slice with metal as input of the network, and the truth.

    Implant, its place, scanner and size of the pixels are drawn with the seed, so that an entry always produces the
    same pair and may be cached on disk (MONAI's PersistentDataset). Values are rounded to whole HU and kept in 16 bits.

    Args:
        side: rows and columns, of the slice in the middle of air.
        scale: range of the pixels' size, as a multiple of `PIXEL`; a slice that is larger than `side` gets larger ones.
        implants: in a slice, at most; each number is as likely.

    Returns (of a call):
        {"image": (3, side, side) int16, see `MetalUNet`; "label": (2, side, side) int16, the slice without metal and
        the metal; "name": of the file}.

    Raises:
        InputError: the slice is not in HU, or no implant fits into it.
    """

    def __init__(self, side: int = 256, scale: tuple[float, float] = (0.85, 1.5), implants: int = 1) -> None:
        self.side, self.scale, self.implants = side, scale, implants

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        rng = np.random.default_rng(int(data["seed"]))
        axial = axial_slices(read_image(Path(data["image"])))
        index = axial.index(int(data["slice"] or 0))
        hu = np.nan_to_num(axial.image.units(index), nan=AIR).clip(AIR, 3071.0)
        field = max(n * mm for n, mm in zip(hu.shape, axial.spacing[:2], strict=True))
        grid = grid_of(hu.shape, axial.spacing[:2], max(PIXEL * rng.uniform(*self.scale), field / self.side))
        small = np.rint(grid.reduced(hu)).astype(np.int16)
        pixel = sum(grid.spacing) / 2  # they differ by rounding to whole pixels; projections want squares
        clean = Image(small, np.diag([pixel, pixel, 1.0, 1.0]), "ct")
        pair = self._pair(clean, rng)
        metal = pair.metal.voxels
        scanned = pair.artifact.units()
        corrected = nmar(scanned, metal, (pixel, pixel), keep_metal=False)
        inputs = (np.where(metal, 0.0, scanned), metal, corrected)
        image = [self._framed(part, fill) for part, fill in zip(inputs, (AIR, 0, AIR), strict=True)]
        label = [self._framed(small, AIR), image[1]]
        return {"image": np.stack(image), "label": np.stack(label), "name": data["name"]}

    def _pair(self, clean: Image, rng: np.random.Generator) -> Any:
        """A simulation; implants that do not fit are drawn again, and at last fewer of them."""
        scanner = Scanner(int(rng.choice(_KVP)), float(10 ** rng.uniform(5.3, 6.5)), float(rng.uniform(0.0, 0.06)))
        count = int(rng.integers(1, self.implants + 1))
        for tried in range(_TRIES):
            kinds = ["random"] * max(count - tried // _TRIES_EACH, 1)
            try:
                return simulate_metal(clean, kinds, int(rng.integers(2**31)), scanner=scanner)
            except InputError as error:
                reason = error
        raise reason

    def _framed(self, values: np.ndarray, fill: float) -> np.ndarray:
        """In the middle of a square."""
        frame = np.full((self.side, self.side), fill, np.int16)
        top, left = ((self.side - n) // 2 for n in values.shape)
        frame[top : top + values.shape[0], left : left + values.shape[1]] = np.rint(values).clip(-32000, 32000)
        return frame


class RandAroundMetald(RandomizableTransform):
    """Cut a square that contains a random pixel of the metal out of the pairs of `SimulateMetald`.

    Artifacts are strongest near the metal; whole slices would spend most of the training on pixels that are right.

    Args:
        side: of the square, at most that of the slices.
    """

    def __init__(self, side: int = 128) -> None:
        super().__init__(1.0)
        self.side = side

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        label = np.asarray(data["label"])
        metal = np.argwhere(label[1] != 0)
        at = metal[self.R.randint(len(metal))] - self.R.randint(0, self.side, 2)
        top, left = (int(np.clip(p, 0, n - self.side)) for p, n in zip(at, label.shape[1:], strict=True))
        square = (slice(None), slice(top, top + self.side), slice(left, left + self.side))
        return {**data, "image": data["image"][square], "label": data["label"][square]}
