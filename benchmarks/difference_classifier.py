"""Does a healthy fill help a classifier: the bundle cxr_difference_classifier on differences, on the film, on both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigWorkflow

from benchmarks.classification import Film, auroc_of, grouped
from benchmarks.kept_folder import kept_folder
from benchmarks.resampled import RESAMPLED, resampled
from benchmarks.setting import Options, markdown
from monai_inpaint.registry import find_bundle

BUNDLE = "cxr_difference_classifier"
ARMS = {"film": [0], "difference and map": [1, 2], "film, difference and map": [0, 1, 2]}
GROUPS = {"children": ("kermany",), "adults": ("nih",)}
_TINY: dict[str, Any] = {"epoch_length": 1, "max_epochs": 1, "batch_size": 2, "val_interval": 1}


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    rows = []
    rng = np.random.default_rng(options.seed)
    films: list[dict[str, Any]] = []
    with kept_folder(options) as folder:
        for name, channels in ARMS.items():
            place = folder / name.replace(", ", "-").replace(" ", "-")
            films, scores = trained(options, place, channels, folder / "differences")
            rated = [
                (Film(np.empty(0, np.uint8), film["patient"], bool(film["label"])), film["source"], score)
                for film, score in zip(films, scores, strict=True)
            ]
            cells = [
                resampled(
                    auroc_of, grouped([(film, score) for film, source, score in rated if source in sources]), rng, ".3f"
                )
                for sources in GROUPS.values()
            ]
            rows.append([name, *cells])
    counts = ", ".join(
        f"{group}: {sum(film['source'] in sources for film in films)} films" for group, sources in GROUPS.items()
    )
    notes = [
        f"data: {options.data.name}, healthy films and films of pneumonia, trained on train, tested on val ({counts})",
        "the network, its training and its seed are those of the bundle's train.json, whatever its channels",
        f"in brackets 95 % of {RESAMPLED} resamplings of the patients; - where a group lacks healthy or ill films",
    ]
    return markdown("Difference classifier", ["input", *GROUPS], rows, notes)


def trained(
    options: Options, place: Path, channels: list[int], differences: Path
) -> tuple[list[dict[str, Any]], list[float]]:
    """Train by the bundle's config; the validation films, and the logit of each."""
    assert options.data is not None
    bundle = find_bundle(BUNDLE).path
    places = {"bundle_root": bundle, "dataset_dir": options.data.parent, "output_dir": place, "ckpt_dir": place}
    workflow = ConfigWorkflow(
        str(bundle / "configs" / "train.json"),
        workflow_type="train",
        logging_file=False,
        channels=channels,
        index=str(options.data),
        seed=options.seed + 1,
        cache_dir=str(differences),
        **{key: str(path) for key, path in places.items()},
        **(_TINY if options.tiny else {}),
    )
    workflow.initialize()
    workflow.run()
    parser = workflow.parser
    network = parser.get_parsed_content("ema").ema_model.eval()
    device = parser.get_parsed_content("device")
    with torch.inference_mode():
        images = [entry["image"][None].to(device) for entry in parser.get_parsed_content("validate#dataset")]
        scores = [float(network(image)[0, 0]) for image in images]
    return parser.get_parsed_content("validate#films"), scores
