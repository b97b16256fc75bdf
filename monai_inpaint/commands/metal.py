"""`monai-inpaint metal IMAGE OUTPUT`."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.commands.arguments import path_text
from monai_inpaint.commands.fill import add_model_arguments, add_results_argument, add_segment_argument
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE
from monai_inpaint.io.provenance import derivation_of
from monai_inpaint.progress import Progress, make_progress
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.jobs.outputs import Job, Target
    from monai_inpaint.metal.detect_ct import Found

NAME = "metal"
HELP = "Find metal in a CT or MR and take its artifacts out."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=path_text, metavar="IMAGE", help="image file, or a folder with one DICOM series")
    parser.add_argument(
        "output", type=path_text, metavar="OUTPUT", help="where to write, format by suffix; folder: DICOM series"
    )
    parser.add_argument(
        "--method", metavar="NAME", help="network, nmar, li or inpaint (default: network for CT with ASTRA)"
    )
    parser.add_argument(
        "--metal", choices=("keep", "fill"), default="keep", help="keep the metal's own voxels, or fill in tissue"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="HU",
        help="everything in the patient from here on is metal (default: judged)",
    )
    parser.add_argument("--region", type=path_text, metavar="HOLE", help="hole: only what it marks may change")
    add_segment_argument(parser)
    add_results_argument(parser)
    parser.add_argument(
        "--find-only", action="store_true", help="write a label map: 1 metal, 2 affected, in MR 3 what may be metal"
    )
    parser.add_argument(
        "--report", type=path_text, metavar="PATH", help="write what was done as JSON (file names, no patient data)"
    )
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="existing outputs may be replaced (never an input)")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.outputs import image_target, report_target, results_target

    if args.find_only and args.dicom_results:
        raise InputError("--find-only changes nothing, so there are no results; leave out one of both.")
    if args.segment is not None and not args.region:
        raise InputError("--segment chooses from what --region holds; name a region, or leave it out.")
    target = results_target if args.dicom_results else image_target
    output = _label_target(args.output) if args.find_only else target(args.output)
    report = report_target(args.report) if args.report else None
    progress = make_progress(args.progress)
    try:
        facts = _run(args, output, report, progress)
    finally:
        progress.clear()
    for sentence in (facts.get("verdict"), *facts["found"]["warnings"]):
        if sentence:
            print(sentence)
    print(f"{output.path} is computed, not measured: compare it with the original. Research use only.")
    return DONE


def _run(args: argparse.Namespace, output: Target, report: Target | None, told: Progress) -> dict[str, Any]:
    """Reads, finds, reduces and writes; returns the report."""
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded
    from monai_inpaint.jobs.outputs import check_holds, check_targets, write_together
    from monai_inpaint.metal.reduce import find

    source, region = Path(args.image), Path(args.region) if args.region else None
    inputs = [path for path in (source, region) if path]
    check_targets([target for target in (output, report) if target], inputs, overwrite=args.overwrite)
    start = time.perf_counter()
    told("read", 0, 1)
    fork_reader(source)
    image = _with_modality(read_image_guarded(source), args.bundle)
    check_holds(output, image)
    seconds = {"read": time.perf_counter() - start}
    told("read", 1, 1)
    finding = time.perf_counter()
    found = find(image, args.threshold, told.stage("find"))
    seconds["find"] = time.perf_counter() - finding
    _check_found(found, source, only=args.find_only)
    names = {"image": source.name, "output": output.path.name}
    if args.find_only:
        job, facts = _labels(image, found, output)
    else:
        job, facts = _reduced(args, image, found, region, output, told)
        names |= {"region": region.name} if region else {}
    jobs: list[Job] = [job]
    writing = time.perf_counter()
    if report:

        def write_report(place: Path | str) -> None:
            now = time.perf_counter()
            times = {**facts.get("seconds", {}), **seconds, "write": now - writing, "total": now - start}
            rounded = {stage: round(value, 4) for stage, value in times.items()}
            whole = {**facts, "files": names, "seconds": rounded}
            Path(place).write_text(
                json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", errors="backslashreplace"
            )

        jobs.append((report, write_report))
    told("write", 0, 1)
    write_together(jobs, overwrite=args.overwrite)
    told("write", 1, 1)
    return facts


def _labels(image: Image, found: Found, output: Target) -> tuple[Job, dict[str, Any]]:
    """What writes the label map, and its report."""
    import numpy as np

    from monai_inpaint.fill.report import image_head
    from monai_inpaint.io import write_image

    labels = np.zeros(image.voxels.shape, np.uint8, order="F" if image.voxels.flags.f_contiguous else "C")
    labels[found.affected] = 2
    labels[found.perhaps] = 3
    labels[found.metal] = 1
    derived = {"description": "Metal found by monai-inpaint", "model": "monai-inpaint metal", "version": __version__}
    result = image.map_of(labels)
    return (output, lambda place: write_image(result, place, derived=derived)), {
        **image_head(image),
        "found": found.report(),
    }


def _reduced(
    args: argparse.Namespace, image: Image, found: Found, region: Path | None, output: Target, told: Progress
) -> tuple[Job, dict[str, Any]]:
    """What writes the corrected image, and its report."""
    from monai_inpaint.io import write_image
    from monai_inpaint.metal.reduce import reduce_metal
    from monai_inpaint.regions.read import read_hole

    reduced = reduce_metal(
        image,
        args.method,
        args.metal,
        args.threshold,
        read_hole(region, image, args.segment) if region else None,
        found=found,
        bundle=args.bundle,
        engine=args.engine,
        progress=told.stage("reduce"),
    )
    done = reduced.report

    def write(place: Path | str) -> None:
        if args.dicom_results:
            from monai_inpaint.dicom.results import write_results

            write_results(image, reduced.image, reduced.image.voxels != image.voxels, done, Path(place))
        else:
            write_image(reduced.image, place, derived=derivation_of(done))

    return (output, write), done


def _with_modality(image: Image, bundle: str | None) -> Image:
    """The image as one of the bundle's modality, where it does not tell its own."""
    if bundle is None or image.modality is not None:
        return image
    if bundle in ("ct", "mr"):
        return replace(image, modality=bundle)
    from monai_inpaint.registry import find_bundle

    modalities = find_bundle(bundle).modalities
    return replace(image, modality=modalities[0]) if len(modalities) == 1 else image


def _check_found(found: Found, source: Path, *, only: bool) -> None:
    """Refuse to write what would be the source again.

    Raises:
        InputError: no metal, nor with `only` anything that may be some.
    """
    if found.metal.any() or (only and found.perhaps.any()):
        return
    notes = " ".join([f"No metal was found in {source}, so nothing was written.", *found.warnings])
    raise InputError(notes)


def _label_target(text: str) -> Target:
    """An image file of any format but DICOM, which keeps labels in objects of another kind."""
    from monai_inpaint.io import suffix_of
    from monai_inpaint.jobs.outputs import HOLES, Target

    if suffix_of(text) not in HOLES:
        raise InputError(f"{text}: --find-only writes a label map there; choose one of {', '.join(HOLES)}.")
    return Target(Path(text))
