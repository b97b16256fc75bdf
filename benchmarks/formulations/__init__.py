"""The recipe of 0.3.0 and today's from random weights, in equal processor time, and a sampler in as much again.

Each row trains the network of a house bundle by the bundle's own `train.json`, and its sampler by `sampler.json`,
exports and evaluates them. What was trained stays in the output folder; a benchmark that was stopped goes on there.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import quality
from benchmarks.published.measured import psnr_over
from benchmarks.setting import Options, markdown
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.io.atomic import staged
from monai_inpaint.networks.export import export_bundle
from monai_inpaint.registry import find_bundle
from monai_inpaint.registry.training_cost import read_training_cost
from monai_inpaint.training.curves import curves_picture

SIDE = 128  # voxels of a large window
_TINY = {"max_epochs": 1, "epoch_length": 2, "batch_size": 2}
SMALL = 0.7  # share of an estimator's epochs with windows of half the side, before the large ones


@dataclass(frozen=True)
class Row:
    """One training: of which bundle, by which recipe (None: the bundle's own), for how many epochs of 1,280 draws.

    With `sampler` a network that draws samples is trained afterwards, for that many epochs.
    """

    label: str
    bundle: str
    epochs: int
    recipe: str | None = None
    sampler: int = 0


# As many epochs as take about 20 minutes of one thread of a processor with bfloat16 matrix units.
ROWS = (
    Row("films, recipe of 0.3.0", "cxr", 26, recipe="before"),
    Row("films, today's recipe", "cxr", 48, sampler=15),
    Row("CT and MR, recipe of 0.3.0", "ct", 26, recipe="before"),
    Row("CT and MR, today's recipe", "ct", 40, sampler=15),
)
SHARED = {"cxr": ("cxr",), "ct": ("ct", "mr")}  # the house bundles that have the weights of one training
MEASURED = (
    ("cxr-centre", "nih"), ("cxr-centre", "kermany"), ("slice-square", "tcga"), ("slice-square", "tcia_ct"),
    ("slice-square", "ds002748"),
)  # fmt: skip


def run(options: Options) -> str:
    """The table, and `curves.png` in the output folder.

    Raises:
        InputError: there is no output, or a training failed.
    """
    if options.output is None:
        raise InputError("what is trained has to stay somewhere; name a folder with --output DIR.")
    assert options.data is not None
    rows: list[list[str]] = []
    trainings: dict[str, list[dict[str, str]]] = {}
    for row in ROWS:
        folder = options.output / re.sub(r"\W+", "-", row.label)
        train(row, folder, options)
        trainings[row.label] = _curves(folder / row.bundle / "runs")
        rows += _lines(row, folder, options)
        print(f"{row.label}: done", file=sys.stderr, flush=True)
    with staged(options.output / "curves.png", overwrite=True) as part:
        curves_picture(trainings).savefig(part, format="png", dpi=80)
    notes = [
        f"data: {options.data.name}, trained on train, measured on {options.split}, seeds from {options.seed} on"
        + (f", at most {options.limit} images a row and draw" if options.limit else ""),
        "each trained from random weights on the same images; a draw from a volume gives several windows; windows of "
        f"{SIDE} x {SIDE}, by today's recipe half as wide for the first {SMALL:.0%} of the epochs; minutes: of the "
        "processor, one thread, data included",
        "holes: drawn three times in each slice, in the centre of films once (all hidden)",
        "gain: over the best classical fill, mean over patients, in brackets 95 % of resamplings of the patients; "
        "sharpness: gradient energy in the hole, filled over true; share of variance: squared error of samples over "
        "that of estimates, less 1 (100 % if samples vary like the truth)",
    ]
    heading = [
        "training", "minutes", "windows", "minutes of the sampler", "its windows", "images, protocol",
        "images / patients", "gain dB", "sharpness", "LPIPS", "LPIPS, best classical", "sample: share of variance",
        "sharpness", "LPIPS",
    ]  # fmt: skip
    return markdown("Formulations", heading, rows, notes)


def train(row: Row, folder: Path, options: Options) -> None:
    """Train one row in a copy of the bundle, or take it up where it was stopped, and export every bundle it is for."""
    for name in SHARED[row.bundle]:
        if not (folder / name / "configs").exists():
            _copy(row, name, folder / name)
    first, *others = (folder / name for name in SHARED[row.bundle])
    if (first / "models" / "model.onnx").exists():
        return
    small, own, recipes = round(SMALL * row.epochs), {"sides": [SIDE]}, []
    if row.recipe:
        recipes = [Path(__file__).with_name(f"{row.recipe}.json")]
    else:
        own = {"sides": [SIDE // 2] * small + [SIDE] * (row.epochs - small)}
    _train(row, first, options, "runs", row.epochs, recipes, own)
    if row.sampler:
        own = {"learning_rate": 0.0015}
        own |= {"features": options.features} if options.features else {}
        _train(row, first, options, "runs of the sampler", row.sampler, [first / "configs" / "sampler.json"], own)
    for other in others:
        for weights in (first / "models").glob("*.pt"):
            shutil.copy(weights, other / "models")
        export_bundle(other)
    export_bundle(first)


def _train(
    row: Row,
    folder: Path,
    options: Options,
    output: str,
    epochs: int,
    recipes: Sequence[Path],
    own: Mapping[str, Any],
) -> None:
    assert options.data is not None
    files = [str(path) for path in (folder / "configs" / "train.json", *recipes)]
    settings = {
        "bundle_root": folder, "output_dir": folder / output, "ckpt_dir": folder / "models",
        "index": options.data.resolve(), "dataset_dir": options.data.resolve().parent, "seed": options.seed + 1,
        "max_epochs": epochs, "val_interval": 1, **own, **(_TINY if options.tiny else {}),
    }  # fmt: skip
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files)]
    command += [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    with (folder / "train.log").open("a") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise InputError(f"the training of {row.label!r} failed; {folder / 'train.log'} says why.")


def _copy(row: Row, name: str, folder: Path) -> None:
    """A house bundle without weights, with the row's network."""
    shutil.copytree(find_bundle(name).path, folder, ignore=shutil.ignore_patterns("*.pt", "*.onnx", "*.npz"))
    network = {"upsampling": "nearest"} if row.recipe else {}
    changes = (
        ("train.json", "network_def", network),
        ("inference.json", "network_def", network),
        ("metadata.json", "capabilities", {} if row.sampler else {"samples": False, "sampler": "flow"}),
    )
    for name, key, values in changes:
        path = folder / "configs" / name
        config = json.loads(path.read_text(encoding="utf-8"))
        config[key] |= values
        path.write_text(json.dumps(config, indent=4), encoding="utf-8")


def _curves(output: Path) -> list[dict[str, str]]:
    with (output / "curves.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _lines(row: Row, folder: Path, options: Options) -> Iterator[list[str]]:
    """A line for each evaluation."""

    def cost(output: str) -> list[str]:
        found = read_training_cost(folder / row.bundle / output)
        return [f"{found.cpu_minutes:.0f}", f"{found.images:,}"] if found else ["-", "-"]

    trained, sampled = cost("runs"), cost("runs of the sampler")
    with tempfile.TemporaryDirectory() as scratch:
        for measured in quality.ROWS:
            if measured.bundle not in SHARED[row.bundle] or (measured.protocol, measured.source) not in MEASURED:
                continue
            estimate = str(folder / measured.bundle)
            ours = [estimate, f"{estimate}{SAMPLE}"] if row.sampler else [estimate]
            output = folder / f"{measured.protocol}-{measured.source}"
            summary = quality.drawn(measured, Path(scratch), output, options, ours)
            label = f"{measured.label}, {measured.protocol}"
            yield [row.label, *trained, *sampled, label, *_figures(summary, *ours, seed=options.seed)]


def _figures(summary: Summary, estimate: str, sample: str | None = None, *, seed: int) -> list[str]:
    variant = summary.variants[0]
    best = summary.best_classical(variant)
    assert best is not None
    found = [result for result in summary.results if result.variant == variant]

    def mean(method: str, measure: str, decimals: int) -> str:
        value = summary.average(method, measure, variant).mean
        return "-" if math.isnan(value) else f"{value:.{decimals}f}"

    cells = [
        f"{len({result.case for result in found})} / {len({result.patient for result in found})}",
        psnr_over(summary, estimate, best, variant, seed),
        mean(estimate, "sharpness", 2),
        mean(estimate, "lpips", 3),
        min(mean(name, "lpips", 3) for name in summary.classical),
    ]
    if sample is None:
        return [*cells, "-", "-", "-"]
    lost = summary.gain(estimate, sample, variant).mean
    return [*cells, f"{10 ** (lost / 10) - 1:.0%}", mean(sample, "sharpness", 2), mean(sample, "lpips", 3)]
