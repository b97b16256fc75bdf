"""How the systems that make edges first, or beside the image, are trained: EdgeConnect and CTSDG."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from monai_inpaint.losses.hole_rmse import region_mean
from monai_inpaint.networks.edges import edges_of
from monai_inpaint.training.discriminator import DiscriminatorTask
from monai_inpaint.training.filled_batch import FilledBatch


def as_edges(filled: FilledBatch) -> FilledBatch:
    """The batch with edges for images: those of the truth, and those whose logits the generator gives last.

    What the discriminator is told beside them is the grey image.
    """
    truth = edges_of(filled.truth)
    predicted = filled.stages[-1].sigmoid()
    fill = torch.where(filled.region > 0.5, predicted, truth)
    return FilledBatch(predicted, fill, truth, truth * (1.0 - filled.region), filled.region, filled.truth)


class EdgesAndImage:
    """Edges and the grey image, (B, 2, H, W), of a batch `as_edges`."""

    def __call__(self, edges: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        return [torch.cat((edges, filled.told), dim=1)]


class ImageOnly:
    """The image alone, (B, 1, H, W)."""

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:  # noqa: ARG002
        return [image]


class ImageAndEdges:
    """The image, and its edges: of the truth its own, of a fill those that CTSDG's generator gives."""

    def __call__(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        edges = as_edges(filled)
        return [image, edges.truth if image is filled.truth else edges.fill]


class EdgeDiscriminatorTask:
    """A `DiscriminatorTask` on edges in place of images: the first of EdgeConnect's two."""

    def __init__(self, task: DiscriminatorTask) -> None:
        self.task = task

    def learn(self, filled: FilledBatch) -> dict[str, float]:
        """See `DiscriminatorTask.learn`."""
        return self.task.learn(as_edges(filled))

    def term(self, filled: FilledBatch) -> torch.Tensor:
        """See `DiscriminatorTask.term`."""
        return self.task.term(as_edges(filled))


class IntermediateLoss:
    """CTSDG's intermediate loss, equation 20, in the hole: the image from structure, the edges from texture."""

    def __call__(self, filled: FilledBatch) -> torch.Tensor:
        image, edges = filled.stages
        error = (image - filled.truth).abs()
        entropy = F.binary_cross_entropy_with_logits(edges, edges_of(filled.truth), reduction="none")
        return region_mean(error + entropy, filled.region).mean()
