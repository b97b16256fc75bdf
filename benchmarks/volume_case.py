"""One volume in a process of its own: `python -m benchmarks.volume_case SLICES ORDER` prints JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.setting import monai_inpaint, said_by
from monai_inpaint import Filler, Image, write_image

HOLE = (40, 40, 20)
CALLS = 5


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("slices", type=int)
    parser.add_argument("order", choices=("F", "C"))
    parser.add_argument("--tiny", action="store_true")
    args = parser.parse_args()
    side = 128 if args.tiny else 512
    image, hole = volume(side, args.slices, args.order)
    print(json.dumps({"shape": "x".join(map(str, image.shape)), **_in_process(image, hole), **_command(image, hole)}))
    return 0


def volume(side: int, slices: int, order: Literal["F", "C"]) -> tuple[np.ndarray, np.ndarray]:
    """A noisy cylinder in HU (int16) and a hole (uint8) in the middle of it."""
    rng = np.random.default_rng(0)
    i, j = np.ogrid[:side, :side]
    body = np.hypot(i - side / 2, (j - side / 2) / 1.3) < 0.35 * side
    flat = np.where(body, 40, -1000) + rng.normal(0, 20, (side, side))
    image = np.empty((side, side, slices), np.int16, order=order)
    image[...] = np.rint(flat)[..., None]
    hole = np.empty(image.shape, np.uint8, order=order)
    hole[...] = 0  # written, so that the memory is really there, as it is after reading a file
    hole[tuple(slice((n - h) // 2, (n + h) // 2) for n, h in zip(image.shape, HOLE, strict=True))] = 1
    return image, hole


def _in_process(image: np.ndarray, hole: np.ndarray) -> dict[str, Any]:
    filler = Filler("ct")
    seconds: list[float] = []
    for _ in range(CALLS + 1):
        start = time.perf_counter()
        fill = filler(image, hole)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    _ = fill.image
    made = time.perf_counter()
    _ = fill.report
    reported = time.perf_counter()
    return {
        "call": seconds[1:],
        "image": made - start,
        "report": reported - made,
        "peak_mb": _peak_mb(),
        "input_mb": (image.nbytes + hole.nbytes) / 1024**2,
    }


def _command(image: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    """What the command line's own report says of it; files are written in Fortran order whatever the array's."""
    if not image.flags.f_contiguous:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        source, marked, output, report = (Path(folder) / name for name in ("i.nii", "h.nii", "o.nii", "r.json"))
        write_image(Image(image, np.eye(4)), source)
        write_image(Image(hole, np.eye(4)), marked)
        words = [*monai_inpaint(), "fill", source, marked, output, "--bundle", "ct", "--report", report]
        said_by([str(word) for word in words])
        seconds = json.loads(report.read_text(encoding="utf-8"))["seconds"]
    return {"command_fill": seconds["fill"], "command_write": seconds["write"]}


def _peak_mb() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main())
