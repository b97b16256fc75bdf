"""Losses: error in the hole whatever its size, segmentation, metal correction, and those of the published systems."""

from monai_inpaint.losses.adversarial_loss import AdversarialLoss
from monai_inpaint.losses.dice_bce import DiceBCE
from monai_inpaint.losses.energy_distance import EnergyDistance
from monai_inpaint.losses.energy_score import EnergyScore
from monai_inpaint.losses.feature_losses import FeatureLoss, PerceptualLoss, StyleLoss
from monai_inpaint.losses.hole_losses import BorderWeightedL2, HoleL1, HoleRMSE, ValidHoleL1
from monai_inpaint.losses.metal_correction import MetalLoss
from monai_inpaint.losses.partial_conv_loss import PartialConvLoss

__all__ = [
    "AdversarialLoss",
    "BorderWeightedL2",
    "DiceBCE",
    "EnergyDistance",
    "EnergyScore",
    "FeatureLoss",
    "HoleL1",
    "HoleRMSE",
    "MetalLoss",
    "PartialConvLoss",
    "PerceptualLoss",
    "StyleLoss",
    "ValidHoleL1",
]
