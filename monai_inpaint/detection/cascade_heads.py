"""The heads of Cascade R-CNN (Cai and Vasconcelos 2018), made of those of torchvision's Faster R-CNN."""

# torchvision is in an environment of its own, and its types do not hold
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.ops import clip_boxes_to_image

_OVERLAPS = (0.5, 0.6, 0.7)  # from which a box is one of an object, stage by stage (section 4.3)
_SCALES = (10.0, 10.0, 5.0, 5.0)  # of the corrections of a box in the first stage; twice and three times that after it


class CascadeHeads(nn.Module):
    """In place of `FasterRCNN.roi_heads`: each stage classifies and corrects the boxes that the one before corrected.

    A score is the mean of those of all stages. For a single class of objects, whose number is 1.

    Args:
        heads: those of a Faster R-CNN, whose settings are taken over.
        channels: of the feature maps.
    """

    def __init__(self, heads: RoIHeads, channels: int) -> None:
        super().__init__()
        self.pool = heads.box_roi_pool
        side, sampler = self.pool.output_size[0], heads.fg_bg_sampler
        self.stages = nn.ModuleList(
            RoIHeads(
                self.pool, TwoMLPHead(channels * side**2, 1024), FastRCNNPredictor(1024, 2),
                overlap, overlap, sampler.batch_size_per_image, sampler.positive_fraction,
                tuple(number * scale for scale in _SCALES),
                heads.score_thresh, heads.nms_thresh, heads.detections_per_img,
            )
            for number, overlap in enumerate(_OVERLAPS, 1)
        )  # fmt: skip

    def forward(
        self, features: Any, proposals: list[torch.Tensor], shapes: list[tuple[int, int]], targets: Any = None
    ) -> tuple[list[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
        """As `RoIHeads.forward`: what is found, nothing in training, and the losses, none otherwise."""
        losses: dict[str, torch.Tensor] = {}
        shares: list[torch.Tensor] = []
        deltas = torch.empty(0)
        stages: Any = self.stages
        for number, stage in enumerate(stages):
            if number:
                boxes = _corrected(stages[number - 1], deltas.detach(), proposals)
                proposals = [clip_boxes_to_image(one, shape) for one, shape in zip(boxes, shapes, strict=True)]
            labels, wanted = None, None
            if self.training:
                proposals, _, labels, wanted = stage.select_training_samples(proposals, targets)
            logits, deltas = stage.box_predictor(stage.box_head(self.pool(features, proposals, shapes)))
            shares.append(logits.softmax(dim=-1))
            if self.training:
                parts = fastrcnn_loss(logits, deltas, labels, wanted)
                losses |= {f"class_{number}": parts[0], f"box_{number}": parts[1]}
        if self.training:
            return [], losses
        mean = torch.stack(shares).mean(dim=0).log()
        found = stages[-1].postprocess_detections(mean, deltas, proposals, shapes)
        return [dict(zip(("boxes", "scores", "labels"), one, strict=True)) for one in zip(*found, strict=True)], {}


def _corrected(stage: RoIHeads, deltas: torch.Tensor, proposals: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The boxes of each image, corrected for the objects' class."""
    return stage.box_coder.decode(deltas, proposals)[:, 1].split([len(one) for one in proposals])
