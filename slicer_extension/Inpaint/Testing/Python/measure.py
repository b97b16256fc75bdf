"""`.venv-slicer/bin/python slicer_extension/Inpaint/Testing/Python/measure.py [--runs N]`

From Apply to the result on a head of 256x256x180 voxels with a ball of 3 cm, against the command by itself, by turns;
and the longest call on the main thread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import conftest
import Inpaint
import numpy as np
import slicer
from InpaintLib.environment import Environment
from InpaintLib.nifti import write_nifti
from InpaintLib.regions import catch_point
from InpaintLib.volumes import catch_volume
from scene import add_point, add_volume

SHAPE, SPACING = (256, 256, 180), (0.8, 0.8, 1.0)
CENTRE, RADIUS = np.array([-35.0, -20.0, 30.0]), 15.0
TICK = Inpaint.TICK_MS / 1000
# The brain of nilearn at the size wanted, with a bright ball drawn into it.
_HEAD = """
import sys, numpy as np
from nilearn.datasets import load_mni152_template
from nilearn.image import resample_img
shape, spacing, centre, radius = (eval(word) for word in sys.argv[2:6])
affine = np.diag([*spacing, 1.0])
affine[:3, 3] = (-102, -134, -80)
head = resample_img(load_mni152_template(1), affine, shape, "linear", force_resample=True, copy_header=True).get_fdata()
head *= 1000 / head.max()
where = np.stack(np.indices(shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
head[np.linalg.norm(where - centre, axis=-1) <= radius - 2] += 450
np.savez(sys.argv[1], voxels=np.ascontiguousarray(head.T.astype(np.int16)), affine=affine)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    python = os.environ.get("INPAINT_PYTHON", str(conftest.ROOT / ".venv" / "bin" / "python"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        words = [str(place / "head.npz"), str(SHAPE), str(SPACING), str(CENTRE.tolist()), str(RADIUS)]
        subprocess.run([python, "-c", _HEAD, *words], check=True)
        with np.load(place / "head.npz") as head:
            volume = add_volume(head["voxels"], head["affine"], "head")
        widget = _widget(volume, Environment(python, place))
        commands, applied, shares = [], [], []
        for _ in range(args.runs):
            before = _of_the_processor()
            commands.append(_command(python, volume, place))
            between = _of_the_processor()
            applied.append(_apply(widget))
            shares.append((_of_the_processor() - between) / (between - before))
    seconds = [taken for taken, *_ in applied]
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"load average {load}, {os.cpu_count()} cores, {args.runs} runs by turns")
    print(f"the command by itself: median {median(commands):.2f} s, fastest {min(commands):.2f} s")
    print(f"from Apply to the result: median {median(seconds):.2f} s, fastest {min(seconds):.2f} s")
    print(f"ratio of medians {median(seconds) / median(commands):.2f}, of fastest {min(seconds) / min(commands):.2f}")
    print(f"ratio of the processor's time, all processes together: {', '.join(f'{share:.2f}' for share in shares)}")
    clock, processor = (np.concatenate([calls[n] for _, *calls, _ in applied]) * 1000 for n in (0, 1))
    print(f"{len(clock)} calls on the main thread: longest {clock.max():.1f} ms by the clock, of the processor's time "
          f"{processor.max():.1f} ms")  # fmt: skip
    print(f"loading the result: {max(loading for *_, loading in applied) * 1000:.0f} ms")
    return 0


def _widget(volume: Any, environment: Environment) -> Any:
    widget = Inpaint.InpaintWidget()
    widget.setup()
    widget.logic._where = environment
    node = widget._parameterNode
    node.inputVolume, node.region, node.bundle = volume, Inpaint.POINT, "mr"
    node.point, node.radius = add_point(CENTRE), RADIUS
    return widget


def _command(python: str, volume: Any, place: Path) -> float:
    """Seconds of the command on the same voxels, in files that are there already."""
    caught = catch_volume(volume)
    hole, where = catch_point(add_point(CENTRE), RADIUS).draw(caught)
    write_nifti(place / "image.nii", caught.voxels, caught.ijk_to_ras)
    write_nifti(place / "hole.nii", hole, where)
    words = ["fill", *(str(place / f"{name}.nii") for name in ("image", "hole", "out")), "--bundle", "mr"]
    start = time.perf_counter()
    subprocess.run([python, "-m", "monai_inpaint", *words, "--overwrite"], check=True)
    return time.perf_counter() - start


def _apply(widget: Any) -> tuple[float, list[float], list[float], float]:
    """Seconds from Apply to the shown result; of every call on the main thread, by the clock and of the processor's
    time; and of loading the result, which is not among them.
    """
    loading, accept = np.zeros(2), widget.logic.accept

    def timed(*args: Any) -> None:
        nonlocal loading
        start = _now()
        accept(*args)
        loading = _now() - start

    widget.logic.accept = timed
    begin = _now()
    widget.onApplyButton()
    calls = [_now() - begin]
    while len(widget.logic.queue):
        start, before = _now(), loading
        widget.onTick()
        calls.append(_now() - start - (loading - before))
        time.sleep(TICK)
    seconds = (_now() - begin)[0]
    widget.logic.accept = accept
    assert widget._parameterNode.filledVolume is not None, widget.ui.statusLabel.text
    return seconds, *np.transpose(calls), loading[0]


def _of_the_processor() -> float:
    """Seconds of the processor's time that this process and those it waited for have had."""
    return sum(os.times()[:4])


def _now() -> np.ndarray:
    """Seconds by the clock, and of the processor's time that this thread has had."""
    return np.array([time.perf_counter(), time.thread_time()])


if __name__ == "__main__":
    slicer.util.errorDisplay = lambda text, **_: print(text, file=sys.stderr)
    sys.exit(main())
