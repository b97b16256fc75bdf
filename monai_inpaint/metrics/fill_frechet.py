"""Frechet distance between fills and their source images, as a MONAI metric for the validation handler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric

from monai_inpaint.metrics.frechet_distance import SqueezeNetPool3, frechet_distance


class FillFrechet(CumulativeIterationMetric):
    """The Frechet distance of fills to the images that they were made from over their variance, turned negative.

    Negative, as MONAI treats the largest key metric as the best. `y_pred` (B, 1, H, W); `y` (B, 2, H, W), whose first
    channel is the image.

    Args:
        features: safetensors file with the SqueezeNet 1.1 features (see `SqueezeNetPool3`).
        data_range: of the images.
    """

    def __init__(self, features: str | Path, data_range: float) -> None:
        super().__init__()
        self.describe, self.data_range = SqueezeNetPool3(features), data_range

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if y is None:
            raise ValueError("FillFrechet needs real images.")
        pairs = [(made[0], real[0]) for made, real in zip(y_pred.float().cpu(), y.float().cpu(), strict=True)]
        both = [[self.describe(image.numpy(), self.data_range) for image in pair] for pair in pairs]
        return torch.from_numpy(np.array(both))  # (B, 2, orientations, features)

    def aggregate(self) -> torch.Tensor:
        vectors = torch.as_tensor(self.get_buffer()).cpu().numpy()
        made, real = (vectors[:, which].reshape(-1, vectors.shape[-1]) for which in (0, 1))
        return torch.tensor(-frechet_distance(real, made) / real.var(axis=0).sum())
