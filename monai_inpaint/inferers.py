"""MONAI's inferer interface on the engine's own windows, so that a bundle run by MONAI fills as the product does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer

from monai_inpaint.fill.patches import fill_patches
from monai_inpaint.images import Image


class HoleInferer(Inferer):
    """Run a generator on the windows that touch the hole.

    `inputs` is (B, 2, *spatial), 2D or 3D with slices along the last axis: the image in its units, then the hole
    (1 = fill). A MetaTensor's affine tells how a slice is displayed. Returns (B, 1, *spatial), composited.
    """

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        """See the class."""
        return torch.stack([self._fill(item, network) for item in inputs])

    @staticmethod
    def _fill(item: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        affine = np.asarray(item.affine, np.float64) if isinstance(item, MetaTensor) else None
        image, inside = torch.as_tensor(item[0]).float().cpu().numpy(), torch.as_tensor(item[1]).cpu().numpy() > 0.5

        def run(windows: np.ndarray) -> np.ndarray:
            return network(torch.from_numpy(windows).to(item.device)).float().cpu().numpy()

        filled = image.copy()
        for patch in fill_patches(Image(image, affine), inside, run)[0]:
            filled[patch.index][patch.hole] = patch.units[patch.hole]
        return torch.from_numpy(filled)[None].to(item.device)
