"""Score the samples of a generative network: in expectation no distribution scores better than the true one.

Gneiting and Raftery 2007, Strictly Proper Scoring Rules, section 4.2: the energy score of a distribution is the mean
distance of its samples to the truth, less half of the mean distance between two samples. It needs no discriminator and
no likelihood: Shen and Meinshausen 2024, Engression; Alet et al. 2025, Skillful joint probabilistic weather
forecasting from marginals (arXiv 2506.10772).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.losses.hole_losses import region_mean

_LEVELS = 5
_FLAT = 0.02  # in standard deviations of the image: bands in which next to nothing is known count no more than this
_LARGEST = 10.0  # of a band's score, in standard deviations of the band: a window beside bare air must not rule a batch
_SMOOTH = 1e-6  # under roots, whose slope would be infinite

Images = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class EnergyScore(nn.Module):
    """The energy score of two samples in the bands of a Laplacian pyramid (Burt and Adelson 1983), and in features.

    Distances are Euclidean over 3 x 3 neighbours in each band, in standard deviations of that band in the known voxels,
    so that texture counts as much as anatomy; then over the unit-length feature vectors that LPIPS compares.

    Args:
        features: images (B, 1, H, W) in [-1, 1] to feature maps (see `ImageFeatures`); None: bands alone.
        spread: weight of the distance between two samples, in (0, 0.5]. Only at 0.5 is the score proper; below, the
            best samples vary less than the truth and lie nearer to it: by 2 w^2 / (1 - 2 w^2) of its variance for a
            weight w, where it is normal.
        feature_spread: the same, between features.
    """

    def __init__(
        self,
        features: Callable[[torch.Tensor], Sequence[torch.Tensor]] | None = None,
        spread: float = 0.5,
        feature_spread: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = features
        self.spread, self.feature_spread = spread, feature_spread

    def forward(
        self, first: torch.Tensor, second: torch.Tensor, truth: torch.Tensor, region: torch.Tensor, known: torch.Tensor
    ) -> torch.Tensor:
        """The score, a scalar; lower is better.

        Args:
            first, second: samples (B, 1, H, W), in standard deviations of the image; sides of at least 32.
            truth: the same shape and units.
            region: 1 where samples count; elsewhere they must equal the truth.
            known: 1 where the image is known.
        """
        images = (first, second, truth)
        score = self._in_bands(images, region, known)
        return score if self.features is None else score + self._in_features(images, known)

    def _in_bands(self, images: Images, region: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        scores: list[torch.Tensor] = []
        for level, bands in enumerate(zip(*(laplacian_bands(image, _LEVELS) for image in images), strict=True)):
            if level:
                region, known = F.avg_pool2d(region, 2), F.avg_pool2d(known, 2)
            unit = region_mean(bands[2] ** 2, known).sqrt().clamp(min=_FLAT) if level < _LEVELS - 1 else 1.0
            score = region_mean(_score(_neighbourhood, self.spread, *bands), region) / unit
            scores.append(score.clamp(max=_LARGEST).mean())
        return torch.stack(scores).mean()

    def _in_features(self, images: Images, known: torch.Tensor) -> torch.Tensor:
        assert self.features is not None
        low, high = _range(images[2], known)
        first, second, truth = (self._unit_features(2.0 * (i - low) / (high - low) - 1.0) for i in images)
        layers = zip(first, second, truth, strict=True)
        return torch.stack([_score(_vector, self.feature_spread, *maps).mean() for maps in layers]).mean()

    def _unit_features(self, image: torch.Tensor) -> list[torch.Tensor]:
        assert self.features is not None
        maps = [f.float() for f in self.features(image.clamp(-1, 1))]
        return [f / (f.square().sum(dim=1, keepdim=True) + _SMOOTH).sqrt() for f in maps]


def _score(
    distance: Callable[[torch.Tensor], torch.Tensor],
    spread: float,
    first: torch.Tensor,
    second: torch.Tensor,
    truth: torch.Tensor,
) -> torch.Tensor:
    return 0.5 * (distance(first - truth) + distance(second - truth)) - spread * distance(first - second)


def laplacian_bands(image: torch.Tensor, levels: int) -> list[torch.Tensor]:
    """Return the differences between scales, finest first, then the coarsest image: `levels` images.

    Each has half of the sides of the one before, which must be even.
    """
    bands: list[torch.Tensor] = []
    for _ in range(levels - 1):
        coarse = F.avg_pool2d(image, 2)
        bands.append(image - F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False))
        image = coarse
    return [*bands, image]


def _neighbourhood(difference: torch.Tensor) -> torch.Tensor:
    """Root mean square of each voxel and its neighbours."""
    padded = F.pad(difference**2, (1, 1, 1, 1), mode="replicate")
    return (F.avg_pool2d(padded, 3, stride=1) + _SMOOTH).sqrt()


def _vector(difference: torch.Tensor) -> torch.Tensor:
    return (difference.square().sum(dim=1) + _SMOOTH).sqrt()


def _range(image: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Lowest and highest known values of each window, (B, 1, 1, 1), at least a standard deviation from each other."""
    seen = known > 0.0
    low = torch.where(seen, image, torch.inf).amin(dim=(1, 2, 3), keepdim=True).clamp(-10.0, 10.0)
    high = torch.where(seen, image, -torch.inf).amax(dim=(1, 2, 3), keepdim=True).clamp(-10.0, 10.0)
    return low, torch.maximum(high, low + 1.0)
