"""A tiny made-up data set and calls for the tests of the bundles and their training."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from cli_samples import nifti, smooth
from PIL import Image as Pillow
from safetensors.torch import save_file

from monai_inpaint.networks.image_features import SqueezeNet
from monai_inpaint.registry import BundleInfo, bundles

ROOT = Path(__file__).parents[2]
NAMES = ("ct_inpainting", "cxr_inpainting", "mr_inpainting")
PUBLISHED = (
    *("ip_medgan", "cxr_context_encoder", "cxr_context_encoder_patches", "glcic", "medgan"),
    *("partial_conv", "slices_context_encoder", "cxr_glcic", "cxr_partial_conv"),
)
FINDER, METAL = "artifact_segmentation", "ct_metal"
TEXTURES = ("nodule_texture_ct", "nodule_texture_cxr")
PAINTING = "cxr_lesion_painting"
# What makes the committed training small: two windows a step, two steps an epoch.
TINY = {"side": 64, "batch_size": 2, "epoch_length": 2, "max_epochs": 2, "val_interval": 1}
_COLUMNS = ("path", "source", "modality", "patient", "split", "mask", "note")
_SMALL = 48  # voxels along the sides of a volume's slices


def bundle(name: str) -> BundleInfo:
    return next(info for info in bundles() if info.name == name)


def data_set(folder: Path) -> Path:
    """Two pictures or volumes of each source that the bundles train on, one to train and one to validate."""
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        table.writerows(_rows(folder))
    return folder


def enlarge_films(folder: Path) -> Path:
    """The films as large as windows at full resolution need them."""
    for path in (*folder.glob("nih_*.png"), *folder.glob("kermany_*.png")):
        with Pillow.open(path) as film:
            film.resize((320, 384)).save(path)
    return folder


def nodule_crop(folder: Path, side: int = 128, middle: tuple[int, int] = (60, 50), radius: float = 7.0) -> Path:
    """A crop as `read_lidc_crop` takes it: a round nodule in lung, chest wall on the right, two readers, one blind."""
    folder.mkdir()
    rows, columns = np.indices((side, side))
    distance = np.hypot(rows - middle[0], columns - middle[1])
    grey = np.where(columns > 0.75 * side, 140.0, 25.0)
    grey = np.maximum(grey, 25.0 + 105.0 * np.clip(radius + 0.5 - distance, 0, 1))
    noisy = grey + np.random.default_rng(0).normal(0, 3, grey.shape)
    Pillow.fromarray(noisy.clip(4, 255).astype(np.uint8)).save(folder / "image.png")
    for reader, reach in enumerate((radius, radius + 1, 0)):
        Pillow.fromarray((255 * (distance < reach)).astype(np.uint8)).save(folder / f"mask-{reader}.png")
    return folder / "image.png"


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    pictures = (("nih", "CR"), ("kermany", "CR"), ("figshare", "MR"))
    volumes = (("tcga", "CT", 1), ("sarcoma", "CT", 4), ("sarcoma", "MR", 4), ("msd", "MR", 10), ("tcia_ct", "CT", 2))
    for seed, split in enumerate(("train", "val")):
        for source, modality in pictures:
            name = f"{source}_{split}.png"
            Pillow.fromarray((255 * smooth((96, 80), seed)).astype(np.uint8)).save(folder / name)
            yield _row(name, source, modality, split)
        crop = nodule_crop(folder / f"nodule_{split}")
        yield _row(str(crop.relative_to(folder)), "lidc", "CT", split)
        for source, modality, depth in volumes:
            name = f"{source}_{modality}_{split}.nii.gz"
            units = 2000 * smooth((_SMALL, _SMALL, depth), seed) - 1000 * (modality == "CT")
            nifti(folder / name, units.astype(np.int16))
            yield _row(name, source, modality, split)


def _row(name: str, source: str, modality: str, split: str) -> dict[str, str]:
    made_up = {"patient": f"{source}-{split}", "mask": "", "note": "made up"}
    return {"path": name, "source": source, "modality": modality, "split": split, **made_up}


def image_features(folder: Path) -> Path:
    """A network for photographs that has not seen any."""
    torch.manual_seed(0)
    path = folder / "squeezenet.safetensors"
    save_file(SqueezeNet().state_dict(), path)
    return path


def run_bundle(*configs: Path, processes: int = 0, **settings: object) -> str:
    """`python -m monai.bundle run`, by torchrun where `processes` are given; returns what it wrote.

    Raises:
        AssertionError: it failed.
    """
    command = bundle_command(*configs, processes=processes, **settings)
    ran = subprocess.run(
        command, env=quiet_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    return ran.stdout


def bundle_command(*configs: Path, processes: int = 0, **settings: object) -> list[str]:
    by_torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    files = str(configs[0]) if len(configs) == 1 else str([str(path) for path in configs])
    overrides = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    start = by_torchrun if processes else []
    return [sys.executable, *start, "-m", "monai.bundle", "run", "--config_file", files, *overrides]


def quiet_environment() -> dict[str, str]:
    # GLOO_SOCKET_IFNAME: two processes of one machine find each other without a network.
    here = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT)}
    return os.environ | here | {"MLFLOW_DISABLE_TELEMETRY": "true"}
