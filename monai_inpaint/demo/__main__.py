"""`python -m monai_inpaint.demo [--output demo]`: fill samples, print the path of the page with the pictures."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from monai_inpaint.commands.arguments import Parser, nonempty_path
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.io.atomic import staged

_ABOUT = "Fill regions of samples that come with installed packages or are computed. Research use only."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code of `monai-inpaint`."""
    parser = Parser("python -m monai_inpaint.demo", description=_ABOUT)
    parser.add_argument(
        "--output", type=nonempty_path, default="demo", metavar="DIR", help="where files and page go (default: demo)"
    )
    return exit_code_of(lambda: _run(parser.parse_args(argv).output.resolve()))


def _run(output: Path) -> int:
    from monai_inpaint.demo.demo_case import DemoFailedError, run_map, run_metal, run_sample
    from monai_inpaint.demo.demo_page import demo_page
    from monai_inpaint.demo.samples import samples

    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; name a folder for the demo.")
    print("Computing a chest film, reading a CT slice and an MR volume ...", flush=True)
    fills, metal = [], None
    try:
        for sample in samples():
            start = time.perf_counter()
            fills.append(run_sample(sample, output))
            voxels = fills[-1].report["hole"]["voxels"]
            seconds = time.perf_counter() - start
            print(f"{sample.name}: {voxels} voxels filled, {seconds:.1f} s -> {fills[-1].folder}", flush=True)
        film = next(shown.sample for shown in fills if shown.sample.painted)
        abnormal = run_map(film, output)
        print(f"{film.name}: abnormality mapped", flush=True)
        if find_spec("astra"):
            metal = run_metal(output)
        else:
            print("ct-metal: left out; it needs ASTRA (pip install 'monai-inpaint[metal]')", flush=True)
    except DemoFailedError as error:
        return error.code
    page = output / "index.html"
    with staged(page, overwrite=True) as place:
        place.write_text(demo_page(fills, abnormal, metal), encoding="utf-8")
    print(f"Look at the pictures: {page}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
