"""The training side: data lists and what MONAI's trainer calls each iteration."""

from monai_inpaint.training.data_list import fill_pairs, sample_weights, training_slices
from monai_inpaint.training.iteration import autocast_iteration, autocast_validation
from monai_inpaint.training.metric import HolePSNR
from monai_inpaint.training.resume import make_resumable

__all__ = [
    "HolePSNR",
    "autocast_iteration",
    "autocast_validation",
    "fill_pairs",
    "make_resumable",
    "sample_weights",
    "training_slices",
]
