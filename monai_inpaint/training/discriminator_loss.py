"""A discriminator as an extra loss: fills must look like real images as a whole."""

from __future__ import annotations

import torch

from monai_inpaint.training.discriminator import DiscriminatorTask
from monai_inpaint.training.filled_batch import FilledBatch


class DiscriminatorLoss:
    """The term of a discriminator, which learns in every call.

    An `extra_loss` of `flow_iteration` and `sample_iteration`.

    Args:
        task: the discriminator, its loss and its weight.
    """

    def __init__(self, task: DiscriminatorTask) -> None:
        self.task = task

    def __call__(self, fill: torch.Tensor, truth: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
        """Generator's loss of fills (B, 1, H, W) of a region (1 = counts); images of zero mean and unit deviation."""
        filled = FilledBatch(fill, fill, truth, truth * (1.0 - region), region, region[:, :0])
        self.task.learn(filled.detached())
        return self.task.term(filled)
