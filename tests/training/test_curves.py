"""What a training tells of itself: its curves, and the images a second that its effort counts."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer

from monai_inpaint.registry.training_cost import TrainingCost, read_training_cost
from monai_inpaint.training.cost_recorder import save_training_cost
from monai_inpaint.training.curves import curves_picture, save_curves


def trainer_of(epochs: int, steps: int) -> SupervisedTrainer:
    """Two images a step, of which nothing is learned."""
    return SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=epochs, train_data_loader=range(steps), network=torch.nn.Identity(),
        optimizer=torch.optim.SGD([torch.zeros(1)], 1.0), loss_function=torch.nn.Identity(), decollate=False,
        iteration_update=lambda *_: [{"loss": 1.0}, {"loss": 1.0}],
    )  # fmt: skip


def five_epochs(folder: Path, initial: Path | None = None) -> TrainingCost:
    """Of a training with 300 images, whose curves say 2 minutes an epoch and half of that of the processor."""
    ends = [2.0, 4.0, 50.0, 52.0, 54.0]  # the third one lay still for 44 minutes
    trainer = trainer_of(len(ends), 30)
    folder.mkdir(exist_ok=True)
    lines = [f"{epoch},{end},{epoch}.0" for epoch, end in enumerate(ends, start=1)]
    (folder / "curves.csv").write_text("\n".join(["epoch,minutes,cpu_minutes", *lines]), encoding="utf-8")
    save_training_cost(trainer, folder, initial)
    trainer.run()
    effort = read_training_cost(folder)
    assert effort is not None
    return effort


def test_a_pause_counts_as_minutes_and_neither_it_nor_what_runs_beside_slows_images_a_second(tmp_path: Path) -> None:
    effort = five_epochs(tmp_path)

    assert (effort.minutes, effort.cpu_minutes, effort.steps, effort.images) == (54.0, 5.0, 150, 300)
    assert effort.images_per_second == 1.0  # 60 in each minute of the processor


@pytest.mark.parametrize("weights", ["model.pt", "models/model.pt"])  # of a training, of a bundle
def test_the_effort_behind_the_weights_it_starts_from_is_added(weights: str, tmp_path: Path) -> None:
    first = five_epochs(tmp_path / "first")

    effort = five_epochs(tmp_path / "second", tmp_path / "first" / weights)

    assert (effort.steps, effort.cpu_minutes) == (2 * first.steps, 2 * first.cpu_minutes)
    assert effort.images_per_second == first.images_per_second


def test_a_training_that_is_interrupted_keeps_the_cost_of_its_whole_epochs(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    trainer = trainer_of(2, 30)
    (tmp_path / "curves.csv").write_text("epoch,minutes,cpu_minutes\n1,2.0,1.0\n", encoding="utf-8")
    save_training_cost(trainer, tmp_path)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=40), interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()

    effort = read_training_cost(tmp_path)
    assert effort is not None
    assert (effort.steps, effort.images, effort.cpu_minutes) == (30, 60, 1.0)


def test_the_time_of_all_processes_counts_and_goes_on_in_a_training_that_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = SimpleNamespace(get_world_size=lambda: 2, get_rank=lambda: 0, broadcast=lambda text, **_: text)
    clock = count(0.0, 30.0)  # half a minute of this process whenever it looks
    monkeypatch.setattr("monai_inpaint.training.curves.idist", two)
    monkeypatch.setattr("monai_inpaint.training.curves.time.process_time", lambda: next(clock))

    for done, budget in ((0, 2.0), (2, 3.0)):
        trainer = trainer_of(epochs=9, steps=1)
        trainer.load_state_dict({"epoch": done, "epoch_length": 1, "max_epochs": 9})
        save_curves(trainer, Engine(lambda *_: None), tmp_path, cpu_minutes=budget)
        trainer.run()

    lines = (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[2] for line in lines] == ["cpu_minutes", "1.0000", "2.0000", "3.0000"]


@pytest.mark.parametrize(("measured", "rows"), [(1, 1), (4, 1), (5, 2), (9, 3)])
def test_curves_are_drawn_a_panel_a_column_four_side_by_side(measured: int, rows: int) -> None:
    names = [f"measured {number}" for number in range(measured)]
    epochs = [{"epoch": e, "minutes": e, "cpu_minutes": e} | dict.fromkeys(names, e) for e in (1, 2)]

    panels = curves_picture({"": epochs}).axes

    assert [panel.get_title() for panel in panels] == names
    places = [place for panel in panels if (place := panel.get_subplotspec())]
    assert max(place.rowspan.stop for place in places) == rows
    assert max(place.colspan.stop for place in places) == min(4, measured)
