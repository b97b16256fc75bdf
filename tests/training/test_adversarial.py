"""Adversarial training: who learns when, what each is shown, how their balance is logged."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Events
from ignite.handlers import EMAHandler
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import from_engine
from monai.handlers.ignite_metric import IgniteMetricHandler
from monai.networks.nets import PatchDiscriminator
from torch import nn

from monai_inpaint.losses import BorderWeightedL2, HoleRMSE
from monai_inpaint.networks import GLCIC, ContextEncoder, ContextEncoderDiscriminator, GLCICDiscriminator
from monai_inpaint.training import (
    AdversarialIteration,
    Conditional,
    DiscriminatorTask,
    HolePatch,
    HolePSNR,
    LossTerm,
    Schedule,
    WholeAndPatch,
    autocast_validation,
    make_resumable,
    save_curves,
)
from monai_inpaint.training.filled_batch import FilledBatch, cropped

SIDE = 128


def batches(count: int = 2, side: int = SIDE) -> list[dict[str, torch.Tensor]]:
    """Films in units of 0 to 255 with a square hole in the middle."""
    torch.manual_seed(0)
    made = []
    for _ in range(count):
        truth = 100.0 + 50.0 * torch.rand(2, 1, side, side)
        hole = torch.zeros_like(truth)
        hole[..., side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 1
        made.append({"image": torch.cat((truth * (1 - hole), hole), 1), "label": torch.cat((truth, hole), 1)})
    return made


def task_of(discriminator: nn.Module, view: Any, weight: float = 0.1, **more: Any) -> DiscriminatorTask:
    return DiscriminatorTask(discriminator, torch.optim.Adam(discriminator.parameters(), 1e-3), view, weight, **more)


def encoder_task(**more: Any) -> DiscriminatorTask:
    return task_of(ContextEncoderDiscriminator(4), HolePatch(64), **more)


def trainer_of(network: nn.Module, iteration: AdversarialIteration, epochs: int = 1) -> SupervisedTrainer:
    return SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=epochs, train_data_loader=batches(), network=network,
        optimizer=torch.optim.Adam(network.parameters(), 1e-3), loss_function=nn.Identity(),
        iteration_update=iteration,
    )  # fmt: skip


def changed(module: nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(values, before[name]) for name, values in module.named_parameters())


def parameters(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: values.detach().clone() for name, values in module.named_parameters()}


def test_the_generator_learns_alone_then_the_discriminators_then_both() -> None:
    schedule = Schedule(generator_epochs=2, discriminator_epochs=4, generator_every=2)

    assert [schedule.turn(epoch, 1) for epoch in (1, 2)] == [(True, False, False)] * 2
    assert [schedule.turn(epoch, 1) for epoch in (3, 6)] == [(False, True, False)] * 2
    assert [schedule.turn(7, iteration) for iteration in (1, 2, 3, 4)] == [(False, True, True), (True, True, True)] * 2


@pytest.mark.parametrize(
    ("schedule", "generator", "discriminator"),
    [
        (Schedule(generator_epochs=1), True, False),
        (Schedule(discriminator_epochs=1), False, True),
        (Schedule(), True, True),
        (Schedule(generator_every=9), False, True),
        (Schedule(discriminators_every=9), True, False),
    ],
)
def test_only_who_has_its_turn_is_changed(schedule: Schedule, generator: bool, discriminator: bool) -> None:
    network, task = ContextEncoder(2), encoder_task()
    before = parameters(network), parameters(task.discriminator)

    trainer_of(network, AdversarialIteration([LossTerm(HoleRMSE())], {"patch": task}, schedule)).run()

    assert (changed(network, before[0]), changed(task.discriminator, before[1])) == (generator, discriminator)


def test_all_losses_but_the_adversarial_one_may_be_left_out() -> None:
    for schedule, changes in ((Schedule(1, 1), False), (Schedule(0, 0), True)):
        network = ContextEncoder(features=4)
        before = parameters(network)

        trainer_of(network, AdversarialIteration([], {"patch": encoder_task()}, schedule)).run()

        assert changed(network, before) == changes


def test_the_output_tells_the_balance_and_nan_where_no_discriminator_learned() -> None:
    network = ContextEncoder(2)
    iteration = AdversarialIteration([LossTerm(HoleRMSE())], {"patch": encoder_task()}, Schedule(generator_epochs=1))
    trainer = trainer_of(network, iteration, epochs=2)
    seen: list[dict[str, float]] = []
    names = ["loss", "patch_value", "patch_real", "patch_filled"]
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda engine: seen.append({name: float(engine.state.output[0][name]) for name in names}),
    )

    trainer.run()

    assert all(math.isnan(logged["patch_value"]) for logged in seen[:2])
    assert all(logged["patch_value"] < 0 < logged["patch_real"] < 1 for logged in seen[2:])
    assert all(math.isfinite(logged["loss"]) for logged in seen)


def test_discriminators_that_cannot_tell_real_from_filled_have_a_value_of_minus_log_4() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, 1))
    nn.init.zeros_(network[1].weight)
    nn.init.zeros_(network[1].bias)
    learned = task_of(network, HolePatch(64)).learn(filled_of(*batches(1)))

    assert learned["value"] == pytest.approx(-math.log(4))
    assert learned["real"] == learned["filled"] == pytest.approx(0.5)


def filled_of(batch: dict[str, torch.Tensor]) -> FilledBatch:
    return FilledBatch.of(torch.full_like(batch["label"][:, :1], 125.0), batch["image"], batch["label"], (125.0, 25.0))


def test_losses_see_intensities_in_the_networks_own_range_and_nothing_where_there_is_no_image() -> None:
    (batch,) = batches(1)
    batch["image"][..., :8, :], batch["label"][..., :8, :] = 0.0, 0.0
    batch["image"][:, 1, :8] = 1.0  # there is no image, and nothing to count
    filled = filled_of(batch)
    bright = FilledBatch.of(
        torch.full_like(batch["label"][:, :1], 150.0), batch["image"], batch["label"], (125.0, 25.0)
    )

    assert float(filled.truth.abs().max()) <= 1
    assert bright.predicted[..., 8:, :].eq(1).all()
    assert not bright.predicted[..., :8, :].any()
    assert not filled.truth[..., :8, :].any()
    assert not filled.context[filled.region > 0].any()
    assert not filled.fill[filled.region > 0].any()
    assert torch.equal(filled.fill[filled.region == 0], filled.truth[filled.region == 0])


def test_patches_are_cut_around_the_hole_and_inside_the_window() -> None:
    region = torch.zeros(2, 1, 64, 64)
    region[0, 0, 20:30, 40:50] = 1
    region[1, 0, :4, 60:] = 1
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    image = (100 * rows + columns).expand(2, 1, 64, 64)

    patches = cropped(image, region, 16)

    assert patches.shape == (2, 1, 16, 16)
    assert patches[0, 0, 0, 0] == 100 * 17 + 37
    assert patches[1, 0, 0, 0] == 48
    assert cropped(image, torch.zeros_like(region), 16)[0, 0, 0, 0] == 100 * 24 + 24


@pytest.fixture(params=["context encoder", "ip-MedGAN", "GLCIC"])
def system(request: pytest.FixtureRequest) -> Iterator[tuple[nn.Module, AdversarialIteration]]:
    """The three kinds of discriminators, small."""
    torch.manual_seed(0)
    term = LossTerm(BorderWeightedL2(), on="predicted", margin=4)
    if request.param == "context encoder":
        yield ContextEncoder(2, ring=4), AdversarialIteration([term], {"patch": encoder_task()})
    elif request.param == "ip-MedGAN":
        whole = PatchDiscriminator(spatial_dims=2, channels=4, in_channels=2)
        local = PatchDiscriminator(spatial_dims=2, channels=4, in_channels=1, num_layers_d=2)
        discriminators = {
            "global": task_of(whole, Conditional(), 0.8, perceptual=1e-4),
            "local": task_of(local, HolePatch(64), 0.2),
        }
        yield GLCIC(4), AdversarialIteration([], discriminators)
    else:
        yield GLCIC(4), AdversarialIteration([term], {"both": task_of(GLCICDiscriminator(SIDE, 2), WholeAndPatch())})


def test_every_system_learns_with_its_discriminators(system: tuple[nn.Module, AdversarialIteration]) -> None:
    network, iteration = system
    before = [parameters(network), *(parameters(task.discriminator) for task in iteration.discriminators.values())]
    trainer_of(network, iteration).run()

    assert changed(network, before[0])
    for task, start in zip(iteration.discriminators.values(), before[1:], strict=True):
        assert changed(task.discriminator, start)


def test_the_perceptual_loss_pulls_the_fill_and_not_the_truth() -> None:
    whole = PatchDiscriminator(spatial_dims=2, channels=4, in_channels=2)
    plain, perceptual = (task_of(whole, Conditional(), 0.0, perceptual=weight) for weight in (0.0, 1.0))
    filled = filled_of(*batches(1))
    filled.fill.requires_grad_()

    assert float(plain.term(filled).detach()) == 0
    loss = perceptual.term(filled)
    loss.backward()

    assert float(loss.detach()) > 0
    assert filled.fill.grad is not None
    assert filled.fill.grad.abs().sum() > 0
    same = perceptual.term(filled._replace(fill=filled.truth))
    assert float(same.detach()) == 0


def test_the_images_may_count_more_than_the_features_in_the_perceptual_loss() -> None:
    whole = PatchDiscriminator(spatial_dims=2, channels=4, in_channels=2)
    filled = filled_of(*batches(1))
    error = float((filled.fill - filled.truth).abs().flatten(1).sum(dim=1).mean())

    def perceptual(images: float) -> float:
        task = task_of(whole, Conditional(), 0.0, perceptual=0.5, layers=[images, 1, 1, 1, 1, 1])
        return float(task.term(filled).detach())

    assert perceptual(21.0) - perceptual(1.0) == pytest.approx(0.5 * 20.0 * error, rel=1e-4)


@pytest.mark.parametrize("on", ["fill", "predicted"])
def test_a_discriminator_is_shown_the_composited_image_or_all_that_the_generator_predicts(on: str) -> None:
    whole = PatchDiscriminator(spatial_dims=2, channels=4, in_channels=2)
    task = task_of(whole, Conditional(), 1.0, perceptual=1.0, on=on)
    (batch,) = batches(1)
    predicted = torch.full_like(batch["label"][:, :1], 125.0).requires_grad_()
    filled = FilledBatch.of(predicted, batch["image"], batch["label"], (125.0, 25.0))

    task.learn(filled.detached())
    task.term(filled).backward()

    assert predicted.grad is not None
    outside = predicted.grad[filled.region == 0]
    assert predicted.grad[filled.region > 0].all()
    assert outside.all() if on == "predicted" else not outside.any()


def test_a_loss_that_is_no_number_ends_the_training_and_says_what_to_change() -> None:
    network, task = ContextEncoder(2), encoder_task()
    broken = AdversarialIteration([LossTerm(lambda fill, _: fill.sum() * math.nan)], {})
    with pytest.raises(FloatingPointError, match="generator's loss became nan; lower the learning rates"):
        trainer_of(network, broken).run()

    with torch.no_grad():
        next(task.discriminator.parameters()).fill_(math.nan)
    with pytest.raises(FloatingPointError, match="discriminator became nan; lower its learning rate"):
        trainer_of(network, AdversarialIteration([LossTerm(HoleRMSE())], {"patch": task})).run()


def test_a_stopped_adversarial_training_goes_on_with_its_discriminators_and_curves(tmp_path: Path) -> None:
    def run(epochs: int) -> tuple[nn.Module, DiscriminatorTask]:
        torch.manual_seed(1)
        network, task = ContextEncoder(2), encoder_task()
        iteration = AdversarialIteration([LossTerm(HoleRMSE())], {"patch": task}, Schedule(generator_epochs=1))
        trainer = trainer_of(network, iteration, epochs)
        ema = EMAHandler(network, momentum=0.5)
        ema.attach(trainer)
        evaluator = SupervisedEvaluator(
            device=torch.device("cpu"), val_data_loader=batches(), network=ema.ema_model,
            iteration_update=autocast_validation,
            key_val_metric={
                "hole_psnr": IgniteMetricHandler(
                    metric_fn=HolePSNR(255.0), output_transform=from_engine(["pred", "label"])
                )
            },
        )  # fmt: skip
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: evaluator.run(engine.state.epoch))
        make_resumable(
            trainer, tmp_path, network=network, ema=ema.ema_model, optimizer=trainer.optimizer,
            discriminator=task.discriminator, discriminator_optimizer=task.optimizer,
        )  # fmt: skip
        save_curves(trainer, evaluator, tmp_path)
        trainer.run()
        return network, task

    run(2)
    network, task = run(3)

    assert {int(state["step"]) for state in task.optimizer.state.values()} == {4}  # of epochs 2 and 3
    assert not any(torch.isnan(values).any() for values in network.parameters())
    with (tmp_path / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["patch_value"]) for row in rows] == [False, True, True]
    assert all(float(row["hole_psnr"]) > 0 for row in rows)


def test_the_former_names_of_configs_still_work() -> None:
    import monai_inpaint.training as training

    assert training.Judge is training.DiscriminatorTask
    assert training.Term is training.LossTerm
    assert training.start_from is training.load_initial_weights
    assert training.save_effort is training.save_training_cost
    assert Schedule(judge_epochs=3, judges_every=2) == Schedule(discriminator_epochs=3, discriminators_every=2)
    assert AdversarialIteration([], judges={"patch": encoder_task()}).discriminators.keys() == {"patch"}
    with pytest.raises(ValueError, match="discriminators must be given"):
        AdversarialIteration([])
