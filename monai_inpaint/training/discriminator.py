"""One discriminator of adversarial training: its input, optimiser and loss weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import distributed, nn

from monai_inpaint.losses import AdversarialLoss, FeatureLoss
from monai_inpaint.training.filled_batch import FilledBatch

_LAZY = 16  # steps from one gradient penalty to the next

View = Callable[[torch.Tensor, FilledBatch], list[torch.Tensor]]


class DiscriminatorTask:
    """Train one discriminator, and compute its term of the generator's loss; all processes keep the same weights.

    Args:
        discriminator: from its input to logits, or to a list of features that ends with them (MONAI's
            PatchDiscriminator).
        optimizer: of the discriminator.
        view: from the image (real or filled) and the batch to the discriminator's input.
        weight: of its term in the generator's loss.
        criterion: see `AdversarialLoss`.
        perceptual: weight of the L1 distance between its features of fill and truth, the images before them (Armanious
            et al. 2019, equation 4).
        layers: weights of the images and of each of its features therein; all 1 when None.
        summed: that distance is the L1 norm, else the mean absolute difference of each layer (EdgeConnect's feature
            matching).
        on: what counts as filled: "fill", the composited image; "predicted", all that the generator predicts; or
            "coarse", what its first stage does.
        penalty: of its squared gradient at real images (R1, Mescheder et al. 2018), halved; taken in every 16th step
            with 16 times the weight (Karras et al. 2020, StyleGAN2, appendix B).
    """

    def __init__(
        self,
        discriminator: nn.Module,
        optimizer: torch.optim.Optimizer,
        view: View,
        weight: float,
        criterion: str = "bce",
        perceptual: float = 0.0,
        layers: Sequence[float] | None = None,
        on: str = "fill",
        summed: bool = True,
        penalty: float = 0.0,
    ) -> None:
        broadcast_weights(discriminator)
        self.discriminator, self.optimizer, self.view, self.weight = discriminator, optimizer, view, weight
        self.loss = AdversarialLoss(criterion)  # type: ignore[arg-type]
        self.perceptual, self.distance = perceptual, FeatureLoss(layers, summed=summed)
        self.on = on
        self.penalty, self.steps = penalty, 0

    def learn(self, filled: FilledBatch) -> dict[str, float]:
        """Take one optimiser step.

        Returns:
            "value": V(G, D) of Goodfellow et al. 2014 (equation 1), -log 4 if real and filled images cannot be
            distinguished; "real" and "filled": mean probability with which real and filled images are rated real.

        Raises:
            FloatingPointError: the loss is not a number.
        """
        self.discriminator.train().requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        images = filled.truth, getattr(filled, self.on).detach()
        real, false = (self._features(image, filled)[-1].float() for image in images)
        loss = self.loss.for_discriminator(real, false)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"The loss of a discriminator became {loss.item()}; lower its learning rate and go on from the last "
                "checkpoint."
            )
        loss.backward()
        if self.penalty and self.steps % _LAZY == 0:
            self._penalty(filled).backward()
        self.steps += 1
        average_gradients(self.discriminator)
        self.optimizer.step()
        with torch.no_grad():
            value = -AdversarialLoss("bce").for_discriminator(real, false)
            return {
                "value": float(value),
                "real": float(real.sigmoid().mean()),
                "filled": float(false.sigmoid().mean()),
            }

    def term(self, filled: FilledBatch) -> torch.Tensor:
        """Return the discriminator's term of the generator's loss."""
        self.discriminator.requires_grad_(False)  # it only passes on what the generator learns from
        image = getattr(filled, self.on)
        false = self._features(image, filled)
        loss = self.weight * self.loss.for_generator(false[-1].float())
        if self.perceptual:
            with torch.no_grad():
                real = self._features(filled.truth, filled)
            loss = loss + self.perceptual * self.distance([image, *false], [filled.truth, *real])
        return loss

    def _penalty(self, filled: FilledBatch) -> torch.Tensor:
        """R1, in single precision: second derivatives have none to lose."""
        with torch.autocast(filled.truth.device.type, enabled=False):
            shown = filled.truth.detach().float().requires_grad_(True)
            real = self._features(shown, filled)[-1]
            (slope,) = torch.autograd.grad(real.sum(), shown, create_graph=True)
            return 0.5 * _LAZY * self.penalty * (slope**2).sum(dim=(1, 2, 3)).mean()

    def _features(self, image: torch.Tensor, filled: FilledBatch) -> list[torch.Tensor]:
        found = self.discriminator(*self.view(image, filled))
        return list(found) if isinstance(found, list | tuple) else [found]


def broadcast_weights(network: nn.Module) -> None:
    """Give every process the weights of the first; does nothing in a single process.

    A discriminator is run on real and on filled images, and by the generator's step, in which it does not learn;
    DistributedDataParallel expects one run a step, so discriminators are synchronised here instead.
    """
    if distributed.is_initialized():
        for values in network.state_dict().values():
            distributed.broadcast(values, 0)


@torch.no_grad()
def average_gradients(network: nn.Module) -> None:
    """Replace the gradients of every process by their mean over all; does nothing in a single process."""
    if distributed.is_initialized():
        for parameter in network.parameters():
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= distributed.get_world_size()


Judge = DiscriminatorTask  # its former name, in configs of earlier versions
