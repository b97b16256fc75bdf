"""Read an image in a process of its own, with limits: what a stranger sent goes through native libraries."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image

MEMORY = 16 * 2**30
SECONDS = 300


def read_apart(path: Path) -> Image:
    """The image, without its header.

    Raises:
        InputError: it cannot be read, or only with more memory or time than is given.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, "-P", "-m", __name__, str(path), "image.npz"]
        try:
            ran = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, preexec_fn=_limit, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{path} was not read within {SECONDS} s; give a smaller or undamaged file.") from error
        if ran.returncode == 2:
            raise InputError(ran.stderr.strip().splitlines()[-1].removeprefix("monai-inpaint: "))
        if ran.returncode:
            raise InputError(f"{path} cannot be read; it is damaged or too large.")
        with np.load(Path(folder) / "image.npz", allow_pickle=False) as told:
            return Image(told["voxels"], told["affine"] if told["affine"].size else None)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _main(source: str, target: str) -> int:
    from monai_inpaint.io import read_image

    image = read_image(source)
    plain = np.ndim(image.slope) == 0 and (image.slope, image.intercept) == (1.0, 0.0)
    affine = np.empty(0) if image.affine is None else image.affine
    np.savez(target, voxels=image.voxels if plain else image.units(), affine=affine)
    return 0


if __name__ == "__main__":
    from monai_inpaint.commands.failure import exit_code_of

    sys.exit(exit_code_of(lambda: _main(*sys.argv[1:])))
