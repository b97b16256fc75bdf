"""Run every method on every case of a data list, measure, and write tables and pictures."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import GREY_RANGE, EvaluationCase
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.evaluation.facts import facts_of
from monai_inpaint.evaluation.gain_charts import gain_charts
from monai_inpaint.evaluation.image_region import reduced
from monai_inpaint.evaluation.measure import measure, seen_of
from monai_inpaint.evaluation.protocol_interface import Gallery, Method, Protocol
from monai_inpaint.evaluation.protocol_table import find_protocol
from monai_inpaint.evaluation.summary import Result, Summary
from monai_inpaint.evaluation.tables import skipped_csv, summary_markdown
from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import hole_of
from monai_inpaint.io import check_output, read_image
from monai_inpaint.io.atomic import staged
from monai_inpaint.reports import comparison_page

if TYPE_CHECKING:
    from monai_inpaint.metrics.lpips import Lpips
    from monai_inpaint.metrics.paired_classifier import HoleFeatures

logger = logging.getLogger(__name__)


class PerceptualMeasures(NamedTuple):
    """Perceptual measures of fills, by a network for photographs."""

    lpips: Lpips
    features: HoleFeatures


def evaluate(
    data: str | Path,
    protocol: str,
    methods: Sequence[str],
    output: str | Path,
    *,
    split: str | None = None,
    source: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    features: str | Path | None = None,
    engine: str = "auto",
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Compare methods on the images of a data list.

    Writes into the folder `output`, which appears complete or not at all: cases.csv, summary.csv, skipped.csv,
    summary.md and index.html with the best, median and worst cases.

    Args:
        data: CSV with the column `path`, see `read_data_list`.
        protocol: "cxr-centre", "cxr-patch", "cxr-lungs", "slice-square", "free-form", "lesion", "ellipsoid" or "metal".
        methods: "ring", "telea", "navier-stokes", "biharmonic", and names of or paths to bundles; with ":sample" after
            it a bundle fills with one sample of this seed. Of the protocol "metal": "none" and the methods of `metal`.
        output: a folder that does not exist yet or is empty.
        split, source, modality: keep only rows of the list with this value.
        seed: of the protocol, of samples, and of the order of images with `limit`.
        limit: at most so many usable images, drawn with the seed.
        features: safetensors file with SqueezeNet 1.1 features; if given, LPIPS and the share of fills that a
            classifier recognises are measured. Not for the protocol "metal".
        engine: for the bundles.
        overwrite: an existing folder may be replaced.
        progress: is called with (images done, images in all).

    Raises:
        InputError: the list, a name, the output or every single image is at fault. An image that cannot be used, and
            a method that fails on one, do not end the run; the summary names them.
    """
    output = Path(output)
    check_output(output, overwrite=overwrite, sources=[data])
    if seed < 0:
        raise InputError(f"The seed {seed} is negative; give 0 or more.")
    chosen = find_protocol(protocol)
    if features is not None and not chosen.features:
        raise InputError(f"Protocol {chosen.name} measures no LPIPS; leave the features out.")
    entries = entries_for(chosen, data, split, source, modality)
    waiting = in_order(entries, limit, seed)
    total = min(limit or len(waiting), len(waiting))
    perceptual = perceptual_measures(features)
    compared = chosen.methods(methods, engine, seed)
    shown = modalities_of(compared, chosen)

    results: list[Result] = []
    skipped: list[tuple[str, str]] = []
    gallery = chosen.gallery()
    used: list[Entry] = []
    for looked_at, entry in enumerate(waiting):
        if len(used) == limit:
            break
        if progress:
            progress(len(used) if limit else looked_at, total)
        cases = cases_of(entry, chosen, shown, seed, skipped)
        used += [entry] if cases else []
        results += [result_of(case, each, chosen, perceptual, gallery) for case in cases for each in compared]
    if progress:
        progress(total, total)
    if not results:
        raise InputError(f"{data}: no image could be used; the first: {': '.join(skipped[0])}")

    found = {(r.case, r.variant): r.patient for r in results}
    counts = f"{len(found)} of {len(set(found.values()))} patients, from {len(used)} images of the list"
    facts = facts_of(
        chosen,
        compared,
        seed=seed,
        data=Path(data).name,
        selection={"split": split, "source": source, "modality": modality, "limit": str(limit) if limit else None},
        counts=counts,
        engine=engine,
        features=Path(features).name if features else None,
    )
    names, classical = [c.name for c in compared], [c.name for c in compared if c.classical]
    summary = Summary(facts, results, names, classical, skipped, output)

    def again(wanted: set[str]) -> Iterator[EvaluationCase]:
        for entry in used:
            if any(name.startswith(entry.name) for name in wanted):
                yield from cases_of(entry, chosen, shown, seed, [])

    summary = replace(summary, shown=gallery.pictures(summary, again), tables=chosen.tables(summary))
    with staged(output, folder=True, overwrite=overwrite) as folder:
        _write(summary, chosen, folder)
    return summary


def entries_for(
    protocol: Protocol, data: str | Path, split: str | None, source: str | None, modality: str | None
) -> list[Entry]:
    """Read the rows of a data list that a protocol is for, or that state no modality.

    Raises:
        InputError: the list is invalid, or has no usable image.
    """
    entries = read_data_list(data, split=split, source=source, modality=modality)
    fitting = [entry for entry in entries if entry.kind is None or entry.kind in protocol.modalities]
    if not fitting:
        wanted = " or ".join(protocol.modalities)
        raise InputError(f"{data}: protocol {protocol.name} is for {wanted}, and the list contains no such image.")
    return fitting


def cases_of(
    entry: Entry,
    protocol: Protocol,
    shown: Sequence[str],
    seed: int,
    skipped: list[tuple[str, str]],
    largest: int | None = None,
) -> list[EvaluationCase]:
    """Make the cases of one entry; what does not fit goes to `skipped` with its reason.

    Args:
        entry: of a data list.
        protocol: cuts the cases.
        shown: the modalities of the methods' bundles: other images are left out for all methods, so that all have the
            same cases.
        seed: of the evaluation.
        skipped: is extended by name and reason.
        largest: pixels a side that 2D images are reduced to at most, before they are cut; None: as they are.
    """
    try:
        image = read_image(entry.path)
        modality = protocol.modality_of(entry, image)
        if modality is None:
            raise InputError("the modality is not known; add the column 'modality' with CR, CT or MR.")
        if modality not in protocol.modalities:
            raise InputError(f"it is {modality}, protocol {protocol.name} is for {' or '.join(protocol.modalities)}.")
        if modality not in shown:
            raise InputError(f"it is {modality}, the bundles among the methods are for {' or '.join(shown)}.")
        lesion = lesion_of(entry, image) if protocol.lesions else None
        if largest:
            image, lesion = reduced(image, lesion, largest)
        cases, reasons = protocol.cases(
            image, lesion, modality=modality, name=entry.name, patient=entry.patient, seed=seed
        )
    except InputError as error:
        cases, reasons = [], [str(error).removeprefix(str(entry.path)).lstrip(": ")]
    skipped.extend((entry.name, reason) for reason in reasons)
    return cases


def lesion_of(entry: Entry, image: Image) -> np.ndarray | None:
    """Return the mask of the entry's lesion as a boolean array on the image's grid; None where the list names none.

    Raises:
        InputError: the mask cannot be read, or does not fit the image.
    """
    if entry.lesion is None:
        return None
    return align_hole(hole_of(read_image(entry.lesion), "*"), image).voxels  # all lesions, whatever their labels


def result_of(
    case: EvaluationCase,
    method: Method,
    protocol: Protocol | None = None,
    perceptual: PerceptualMeasures | None = None,
    gallery: Gallery | None = None,
) -> Result:
    """Run a method on a case and measure; an exception of the method becomes the result's error.

    Args:
        case: with the truth.
        method: to run.
        protocol: measures; None: the measures of fills.
        perceptual: measures LPIPS and keeps the features for the classifier.
        gallery: collects the outputs of the methods.
    """
    start = time.perf_counter()
    try:
        output = method.fill(case)
        seconds = time.perf_counter() - start
        lpips = perceptual.lpips if perceptual else None
        figures = protocol.measure(case, output, lpips) if protocol else measure(case, output, lpips)
        features = perceptual.features.difference(*seen_of(case, output), GREY_RANGE) if perceptual else None
    except Exception as error:  # whatever a method raises is its result on this case, and is reported as such
        logger.exception("%s failed on %s (%s)", method.name, case.name, case.variant)
        return Result.of(case, method.name, time.perf_counter() - start, {}, f"{type(error).__name__}: {error}")
    if gallery is not None:
        gallery.add(case, method.name, output)
    return Result.of(case, method.name, seconds, figures, features=features)


def _write(summary: Summary, protocol: Protocol, folder: Path) -> None:
    (folder / "cases.csv").write_text(protocol.cases_csv(summary), encoding="utf-8")
    (folder / "summary.csv").write_text(protocol.summary_csv(summary), encoding="utf-8")
    (folder / "skipped.csv").write_text(skipped_csv(summary), encoding="utf-8")
    (folder / "summary.md").write_text(summary_markdown(summary), encoding="utf-8")
    page = comparison_page(
        f"Evaluation: {summary.facts['protocol']}, seed {summary.facts['seed']}",
        summary.shown,
        facts=summary.facts,
        tables=summary.tables,
        charts=gain_charts(summary),
    )
    (folder / "index.html").write_text(page, encoding="utf-8")


def modalities_of(methods: Sequence[Method], protocol: Protocol) -> tuple[str, ...]:
    """The modalities that the protocol and every bundle among the methods are for.

    Raises:
        InputError: there is none.
    """
    networks = [method for method in methods if not method.classical]
    shared = tuple(kind for kind in protocol.modalities if all(kind in network.modalities for network in networks))
    if not shared:
        named = ", ".join(f"{network.name} ({', '.join(network.modalities)})" for network in networks)
        wanted = ", ".join(protocol.modalities)
        raise InputError(
            f"the bundles {named} and the protocol {protocol.name} ({wanted}) are not for the same images; evaluate "
            "them one after another."
        )
    return shared


def perceptual_measures(features: str | Path | None) -> PerceptualMeasures | None:
    """Load the image network of LPIPS and the classifier; None without features.

    Raises:
        InputError: the file is missing or damaged, or a package is.
    """
    if features is None:
        return None
    try:
        from monai_inpaint.metrics.lpips import Lpips
        from monai_inpaint.metrics.paired_classifier import HoleFeatures
    except ModuleNotFoundError as error:
        raise InputError(f"LPIPS needs the package {error.name}; install it or leave the features out.") from error
    return PerceptualMeasures(Lpips(features), HoleFeatures(features))
