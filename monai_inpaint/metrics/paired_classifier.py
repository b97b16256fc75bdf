"""Paired test whether a classifier can distinguish fills from the truth, on features of an image network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from monai_inpaint.metrics.checked_arrays import checked
from monai_inpaint.metrics.lpips import window_around
from monai_inpaint.networks.image_features import MEAN, STD, load_squeezenet

FOLDS = 5
_RIDGE = 1.0  # of the logistic regression on standardised features
_SMALLEST = 32  # pixels along each axis that the network needs


class HoleFeatures:
    """SqueezeNet 1.1 features of a hole: mean and standard deviation of each feature of seven layers, inside it.

    Args:
        features: safetensors file with the SqueezeNet 1.1 features.

    Raises:
        InputError: the file is missing or does not contain these layers.
    """

    def __init__(self, features: str | Path) -> None:
        self.net = load_squeezenet(Path(features))
        self.mean, self.std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))

    def difference(self, truth: np.ndarray, filled: np.ndarray, hole: np.ndarray, data_range: float) -> np.ndarray:
        """Features of the fill less those of the truth, (features,) float32.

        Args:
            truth, filled: 2D, 0 to `data_range`, each side at least 32 pixels.
            hole: bool, of the same shape.
            data_range: white.
        """
        truth, filled, hole = checked(truth, filled, hole)
        crop = window_around(hole, _SMALLEST)
        pair = torch.from_numpy(np.stack([truth[crop], filled[crop]]).astype(np.float32) / data_range)
        inside = torch.from_numpy(hole[crop].astype(np.float32))[None, None]
        parts: list[torch.Tensor] = []
        with torch.inference_mode():
            rgb = pair.clamp(0, 1)[:, None].expand(-1, 3, -1, -1)
            for output in self.net((rgb - self.mean) / self.std):
                weight = F.adaptive_avg_pool2d(inside, output.shape[2:])
                weight = weight / weight.sum()
                mean = (output * weight).sum((2, 3), keepdim=True)
                spread = ((output - mean).square() * weight).sum((2, 3)).sqrt()
                parts += [mean.flatten(1), spread]
        first, second = torch.cat(parts, dim=1)
        return (second - first).numpy()


def told_apart(differences: np.ndarray, patients: Sequence[str]) -> float:
    """Share of pairs in which a classifier that has not seen the patient identifies the fill; 0.5 is chance.

    See `held_out_margins` for the arguments; NaN for fewer than five patients.
    """
    margins = held_out_margins(differences, patients)
    return float("nan") if np.isnan(margins).any() else float(((margins > 0) + 0.5 * (margins == 0)).mean())


def held_out_margins(differences: np.ndarray, patients: Sequence[str]) -> np.ndarray:
    """Confidence with which a classifier that has not seen the patient identifies each fill; below 0 if it is wrong.

    Logistic regression without intercept on the differences (paired, so that what all images have in common counts for
    nothing), cross-validated in five folds by patient.

    Args:
        differences: (pairs, features), fill less truth.
        patients: of each pair.

    Returns:
        (pairs,) log odds of the right answer; NaN for fewer than five patients.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(patients))}
    margins = np.full(len(differences), np.nan)
    if len(names) < FOLDS:
        return margins
    fold = np.array([names[name] % FOLDS for name in patients])
    for number in range(FOLDS):
        train, test = differences[fold != number], differences[fold == number]
        scale = np.sqrt(np.mean(train**2, axis=0)) + 1e-12
        margins[fold == number] = test / scale @ _direction(train / scale)
    return margins


def _direction(pairs: np.ndarray) -> np.ndarray:
    """The weights that maximise the likelihood of all pairs, with a ridge; sought in the span of the pairs."""
    from scipy.optimize import minimize
    from scipy.special import expit

    gram = pairs @ pairs.T

    def loss(shares: np.ndarray) -> tuple[float, np.ndarray]:
        margins = gram @ shares
        slope = -expit(-margins)
        value = np.logaddexp(0.0, -margins).sum() + 0.5 * _RIDGE * shares @ margins
        return float(value), gram @ (slope + _RIDGE * shares)

    found = minimize(loss, np.zeros(len(pairs)), jac=True, method="L-BFGS-B")
    return pairs.T @ found.x
