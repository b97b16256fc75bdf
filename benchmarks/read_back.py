"""What it costs that every file is read back before it gets its name: a CT of 300 slices in each format, and a film."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.deploy.studies import study
from benchmarks.setting import Options, markdown, monai_inpaint, said_by
from benchmarks.volume_case import volume
from monai_inpaint import Image, read_image, write_image
from monai_inpaint.io.read_back import check_saved

SLICES = 300
FORMATS = ("ct.nii", "ct.nii.gz", "ct.nrrd", "ct.mha", "series", "film.png")


def run(options: Options) -> str:
    """The table; seconds by the clock of reading back what was written, and of the command that wrote it."""
    side, slices = (64, 8) if options.tiny else (512, SLICES)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder, side, slices)
        for source in FORMATS:
            shares, backs, totals = [], [], []
            for _ in range(options.repeats(5)):
                total, back = _command(folder, source), _read_back(folder / source)
                shares.append(back / (total - back))
                backs.append(back)
                totals.append(total)
            cells = [f"{median(backs):.2f}", f"{median(totals):.2f}", f"{100 * median(shares):.0f} %"]
            rows.append([source.replace("series", f"DICOM, {slices} files"), *cells])
    notes = [
        f"CT of {side}x{side}x{slices}, int16 (DICOM: uint16), noise that hardly packs, a hole of 40x40x20; "
        f"a film of {side}x{side} with a hole of 32x32",
        "`monai-inpaint fill`, a new process each time, by its report without the start of Python; medians",
        "share: of what the command takes without reading back; target: at most 15 % for the CT, 10 % for the film",
    ]
    heading = ["file", "reading back, s", "command, s", "share"]
    return markdown("Reading back", heading, rows, notes)


def _make(folder: Path, side: int, slices: int) -> None:
    image, hole = volume(side, slices, "F")
    place = np.diag([-0.8, -0.8, 1.5, 1.0])
    for name in FORMATS[:4]:
        write_image(Image(image, place), folder / name)
        write_image(Image(hole, place), folder / f"hole_of_{name}.nii.gz")
    study(folder / "study", "1.2.3", hole.transpose(2, 1, 0).astype(bool))
    (folder / "study" / "ct").rename(folder / "series")
    (folder / "study" / "seg.dcm").rename(folder / "hole_of_series.dcm")
    film = np.random.default_rng(0).integers(0, 60000, (side, side), dtype=np.uint16)
    marked = np.zeros(film.shape, np.uint8)
    marked[side // 2 : side // 2 + min(side // 4, 32), side // 2 : side // 2 + min(side // 4, 32)] = 255
    write_image(Image(film), folder / "film.png")
    write_image(Image(marked), folder / "hole_of_film.png")


def _command(folder: Path, source: str) -> float:
    hole = next(folder.glob(f"hole_of_{source.removesuffix('.png')}*"))
    output, report = folder / f"out_{source}", folder / "report.json"
    bundle = "cxr" if source.endswith("png") else "ct"
    words = [*monai_inpaint(), "fill", folder / source, hole, output, "--bundle", bundle, "--report", report]
    said_by([str(word) for word in (*words, "--overwrite")])
    return json.loads(report.read_text(encoding="utf-8"))["seconds"]["total"]


def _read_back(source: Path) -> float:
    """What reading back takes where the output is the source itself, which is of the same size."""
    image = read_image(source)
    start = time.perf_counter()
    check_saved(image, source, source, read_image)
    return time.perf_counter() - start
