"""Training of a generator that draws from noise alone: adversarial, or by a distance between batches."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import Evaluator, Trainer
from torch import nn

from monai_inpaint.losses import AdversarialLoss
from monai_inpaint.training.accumulation import checked
from monai_inpaint.training.discriminator import average_gradients, broadcast_weights
from monai_inpaint.training.iteration import batch_of, completed


class LatentAdversarialIteration:
    """Train the discriminator on a batch, then the generator, by least squares (Shen et al. 2022, equations 1 and 2).

    The output's keys are those of MONAI's SupervisedTrainer, and "real" and "drawn": the mean outputs of the
    discriminator, 1 for real.

    Args:
        discriminator: of what the generator draws and of the truth; to logits.
        optimizer: of the discriminator.
        penalty: of its squared gradient at real examples (R1, Mescheder et al. 2018, Which Training Methods for GANs do
            actually Converge?), halved; 0 in the paper.
        noise: standard deviation of the noise added to the discriminator's inputs (Sonderby et al. 2017, Amortised MAP
            Inference for Image Super-Resolution, section 3.2.1); 0 in the paper.
    """

    def __init__(
        self, discriminator: nn.Module, optimizer: torch.optim.Optimizer, penalty: float = 0.0, noise: float = 0.0
    ) -> None:
        broadcast_weights(discriminator)
        self.discriminator, self.optimizer, self.penalty, self.noise = discriminator, optimizer, penalty, noise
        self.loss = AdversarialLoss("least_squares")

    def __call__(self, engine: Trainer, batch: Any) -> Any:
        """One iteration of both.

        Raises:
            FloatingPointError: a loss is not a number; the last checkpoint on disk is still good.
        """
        _, truth = batch_of(engine, batch)
        engine.network.train()
        latent = latents(engine.network, len(truth)).to(truth.device)
        drawn = engine.network(latent)
        answers = self._learn(truth, drawn.detach())
        self.discriminator.requires_grad_(False)  # it only passes on what the generator learns from
        loss = checked(self.loss.for_generator(self.discriminator(self._seen(drawn))))
        engine.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        engine.optimizer.step()
        return completed(engine, image=latent, label=truth, pred=drawn.detach(), loss=loss.detach(), **answers)

    def _learn(self, truth: torch.Tensor, drawn: torch.Tensor) -> dict[str, float]:
        self.discriminator.train().requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        shown = self._seen(truth).requires_grad_(self.penalty > 0)
        real, false = self.discriminator(shown), self.discriminator(self._seen(drawn))
        loss = self.loss.for_discriminator(real, false)
        if self.penalty:
            (slope,) = torch.autograd.grad(real.sum(), shown, create_graph=True)
            loss = loss + 0.5 * self.penalty * (slope**2).sum(dim=(1, 2, 3)).mean()
        checked(loss).backward()
        average_gradients(self.discriminator)
        self.optimizer.step()
        return {"real": float(real.detach().mean()), "drawn": float(false.detach().mean())}

    def _seen(self, fields: torch.Tensor) -> torch.Tensor:
        return fields + self.noise * torch.randn_like(fields) if self.noise else fields.clone()


def latent_energy_iteration(engine: Trainer, batch: Any) -> Any:
    """Draw as many examples as the batch contains, and train by a distance to it, for example `EnergyDistance`.

    The output's keys are those of MONAI's SupervisedTrainer.

    Raises:
        FloatingPointError: the loss is not a number; the last checkpoint on disk is still good.
    """
    _, truth = batch_of(engine, batch)
    engine.network.train()
    engine.optimizer.zero_grad(set_to_none=True)
    latent = latents(engine.network, len(truth)).to(truth.device)
    drawn = engine.network(latent)
    loss = checked(engine.loss_function(drawn, truth))
    loss.backward()
    engine.optimizer.step()
    return completed(engine, image=latent, label=truth, pred=drawn.detach(), loss=loss.detach())


def latent_validation(engine: Evaluator, batch: Any) -> Any:
    """Draw as many examples as the batch has, the same ones in every validation."""
    _, truth = batch_of(engine, batch)
    seeded = torch.Generator().manual_seed(engine.state.iteration)
    latent = latents(engine.network, len(truth), seeded).to(truth.device)
    engine.network.eval()
    with torch.no_grad():
        drawn = engine.network(latent)
    return completed(engine, image=latent, label=truth, pred=drawn)


def latents(network: nn.Module, count: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Standard normal (count, C, 1, 1) for a network of C latent `channels`."""
    channels = getattr(network, "module", network).channels
    return torch.randn(count, channels, 1, 1, generator=generator)
