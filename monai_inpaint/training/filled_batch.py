"""The tensors of a batch that losses and discriminators take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch


class FilledBatch(NamedTuple):
    """A batch of windows and their fills; all (B, 1, H, W), intensities usually in [-1, 1].

    Attributes:
        predicted: the whole prediction of the generator, also where the image is known; 0 where there is no image.
        fill: the composited image.
        truth: 0 where there is no image.
        context: the truth with the hole zeroed.
        region: 1 where the hole is and there is an image.
        condition: (B, n, H, W), the generator's further inputs after image and hole; n may be 0.
        stages: the generator's outputs besides its prediction, earlier stages first, unchanged.
    """

    predicted: torch.Tensor
    fill: torch.Tensor
    truth: torch.Tensor
    context: torch.Tensor
    region: torch.Tensor
    condition: torch.Tensor
    stages: tuple[torch.Tensor, ...] = ()

    @classmethod
    def of(
        cls,
        predicted: torch.Tensor,
        image: torch.Tensor,
        label: torch.Tensor,
        span: Sequence[Any],
        stages: Sequence[torch.Tensor] = (),
    ) -> FilledBatch:
        """Of what the generator predicts, its input and the label, in units, its intensity range, and its stages."""
        centre, reach = span
        truth, region = label[:, :1], label[:, 1:]
        there = 1.0 - image[:, 1:2] + region
        predicted, truth = ((units.float() - centre) / reach * there for units in (predicted, truth))
        fill = torch.where(region > 0.5, predicted, truth)
        early = tuple(stage.float() for stage in stages)
        return cls(predicted, fill, truth, truth * (1.0 - region), region, image[:, 2:], early)

    @property
    def coarse(self) -> torch.Tensor:
        """The generator's first stage."""
        return self.stages[0]

    def detached(self) -> FilledBatch:
        """Nothing flows back into the generator."""
        return self._replace(
            predicted=self.predicted.detach(),
            fill=self.fill.detach(),
            stages=tuple(stage.detach() for stage in self.stages),
        )


class Conditional:
    """An image and its context, for the conditional patch discriminator of MedGAN: (B, 2, H, W)."""

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        return [torch.cat((image, filled.context), dim=1)]


class WithCondition:
    """The hole, an image, and the generator's further inputs: (B, 2 + n, H, W), as in Shen et al. 2022."""

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        return [torch.cat((filled.region, image, filled.condition), dim=1)]


class WithHole:
    """The hole and an image: (B, 2, H, W), the input of MAT's discriminators."""

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        return [torch.cat((filled.region, image), dim=1)]


class HolePatch:
    """A square around the middle of each window's hole, moved into the window: (B, 1, side, side)."""

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        return [cropped(image, filled.region, self.side)]


class WholeAndPatch:
    """The image and a patch around its hole of half the side, the input of the discriminators of GLCIC."""

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        return [image, cropped(image, filled.region, image.shape[-1] // 2)]


def cropped(image: torch.Tensor, region: torch.Tensor, side: int) -> torch.Tensor:
    """Squares of (B, C, H, W) around the middle of the bounding box of each region (B, 1, H, W), inside the window."""
    patches = []
    for window, marked in zip(image, region[:, 0] > 0.5, strict=True):
        corner = []
        for axis in (0, 1):
            places = marked.any(dim=1 - axis).nonzero()
            middle = (places[0] + places[-1] + 1) // 2 if len(places) else marked.shape[axis] // 2
            corner.append(int(min(max(int(middle) - side // 2, 0), marked.shape[axis] - side)))
        top, left = corner
        patches.append(window[:, top : top + side, left : left + side])
    return torch.stack(patches)
