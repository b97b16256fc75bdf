"""What each system cost: the columns that stand beside its figures."""

from __future__ import annotations

from statistics import median

from monai_inpaint.engines.torch_engine import load_network
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.registry import find_bundle
from monai_inpaint.registry.training_cost import read_training_cost

EFFORT_HEADING = (
    "ms a fill", "parameters", "minutes of training", "minutes of CPU", "hardware of training", "steps", "images seen",
    "images/s in training",
)  # fmt: skip
EFFORT_NOTES = (
    "ms a fill: median, measured here; parameters: of the network that fills; training: as stated in the bundle's "
    "docs/training.json, wall-clock minutes; images/s: per second of one core on a CPU, per wall-clock second on a "
    "GPU; -: not stated",
)


def effort_cells(summary: Summary, method: str) -> list[str]:
    """Cells under `EFFORT_HEADING`.

    Raises:
        InputError: the training cost of the bundle is damaged.
    """
    milliseconds = f"{1000 * median(result.seconds for result in summary.of(method)):.0f}"
    if method in summary.classical:
        return [milliseconds, "0", *["-"] * 6]
    bundle = find_bundle(method.removesuffix(SAMPLE))
    try:
        size = sum(parameters.numel() for parameters in load_network(bundle).parameters())
        parameters = f"{size / 1e6:.2f} M"
    except InputError:  # its graph fills, but its weights did not come with it
        parameters = "-"
    effort = read_training_cost(bundle.path)
    if effort is None:
        return [milliseconds, parameters, *["-"] * 6]
    return [
        milliseconds, parameters, f"{effort.minutes:.0f}", f"{effort.cpu_minutes:.0f}",
        f"{effort.hardware}, threads: {effort.threads}", f"{effort.steps:,}", f"{effort.images:,}",
        f"{effort.images_per_second:.1f}",
    ]  # fmt: skip
