"""How far drawn outlines are from real ones, as a MONAI metric for the validation handler."""

from __future__ import annotations

import torch
from monai.metrics import CumulativeIterationMetric

from monai_inpaint.synthesis.nodules.outline import ks_distance, measures, outline_of


class ShapeDistance(CumulativeIterationMetric):
    """The largest Kolmogorov-Smirnov distance of area, elongation and solidity, turned negative.

    Negative, as MONAI takes the largest key metric for the best. `y_pred` and `y` (B, 1, H, W): fields, positive
    inside; an example of the one belongs to none of the other. Fields that are nowhere positive count as an outline
    with measures of 0.
    """

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if y is None:
            raise ValueError("ShapeDistance needs real outlines.")
        measures = [[*_measured(drawn), *_measured(real)] for drawn, real in zip(y_pred, y, strict=True)]
        return torch.tensor(measures, dtype=torch.float64)

    def aggregate(self) -> torch.Tensor:
        measures = self.get_buffer().cpu().numpy()
        return torch.tensor(-max(ks_distance(measures[:, n], measures[:, n + 3]) for n in range(3)))


def _measured(field: torch.Tensor) -> tuple[float, float, float]:
    mask = outline_of(field[0].cpu().numpy())
    return measures(mask) if mask.any() else (0.0, 0.0, 0.0)
