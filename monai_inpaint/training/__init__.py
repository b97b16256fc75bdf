"""Training: data lists, and the steps that MONAI's trainer calls in each iteration.

Names except those of data lists are loaded when first used: inference needs neither ignite nor matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monai_inpaint._lazy import loaded_when_used
from monai_inpaint.training.data_list import (
    fill_pairs,
    find_images,
    metal_pairs,
    repeated,
    sample_weights,
    synthetic_volumes,
    training_slices,
    training_volumes,
)
from monai_inpaint.training.film_findings import boxed_findings, boxed_nodules, class_weights, labelled_films
from monai_inpaint.training.nodule_crops import nodule_crops, nodule_films

if TYPE_CHECKING:
    from monai_inpaint.training.adversarial_iteration import AdversarialIteration, LossTerm, Term
    from monai_inpaint.training.checkpoints import (
        keep_state,
        load_initial_weights,
        make_resumable,
        start_from,
        with_weights,
    )
    from monai_inpaint.training.cost_recorder import save_effort, save_training_cost
    from monai_inpaint.training.curves import save_curves
    from monai_inpaint.training.discriminator import DiscriminatorTask, Judge
    from monai_inpaint.training.discriminator_loss import DiscriminatorLoss
    from monai_inpaint.training.draws import SeededDataset, ShardedSampler
    from monai_inpaint.training.edge_terms import (
        EdgeDiscriminatorTask,
        EdgesAndImage,
        ImageAndEdges,
        ImageOnly,
        IntermediateLoss,
    )
    from monai_inpaint.training.equalised_rate import equalised
    from monai_inpaint.training.filled_batch import Conditional, HolePatch, WholeAndPatch, WithCondition, WithHole
    from monai_inpaint.training.iteration import (
        autocast_iteration,
        autocast_validation,
        flow_iteration,
        sample_iteration,
        sample_validation,
    )
    from monai_inpaint.training.latent_adversarial import (
        LatentAdversarialIteration,
        latent_energy_iteration,
        latent_validation,
    )
    from monai_inpaint.training.muon import Muon
    from monai_inpaint.training.outlines import latent_cases, nodule_outlines
    from monai_inpaint.training.schedule import Schedule, warm_hold_decay
    from monai_inpaint.training.validation_metrics import FalseAlarms, HolePSNR, MetalRMSE, ShapeDistance
    from monai_inpaint.training.window_side import GrowWindows, WindowSideHandler

__all__ = [
    "AdversarialIteration",
    "Conditional",
    "DiscriminatorLoss",
    "DiscriminatorTask",
    "EdgeDiscriminatorTask",
    "EdgesAndImage",
    "FalseAlarms",
    "GrowWindows",
    "HolePSNR",
    "HolePatch",
    "ImageAndEdges",
    "ImageOnly",
    "IntermediateLoss",
    "Judge",
    "LatentAdversarialIteration",
    "LossTerm",
    "MetalRMSE",
    "Muon",
    "Schedule",
    "SeededDataset",
    "ShardedSampler",
    "ShapeDistance",
    "Term",
    "WholeAndPatch",
    "WindowSideHandler",
    "WithCondition",
    "WithHole",
    "autocast_iteration",
    "autocast_validation",
    "fill_pairs",
    "find_images",
    "flow_iteration",
    "keep_state",
    "latent_cases",
    "latent_energy_iteration",
    "latent_validation",
    "load_initial_weights",
    "make_resumable",
    "metal_pairs",
    "nodule_outlines",
    "nodule_crops",
    "nodule_films",
    "boxed_findings",
    "boxed_nodules",
    "class_weights",
    "equalised",
    "labelled_films",
    "repeated",
    "sample_iteration",
    "sample_validation",
    "sample_weights",
    "save_curves",
    "save_effort",
    "save_training_cost",
    "start_from",
    "synthetic_volumes",
    "training_slices",
    "training_volumes",
    "warm_hold_decay",
    "with_weights",
]

_HOME = {
    **dict.fromkeys(
        ("EdgeDiscriminatorTask", "EdgesAndImage", "ImageAndEdges", "ImageOnly", "IntermediateLoss"),
        "monai_inpaint.training.edge_terms",
    ),
    "AdversarialIteration": "monai_inpaint.training.adversarial_iteration",
    "Conditional": "monai_inpaint.training.filled_batch",
    "DiscriminatorLoss": "monai_inpaint.training.discriminator_loss",
    "DiscriminatorTask": "monai_inpaint.training.discriminator",
    "equalised": "monai_inpaint.training.equalised_rate",
    "FalseAlarms": "monai_inpaint.training.validation_metrics",
    "GrowWindows": "monai_inpaint.training.window_side",
    "HolePSNR": "monai_inpaint.training.validation_metrics",
    "HolePatch": "monai_inpaint.training.filled_batch",
    "Judge": "monai_inpaint.training.discriminator",
    "LatentAdversarialIteration": "monai_inpaint.training.latent_adversarial",
    "LossTerm": "monai_inpaint.training.adversarial_iteration",
    "MetalRMSE": "monai_inpaint.training.validation_metrics",
    "Muon": "monai_inpaint.training.muon",
    "Schedule": "monai_inpaint.training.schedule",
    "SeededDataset": "monai_inpaint.training.draws",
    "ShardedSampler": "monai_inpaint.training.draws",
    "ShapeDistance": "monai_inpaint.training.validation_metrics",
    "Term": "monai_inpaint.training.adversarial_iteration",
    "WholeAndPatch": "monai_inpaint.training.filled_batch",
    "WindowSideHandler": "monai_inpaint.training.window_side",
    "WithCondition": "monai_inpaint.training.filled_batch",
    "WithHole": "monai_inpaint.training.filled_batch",
    "autocast_iteration": "monai_inpaint.training.iteration",
    "autocast_validation": "monai_inpaint.training.iteration",
    "flow_iteration": "monai_inpaint.training.iteration",
    "keep_state": "monai_inpaint.training.checkpoints",
    "latent_cases": "monai_inpaint.training.outlines",
    "latent_energy_iteration": "monai_inpaint.training.latent_adversarial",
    "latent_validation": "monai_inpaint.training.latent_adversarial",
    "load_initial_weights": "monai_inpaint.training.checkpoints",
    "make_resumable": "monai_inpaint.training.checkpoints",
    "nodule_outlines": "monai_inpaint.training.outlines",
    "sample_iteration": "monai_inpaint.training.iteration",
    "sample_validation": "monai_inpaint.training.iteration",
    "save_curves": "monai_inpaint.training.curves",
    "save_effort": "monai_inpaint.training.cost_recorder",
    "save_training_cost": "monai_inpaint.training.cost_recorder",
    "start_from": "monai_inpaint.training.checkpoints",
    "warm_hold_decay": "monai_inpaint.training.schedule",
    "with_weights": "monai_inpaint.training.checkpoints",
}

__getattr__ = loaded_when_used(__name__, _HOME)
