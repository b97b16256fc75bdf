"""Frechet distance of two sets of features (Heusel et al. 2017, equation 6), and the features of SqueezeNet for it.

With other features than Inception's the distance is on another scale: it compares rows of one table, never papers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_inpaint.networks.image_features import squeezenet_pools


class SqueezeNetPool3:
    """The 256 channels of SqueezeNet 1.1's third pooling, averaged over an image, in its eight orientations.

    Rotated and mirrored, a few images provide enough vectors for a covariance.

    Args:
        features: safetensors file with the SqueezeNet 1.1 features.

    Raises:
        InputError: the file is missing or does not contain these layers.
    """

    def __init__(self, features: str | Path) -> None:
        self.network = squeezenet_pools(features)

    def __call__(self, image: np.ndarray, data_range: float) -> np.ndarray:
        """(8, 256) of a square image (side, side), 0 to `data_range`, at least 32 pixels a side."""
        turned = [np.rot90(one, quarter) for one in (image, image[:, ::-1]) for quarter in range(4)]
        batch = torch.from_numpy(np.stack(turned).astype(np.float32)[:, None]) * (2.0 / data_range) - 1.0
        with torch.inference_mode():
            return self.network(batch.clamp(-1.0, 1.0))[-1].mean(dim=(2, 3)).numpy()


def frechet_distance(real: np.ndarray, made: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two sets of vectors, (count, features) each, two at least.

    The trace of the root is the sum of the singular values of the product of the sets' deviations, so that covariances
    of any rank will do.
    """
    if min(len(real), len(made)) < 2:
        raise ValueError("a covariance needs two vectors at least")
    means = real.mean(axis=0), made.mean(axis=0)
    first, second = (
        (values - mean) / np.sqrt(len(values) - 1) for values, mean in zip((real, made), means, strict=True)
    )
    factors: list[Any] = [
        np.linalg.qr(values, mode="r") if len(values) > values.shape[1] else values for values in (first, second)
    ]
    root = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    spread = (first**2).sum() + (second**2).sum() - 2.0 * root
    return float(((means[0] - means[1]) ** 2).sum() + max(spread, 0.0))
