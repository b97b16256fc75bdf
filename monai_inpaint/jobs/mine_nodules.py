"""Hard-example mining (Shen et al. 2022, section III-D): choose nodules to make, like those a detector misses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_inpaint.datasets.boxed_images import read_detections, read_truth
from monai_inpaint.datasets.named_images import stem_of
from monai_inpaint.detection.mining import NoduleDraw, borne, digest_of, draw_missed, histogram, write_outline
from monai_inpaint.detection.missed import nodules_of
from monai_inpaint.detection.score import score
from monai_inpaint.errors import InputError
from monai_inpaint.io.atomic import staged
from monai_inpaint.io.isolated import read_image_guarded
from monai_inpaint.jobs.synthesize_nodules import NoduleJob
from monai_inpaint.progress import Progress

MINED, OUTLINES = "mining.json", "outlines"


@dataclass(frozen=True)
class Plan:
    """Nodules to synthesise like the missed ones, and what to report on them.

    Attributes:
        jobs: one for each image.
        nodules: digest of those that jobs are drawn from; a resumed run must have the same.
        message: message for the user: what is missed, and why no more images are made.
        content: of mining.json.
        draws: one for each job.
    """

    jobs: list[NoduleJob]
    nodules: str
    message: str
    content: dict[str, Any]
    draws: list[NoduleDraw]

    def write(self, folder: Path, progress: Progress) -> None:
        """Write mining.json, and the outlines that were chosen by their width over height."""
        with staged(folder / MINED, overwrite=True) as part:
            part.write_text(json.dumps(self.content, indent=2) + "\n", encoding="utf-8")
        for number, (job, draw) in enumerate(zip(self.jobs, self.draws, strict=True)):
            if isinstance(job.shape, Path) and draw.aspect is not None and not job.shape.exists():
                progress("outlines", number, len(self.jobs))
                job.shape.parent.mkdir(exist_ok=True)
                write_outline(draw.aspect, draw.seed, job.shape, job.engine)

    def remove(self, folder: Path) -> None:
        """Take away what `write` wrote."""
        (folder / MINED).unlink(missing_ok=True)
        shutil.rmtree(folder / OUTLINES, ignore_errors=True)


def plan_mining(
    detections: str,
    truth: str,
    images: Sequence[Path],
    folder: Path,
    progress: Progress,
    *,
    count: int,
    by: str = "diameter",
    iou: float = 0.2,
    seed: int = 0,
    pairs: bool = False,
    engine: str = "auto",
    bundle: str | None = None,
) -> Plan:
    """Read detections and truth, find the missed nodules, and draw new ones like them.

    Args:
        detections, truth: see `read_detections` and `read_truth`.
        images: without a nodule; they are taken in turn.
        folder: of the outputs.
        progress: of reading.
        count: images to make; fewer if there are too few real ones.
        by: "diameter", "density" or "shape": the attribute to draw as in missed nodules.
        iou: overlap that a hit exceeds.
        seed: of all random choices.
        pairs: write each image without its nodule, too.
        engine, bundle: of the jobs.

    Raises:
        InputError: see the readers and `draw_missed`; or only images or truth state a pixel size.
    """
    try:
        boxes = read_truth(truth, progress.stage("read"))
    finally:
        progress.clear()
    scored = score(boxes, read_detections(detections, boxes), iou=iou, resampled=0)
    nodules = nodules_of(scored)
    made, reason = borne(boxes, count)
    draws = draw_missed(nodules, made, by, seed)
    unit = nodules[0].unit
    if unit == "pixels":
        _check_no_spacing(images)
    jobs = [
        NoduleJob(
            image=images[number % len(images)],
            folder=folder,
            name=(name := f"{stem_of(images[number % len(images)].name)}_mined{number + 1:04d}"),
            place="lungs",
            diameters=(draw.diameter,),
            scaled=unit == "mm",
            shape="random" if draw.aspect is None else folder / OUTLINES / f"{name}.png",
            density="random" if draw.density is None else draw.density,
            seeds=(draw.seed,),
            pair=pairs,
            engine=engine,
            bundle=bundle,
        )
        for number, draw in enumerate(draws)
    ]
    missed = sum(not nodule.found for nodule in nodules)
    bins = histogram(nodules)
    lines = [
        f"{missed} of {len(nodules)} nodules are missed at 0.25 false positives per image (scores below "
        f"{scored.threshold:.4g}, IoU {iou:g}).",
        f"Missed of all, by diameter in {unit}: "
        + ", ".join(f"{low:g}-{high:g}: {some} of {every}" for low, high, some, every in bins)
        + ".",
        *([f"Stopped at {made}: {reason}."] if reason else []),
    ]
    content = {
        "iou": iou,
        "threshold": scored.threshold if abs(scored.threshold) != float("inf") else None,
        "nodules": len(nodules),
        "missed_diameters": [round(nodule.diameter, 4) for nodule in nodules if not nodule.found],
        "unit": unit,
        "histogram": [dict(zip(("from", "to", "missed", "all"), one, strict=True)) for one in bins],
        "by": by,
        "asked_for": count,
        "drawn": [[draw.diameter, draw.density, draw.aspect] for draw in draws],
        "stopped": reason,
    }
    return Plan(jobs, digest_of(nodules), "\n".join(lines), content, draws)


def _check_no_spacing(images: Sequence[Path]) -> None:
    for path in images:
        if read_image_guarded(path).spacing:
            raise InputError(
                f"{path} states its pixel size, and the images of the truth do not, so diameters of missed nodules are "
                "known in pixels only; give images without it, or a truth with it."
            )
