"""`monai-inpaint difference IMAGE OUTPUT`."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.commands.arguments import path_text
from monai_inpaint.commands.fill import add_model_arguments
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.progress import Progress, make_progress

if TYPE_CHECKING:
    from monai_inpaint.jobs.outputs import Job, Target

NAME = "difference"
HELP = "Map where an image is not as its surroundings lead to expect."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=path_text, metavar="IMAGE", help="image file, or a folder with one DICOM series")
    parser.add_argument(
        "output", type=path_text, metavar="OUTPUT", help="where to write the map (float32: NIfTI, NRRD, MHA, TIFF)"
    )
    parser.add_argument(
        "--boxes", type=path_text, metavar="PATH", help="write boxes around what stands out, with scores, as CSV"
    )
    parser.add_argument(
        "--report", type=path_text, metavar="PATH", help="write what was done as JSON (file names, no patient data)"
    )
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="existing outputs may be replaced (never an input)")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.outputs import report_target, table_target, units_target

    output = units_target(args.output)
    boxes = table_target(args.boxes) if args.boxes else None
    report = report_target(args.report) if args.report else None
    progress = make_progress(args.progress)
    try:
        _run(args, Path(args.image), output, boxes, report, progress)
    finally:
        progress.clear()
    return DONE


def _run(
    args: argparse.Namespace, source: Path, output: Target, boxes: Target | None, report: Target | None, told: Progress
) -> None:
    from monai_inpaint.anomaly import abnormality, candidates, write_candidates
    from monai_inpaint.io import write_image
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded
    from monai_inpaint.jobs.fill_image import Fillers
    from monai_inpaint.jobs.outputs import check_holds, check_targets, write_together

    check_targets([target for target in (output, boxes, report) if target], [source], overwrite=args.overwrite)
    start = time.perf_counter()
    told("read", 0, 1)
    fork_reader(source)
    image = read_image_guarded(source)
    check_holds(output, image)
    if boxes and image.voxels.ndim != 2:
        raise InputError(f"{source} is a volume, and --boxes are of films and single slices; leave it out.")
    read = time.perf_counter()
    told("read", 1, 1)
    filler = Fillers(args.bundle, args.engine).of(image)
    found = abnormality(filler, image, told.stage("search"))
    writing = time.perf_counter()
    derived = {
        "description": "Abnormality map by monai-inpaint",
        "model": f"{filler.bundle.name} {filler.bundle.version}",
        "version": found.report["versions"]["monai_inpaint"],
    }
    units = image.map_of(found.map, image.modality)  # the source's scaling is not the map's
    jobs: list[Job] = [(output, lambda place: write_image(units, place, derived=derived))]
    if boxes:
        jobs.append((boxes, lambda place: write_candidates(candidates(found.map), source.name, place)))
    if report:

        def write_report(place: Path | str) -> None:
            now = time.perf_counter()
            seconds = {"read": read - start, **found.report["seconds"], "write": now - writing, "total": now - start}
            files = {"image": source.name, "output": output.path.name}
            Path(place).write_text(
                _json({**found.report, "files": files, "seconds": seconds}), encoding="utf-8", errors="backslashreplace"
            )

        jobs.append((report, write_report))
    told("write", 0, 1)
    write_together(jobs, overwrite=args.overwrite)
    told("write", 1, 1)


def _json(report: dict[str, Any]) -> str:
    times = {stage: round(value, 4) for stage, value in report["seconds"].items()}
    return json.dumps({**report, "seconds": times}, indent=2, ensure_ascii=False) + "\n"
