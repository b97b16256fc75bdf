"""RetinaNet (MONAI), Faster and Cascade R-CNN (torchvision) for nodules, on ResNet with a feature pyramid.

All take images (B, 1, rows, columns) and boxes left, top, right, bottom in pixels. They are trained from random
weights, two images at a time; batch statistics would be too noisy for that, so they use group norm (He et al. 2019,
Rethinking ImageNet Pre-training).
"""

# the types of MONAI and torchvision do not hold
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn

from monai_inpaint.detection.detector_names import BACKBONES, CASCADE_RCNN, RETINANET

_LAYERS: dict[str, tuple[str, list[int]]] = dict(
    zip(BACKBONES, (("basic", [2, 2, 2, 2]), ("bottleneck", [3, 4, 6, 3])), strict=True)
)
_SIZES = (8, 16, 32, 64, 128)  # pixels of the anchors, from the finest of five levels on
_ASPECTS = (0.5, 1.0, 2.0)
_GROUPS = 32
_LEAST = 0.01  # score of a detection
_SAME = 0.3  # overlap from which two detections are of one nodule
_MOST = 50  # detections an image
SIZE_STEP = 64  # sides of images are multiples of it


class RetinaNetNodules(nn.Module):
    """RetinaNet (Lin et al. 2017): focal loss over all anchors, smooth L1 of the boxes.

    Anchors are matched by ATSS (Zhang et al. 2020), which also matches nodules smaller than the smallest anchor.

    Args:
        backbone: of `BACKBONES`.
    """

    def __init__(self, backbone: str = BACKBONES[0]) -> None:
        super().__init__()
        from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
        from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
        from monai.apps.detection.utils.anchor_utils import AnchorGenerator
        from monai.networks.nets.resnet import ResNet

        block, layers = _LAYERS[backbone]
        body = ResNet(
            block=block,
            layers=layers,
            block_inplanes=[64, 128, 256, 512],
            spatial_dims=2,
            n_input_channels=1,
            conv1_t_stride=2,
            feed_forward=False,
            norm=("group", {"num_groups": _GROUPS}),
        )
        sizes = tuple(tuple(round(size * 2 ** (n / 3)) for n in range(3)) for size in _SIZES)
        anchors = AnchorGenerator(sizes=sizes, aspect_ratios=(_ASPECTS,) * len(sizes))
        network = RetinaNet(
            spatial_dims=2,
            num_classes=1,
            num_anchors=anchors.num_anchors_per_location()[0],
            feature_extractor=resnet_fpn_feature_extractor(body, 2, returned_layers=(1, 2, 3, 4)),
            size_divisible=SIZE_STEP,
        )
        network.register_forward_hook(_in_float32)
        self.detector = RetinaNetDetector(network, anchors)
        self.detector.set_atss_matcher(num_candidates=4)
        self.detector.set_cls_loss(FocalSum())
        self.detector.set_box_selector_parameters(score_thresh=_LEAST, nms_thresh=_SAME, detections_per_img=_MOST)

    def losses(self, images: torch.Tensor, boxes: Sequence[torch.Tensor]) -> torch.Tensor:
        """The training loss of a batch; images without a box have boxes (0, 4)."""
        # MONAI's boxes have the axes of the array: rows first
        targets = [{"boxes": b[:, [1, 0, 3, 2]], "labels": b.new_zeros(len(b), dtype=torch.long)} for b in boxes]
        found: Any = self.detector(images, targets)
        return cast(torch.Tensor, sum(found.values()))

    def detect(self, images: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Boxes (n, 4) and scores (n,) of each image."""
        found: Any = self.detector(images)
        return [(one["boxes"][:, [1, 0, 3, 2]], one["labels_scores"]) for one in found]


class FasterRcnnNodules(nn.Module):
    """Faster R-CNN (Ren et al. 2015) with a feature pyramid.

    Args:
        backbone: of `BACKBONES`.
        cascade: with the heads of Cascade R-CNN, see `CascadeHeads`.
    """

    def __init__(self, backbone: str = BACKBONES[0], *, cascade: bool = False) -> None:
        super().__init__()
        from torchvision.models.detection import FasterRCNN
        from torchvision.models.detection.anchor_utils import AnchorGenerator
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        from torchvision.models.detection.transform import GeneralizedRCNNTransform

        body = resnet_fpn_backbone(
            backbone_name=backbone,
            weights=None,
            norm_layer=lambda channels: nn.GroupNorm(_GROUPS, channels),
            trainable_layers=5,
        )
        anchors = AnchorGenerator(tuple((size,) for size in _SIZES), (_ASPECTS,) * len(_SIZES))
        self.detector = FasterRCNN(
            body,
            num_classes=2,
            rpn_anchor_generator=anchors,
            box_score_thresh=_LEAST,
            box_nms_thresh=_SAME,
            box_detections_per_img=_MOST,
        )
        if cascade:
            from monai_inpaint.detection.cascade_heads import CascadeHeads

            self.detector.roi_heads = CascadeHeads(self.detector.roi_heads, body.out_channels)
        # images come in their size and range: nothing is resized or normalised again
        transform = GeneralizedRCNNTransform(1, 1, [0.0] * 3, [1.0] * 3, size_divisible=SIZE_STEP)
        transform.resize = _unresized
        self.detector.transform = transform

    def losses(self, images: torch.Tensor, boxes: Sequence[torch.Tensor]) -> torch.Tensor:
        """The training loss of a batch; images without a box have boxes (0, 4)."""
        targets = [{"boxes": b, "labels": b.new_ones(len(b), dtype=torch.long)} for b in boxes]
        found: Any = self.detector(list(images.expand(-1, 3, -1, -1)), targets)
        return cast(torch.Tensor, sum(found.values()))

    def detect(self, images: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Boxes (n, 4) and scores (n,) of each image."""
        found: Any = self.detector(list(images.expand(-1, 3, -1, -1)))
        return [(one["boxes"], one["scores"]) for one in found]


def _in_float32(_network: nn.Module, _given: Any, maps: dict[str, list[torch.Tensor]]) -> dict[str, list[torch.Tensor]]:
    """Maps of a network that may have been computed in bfloat16, in which the losses of MONAI would be rounded."""
    return {name: [level.float() for level in levels] for name, levels in maps.items()}


def _unresized(image: torch.Tensor, target: Any = None) -> tuple[torch.Tensor, Any]:
    return image, target


class FocalSum(nn.Module):
    """Focal loss with alpha 0.25 and gamma 2, summed and divided by the number of anchors on nodules."""

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        cross_entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        missed = torch.where(targets > 0.5, 1 - logits.sigmoid(), logits.sigmoid())
        share = torch.where(targets > 0.5, 0.25, 0.75)
        return (share * missed**2 * cross_entropy).sum() / targets.sum().clamp(min=1)


Detector = RetinaNetNodules | FasterRcnnNodules


def make_detector(name: str, backbone: str) -> Detector:
    """A detector of `DETECTORS` with random weights."""
    if name == RETINANET:
        return RetinaNetNodules(backbone)
    return FasterRcnnNodules(backbone, cascade=name == CASCADE_RCNN)
