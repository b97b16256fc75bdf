"""Small images and calls for the tests of the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from io_samples import dicom_series, oblique_affine
from PIL import Image as Pillow

from monai_inpaint.cli import main

SIDE = 96


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, stdout, and the lines of stderr."""

    code: int
    out: str
    lines: list[str]


def run(capfd: Any, *args: object) -> Ran:
    """The real command line in this process; capfd also sees what libraries write past Python."""
    capfd.readouterr()
    code = main([str(arg) for arg in args])
    out, err = capfd.readouterr()
    return Ran(code, out, err.splitlines())


_WAIT_WHILE_WRITING = """
import sys, time
import monai_inpaint.io.{module} as module
write = module.write
def slowly(image, path, derived):
    write(image, path, derived)
    print("writing", flush=True)
    time.sleep(60)
module.write = slowly
from monai_inpaint.cli import main
sys.exit(main())
"""


def interrupted_while_writing(module: str, args: list[object], sign: signal.Signals) -> tuple[int, str]:
    """Exit code and stderr of a command line of its own, which gets a signal once its image is written.

    Args:
        module: of `monai_inpaint.io`, that writes the image.
    """
    code = _WAIT_WHILE_WRITING.format(module=module)
    command = [sys.executable, "-c", code, *map(str, args)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(sign)
        _, stderr = process.communicate(timeout=30)
    return process.returncode, stderr


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder with its content; None for folders."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def smooth(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Something like anatomy: a few waves, 0 to 1."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    waves = [np.sin(2 * np.pi * (rng.uniform(0.5, 3) * axis + rng.uniform())) for axis in axes for _ in range(2)]
    total = np.sum(waves, axis=0)
    return (total - total.min()) / np.ptp(total)


def box(shape: tuple[int, ...]) -> np.ndarray:
    """The middle third of every axis."""
    hole = np.zeros(shape, np.uint8)
    hole[tuple(slice(n // 3, n - n // 3) for n in shape)] = 1
    return hole


def picture(path: Path, *, seed: int = 0, side: int = SIDE) -> Path:
    Pillow.fromarray((255 * smooth((side, side), seed)).astype(np.uint8)).save(path)
    return path


def picture_hole(path: Path, *, side: int = SIDE) -> Path:
    Pillow.fromarray(255 * box((side, side))).save(path)
    return path


def nifti(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(voxels, oblique_affine() if affine is None else affine), path)
    return path


def ct_voxels(shape: tuple[int, ...] = (SIDE, SIDE, 3)) -> np.ndarray:
    return (1500 * smooth(shape) - 1000).astype(np.int16)


def ct_series(folder: Path, slices: int = 4, **elements: Any) -> Path:
    """A CT series of `slices` files, stored 0 to 1500 with intercept -1000."""
    volume = (1500 * smooth((slices, SIDE, SIDE))).astype(np.uint16)
    return dicom_series(folder, volume, **{"RescaleSlope": 1, "RescaleIntercept": -1000} | elements)


def json_lines(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]
