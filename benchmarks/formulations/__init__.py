"""One network by the recipe of 0.3.0 and by today's, with a sampler, with an adversary, and in several sizes, at equal
compute.

Each row trains the chest film bundle's network from nothing by the bundle's own `train.json`, and its sampler by
`sampler.json` where it has one, exports and evaluates them. What was trained stays in the output folder; a benchmark
that was stopped goes on there.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.engines.torch_engine import load_network
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary, evaluate
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.io.atomic import staged
from monai_inpaint.networks.export import export_bundle
from monai_inpaint.registry import find_bundle
from monai_inpaint.training.curves import curves_picture

WIDTH = (32, 64, 128, 192)  # the shipped bundle's
STEPS, EPOCHS = 100, 20
SIDE = 128


@dataclass(frozen=True)
class Row:
    """One training: the network's width as a share of the bundle's, the file of the formulation, epochs of 100 steps.

    The epochs are as many as take about equally long; `small` is the share of them with windows of half the side.
    With `sampler` a network that draws samples is trained afterwards, for as many epochs.
    """

    label: str
    width: float = 0.5
    recipe: str | None = None
    epochs: int = EPOCHS
    sampler: bool = False
    small: float = 0.7

    @property
    def sides(self) -> list[int]:
        """Of the windows, one an epoch."""
        small = round(self.small * self.epochs)
        return [SIDE // 2] * small + [SIDE] * (self.epochs - small)

    @property
    def network(self) -> dict[str, Any]:
        """What its network has of its own."""
        channels = [int(self.width * channels) for channels in WIDTH]
        return {"channels": channels, "upsampling": "nearest" if self.recipe == "before" else "bilinear"}


ROWS = (
    Row("estimate, half width"),
    Row("recipe of 0.3.0, half width", recipe="before", epochs=12, small=0.0),
    Row("recipe of 0.3.0, full width", width=1.0, recipe="before", epochs=4, small=0.0),
    Row("estimate, then sampler, half width", epochs=7, sampler=True),
    Row("estimate with patch adversary, half width", recipe="adversary", epochs=13),
    Row("estimate, quarter width", width=0.25, epochs=40),
    Row("estimate, full width", width=1.0, epochs=7),
)
EVALUATIONS = (("cxr-centre", "nih"), ("cxr-centre", "kermany"), ("cxr-patch", "nih"))
VARIANT = "all hidden"
MEASURES = {"psnr": 2, "ssim": 3, "sharpness": 2, "lpips": 3}  # and their decimals


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
        with (folder / "runs" / "curves.csv").open(newline="", encoding="utf-8") as file:
            trainings[row.label] = list(csv.DictReader(file))
        rows += _lines(row, folder, float(trainings[row.label][-1]["cpu_minutes"]), options)
        print(f"{row.label}: done", file=sys.stderr, flush=True)
    with staged(options.output / "curves.png", overwrite=True) as part:
        curves_picture(trainings).savefig(part, format="png", dpi=80)
    notes = [
        f"data: {options.data.name}, trained on train, measured on {options.split}, seed {options.seed}"
        + (f", at most {options.limit} images a row" if options.limit else ""),
        f"each trained from random weights, {STEPS} steps of 16 windows an epoch; windows of {SIDE} x {SIDE}, in all "
        "but the recipe of 0.3.0 half as wide for the first 70 % of the epochs; the number of epochs is chosen so "
        "that all take about equally long; processor minutes",
        f"GFLOP: of one window of {SIDE} x {SIDE}, multiplications and additions; ms: median of 15 fills of a "
        f"{SIDE} x {SIDE} film; gain: over the biharmonic fill; sharpness: gradient energy, filled over true",
    ]
    heading = [
        "formulation", "parameters", "GFLOP", "ms", "minutes", "windows", "images", "fill", "gain dB", "PSNR", "SSIM",
        "sharpness", "LPIPS",
    ]  # fmt: skip
    return markdown("Formulations", heading, rows, notes)


def train(row: Row, folder: Path, options: Options) -> None:
    """Train and export one row in a copy of the bundle, or take it up where it was stopped."""
    assert options.data is not None
    if not (folder / "configs").exists():
        _copy(row, folder)
    if (folder / "models" / "model.onnx").exists():
        return
    here = Path(__file__).parent
    _train(row, folder, options, "runs", [here / f"{row.recipe}.json"] if row.recipe else [])
    if row.sampler:
        own: dict[str, Any] = {f"estimator_def#{name}": value for name, value in row.network.items()}
        own |= {"features": options.features} if options.features else {}
        _train(row, folder, options, "runs of the sampler", [folder / "configs" / "sampler.json"], own)
    export_bundle(folder)


def _train(
    row: Row, folder: Path, options: Options, output: str, recipes: Sequence[Path], own: Mapping[str, Any] | None = None
) -> None:
    assert options.data is not None
    files = [str(path) for path in (folder / "configs" / "train.json", *recipes)]
    settings = {
        "bundle_root": folder, "output_dir": folder / output,
        "index": options.data.resolve(), "dataset_dir": options.data.resolve().parent,
        **{f"network_def#{name}": value for name, value in row.network.items()},
        "max_epochs": 1 if options.tiny else row.epochs, "val_interval": 1,
        "ema#momentum": 0.01,  # the bundle's own mean is over more steps than there are here
        "epoch_length": 2 if options.tiny else STEPS, "sides": row.sides, **(own or {}),
    }  # fmt: skip
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files)]
    command += [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    with (folder / "train.log").open("a") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise InputError(f"the training of {row.label!r} failed; {folder / 'train.log'} says why.")


def _copy(row: Row, folder: Path) -> None:
    """The bundle without weights, with the row's network."""
    shutil.copytree(find_bundle("cxr").path, folder, ignore=shutil.ignore_patterns("*.pt", "*.onnx"))
    changes = (
        ("inference.json", "network_def", row.network),
        ("inference.json", "sampler_def", row.network),
        ("metadata.json", "capabilities", {} if row.sampler else {"samples": False, "sampler": "flow"}),
    )
    for name, key, values in changes:
        path = folder / "configs" / name
        config = json.loads(path.read_text(encoding="utf-8"))
        config[key] |= values
        path.write_text(json.dumps(config, indent=4), encoding="utf-8")


def _lines(row: Row, folder: Path, minutes: float, options: Options) -> Iterator[list[str]]:
    """A line for each evaluation and way to fill."""
    network = load_network(find_bundle(folder)).eval()
    size = sum(parameters.numel() for parameters in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 5, SIDE, SIDE))
    windows = 16 * (2 if options.tiny else STEPS * row.epochs)
    sizes = [f"{size / 1e6:.2f} M", f"{counter.get_total_flops() / 1e9:.2f}", f"{_milliseconds(folder):.1f}"]
    sizes += [f"{minutes:.0f}", f"{windows:,}"]
    fills = {str(folder): "estimate"} | ({f"{folder}{SAMPLE}": "sample"} if row.sampler else {})
    for protocol, source in EVALUATIONS:
        summary = _evaluated(folder, protocol, source, ["biharmonic", *fills], options)
        for method, name in fills.items():
            figures = [summary.average(method, measure, VARIANT).mean for measure in MEASURES]
            cells = [
                "-" if math.isnan(value) else f"{value:.{decimals}f}"
                for value, decimals in zip(figures, MEASURES.values(), strict=True)
            ]
            gain = f"{summary.gain(method, 'biharmonic', VARIANT).mean:+.2f}"
            yield [row.label, *sizes, f"{source}, {protocol}", name, gain, *cells]


def _evaluated(folder: Path, protocol: str, source: str, methods: list[str], options: Options) -> Summary:
    page = folder / f"{protocol}-{source}"
    return evaluate(
        options.data or "", protocol, methods, page, split=options.split, source=source, modality="cxr",
        seed=options.seed, limit=options.limit, features=options.features, overwrite=True,
    )  # fmt: skip


def _milliseconds(folder: Path) -> float:
    """Of a fill by the default engine."""
    filler = Filler(str(folder))
    image = np.random.default_rng(0).normal(128, 40, (SIDE, SIDE)).astype(np.float32)
    hole = np.zeros(image.shape, bool)
    hole[32:96, 32:96] = True
    filler(image, hole)
    taken = []
    for _ in range(15):
        start = time.perf_counter()
        filler(image, hole)
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken)
