"""Belli et al. 2018, section 4.2: patches of the lungs (Table 1), and the difference where a finding is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.published.measured import by_patient, counts, failures, figure, mean, measured, methods_for, psnr_over
from benchmarks.published.papers import BELLI, MARK, OTHER_DATA
from benchmarks.published.training_cost import EFFORT_HEADING, EFFORT_NOTES, effort_cells
from benchmarks.resampled import resampled
from benchmarks.setting import Options, markdown
from monai_inpaint.datasets import FindingBox, is_healthy, read_boxes
from monai_inpaint.datasets.listing import UNHEALTHY
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.evaluation.lung_patches import LUNGS, OFF, ON
from monai_inpaint.evaluation.protocol_table import find_protocol
from monai_inpaint.io import read_image
from monai_inpaint.synthesis.holes import draw_boxes

SOURCE = "nih"
PROTOCOL = "cxr-lungs"
MEASURES = ("psnr", "mse", "ssim")
BUNDLES = ("cxr_context_encoder_patches", "cxr", f"cxr{SAMPLE}")
REGION = (
    "region: inside the hole, 0-255 of the 8-bit film, averaged over images (mean ± standard deviation, PSNR too); "
    "SSIM Gaussian 11 wide on the full image, averaged over the hole's pixels"
)


def patch_tables(options: Options) -> Iterator[str]:
    """Two tables: patches, and the difference on findings.

    Raises:
        InputError: a method of `options.methods`, the boxes, or what a bundle tells of its training is at fault.
    """
    boxes: dict[str, list[FindingBox]] = {}
    for box in read_boxes(options.boxes) if options.boxes else []:
        boxes.setdefault(box.image, []).append(box)
    methods, missing = methods_for("cxr", (*BUNDLES, *METHODS), options)
    healthy, boxed = _films(options, boxes)
    unfit: list[str] = []
    summary = measured(_patches((*healthy, *boxed), boxes, options.seed, unfit), methods)
    facts = [
        f"data: {options.data.name if options.data else ''}, split {options.split}, source {SOURCE}, seed "
        f"{options.seed}; healthy: {counts(summary, LUNGS, 'patches')} whose note says that there is no finding; "
        f"unhealthy: {counts(summary, ON, 'patches')} with boxes of findings "
        f"({options.boxes.name if options.boxes else 'none given'}); other films are left out",
        f"protocol {PROTOCOL}: {find_protocol(PROTOCOL).hole}",
        *_about([box for entry in boxed for box in boxes[entry.path.name]]),
    ]
    lost = [*missing, *unfit, *failures(summary)]
    if not summary.results:
        lost.append("not measured: the list contains no such films, or none of the methods is for them")
    yield _patch_table(summary, [*facts, *EFFORT_NOTES, *lost], options)
    yield _difference_table(summary, [*facts, *lost], options)


def box_mask(shape: Sequence[int], boxes: Sequence[FindingBox]) -> np.ndarray:
    """The boxes in a film of (rows, columns), as a boolean array."""
    found = [(np.rint((box.y, box.x)), np.rint((box.y + box.h, box.x + box.w))) for box in boxes]
    corners = [np.clip(box, 0, shape).astype(int).tolist() for box in found]
    return draw_boxes(shape, boxes=corners)


def _films(options: Options, boxes: dict[str, list[FindingBox]]) -> tuple[list[Entry], list[Entry]]:
    """The healthy films of the split, and those with boxes, at most `options.limit` of each.

    Data lists have unhealthy images in a split of their own; what either holds is chosen by note and boxes.
    """
    assert options.data is not None
    try:
        entries = read_data_list(options.data, source=SOURCE, modality="cxr")
    except InputError:  # the list holds no such film
        return [], []
    fitting = [e for e in entries if options.split in (None, e.split.removesuffix(UNHEALTHY))]

    def chosen(wanted: Callable[[Entry], bool]) -> list[Entry]:
        return in_order([entry for entry in fitting if wanted(entry)], options.limit, options.seed)[: options.limit]

    return (
        chosen(lambda entry: is_healthy(entry.note) and entry.path.name not in boxes),
        chosen(lambda entry: entry.path.name in boxes),
    )


def _patches(
    films: Sequence[Entry], boxes: dict[str, list[FindingBox]], seed: int, unfit: list[str]
) -> Iterator[EvaluationCase]:
    """The cases of the films; a line for each film without them goes to `unfit`."""
    for entry in films:
        film = read_image(entry.path)
        finding = box_mask(film.voxels.shape, boxes[entry.path.name]) if entry.path.name in boxes else None
        cases, reasons = find_protocol(PROTOCOL).cases(
            film, finding, modality="cxr", name=entry.name, patient=entry.patient, seed=seed
        )
        unfit += [f"left out: {entry.name}: {reason}" for reason in reasons]
        yield from cases


def _about(boxes: Sequence[FindingBox]) -> list[str]:
    if not boxes:
        return []
    wide, high = median(box.w for box in boxes), median(box.h for box in boxes)
    labels = ", ".join(sorted({box.label for box in boxes}))
    return [
        f"boxes: {len(boxes)} of {labels}, {wide:.0f}x{high:.0f} pixels (median); patches are 128x128, so the "
        "surroundings of a hole may show the finding too; the paper's 33 unhealthy patches were chosen by hand, with "
        "the finding in the middle"
    ]


def _patch_table(summary: Summary, facts: list[str], options: Options) -> str:
    best = summary.best_classical(LUNGS)
    published = [BELLI[group][measure] for group in ("healthy", "unhealthy") for measure in MEASURES]
    rows = [[f"{MARK}context encoder", *published, "", *[""] * len(EFFORT_HEADING)]]
    rows += [
        [
            Path(name).name,
            *(figure(summary, name, measure, variant) for variant in (LUNGS, ON) for measure in MEASURES),
            psnr_over(summary, name, best, LUNGS, options.seed),
            *effort_cells(summary, name),
        ]
        for name in summary.methods
        if summary.of(name)
    ]
    notes = [
        f"{OTHER_DATA}. Theirs: 880 healthy and 33 unhealthy patches of ChestX-ray14; trained for 90 epochs of "
        "1,189,572 patches",
        *facts,
        REGION,
        "PSNR over the best classical fill: on healthy films, mean over patients of the paired differences, in "
        f"brackets 95 % of resamplings of the patients; {SAMPLE} is one sample in place of the best estimate",
    ]
    heading = [
        "method", *(f"{group}: {name}" for group in ("healthy", "unhealthy") for name in ("PSNR dB", "MSE", "SSIM")),
        f"PSNR dB over {best or 'the best classical'}", *EFFORT_HEADING,
    ]  # fmt: skip
    return markdown("Patches of lungs, as Table 1 of Belli et al. 2018", heading, rows, notes)


def _difference_table(summary: Summary, facts: list[str], options: Options) -> str:
    def less(one: Sequence[float], other: Sequence[float]) -> float:
        return mean(one) - mean(other)

    rows = []
    for name in summary.methods:
        lungs, on, off = (by_patient(summary, name, "mae", variant) for variant in (LUNGS, ON, OFF))
        paired = [on[patient] - off[patient] for patient in on if patient in off]
        groups = [list(on.values()), list(lungs.values())]
        rng = np.random.default_rng(options.seed)
        rows.append(
            [
                Path(name).name,
                *(f"{mean(list(group.values())):.2f}" if group else "-" for group in (lungs, on, off)),
                resampled(less, groups, rng, "+.2f"),
                resampled(mean, [paired], rng, "+.2f"),
            ]
        )
    notes = [
        "is the difference larger where the finding is? Mean |source - filled| in the hole, 0-255; means of patients, "
        "in brackets 95 % of resamplings of the patients (with so few films, too narrow)",
        f"off the finding: {counts(summary, OFF, 'patches')}, of the same films, that show no part of a box",
        f"published, other data: MSE {BELLI['unhealthy']['mse']} on findings and {BELLI['healthy']['mse']} in healthy "
        "patches, by one context encoder; the paper shows the difference itself only in pictures",
        *facts,
    ]
    heading = [
        "method", "healthy films", "on the finding", "off the finding", "on less healthy", "on less off, same films",
    ]  # fmt: skip
    return markdown("The difference where a finding is, after Belli et al. 2018", heading, rows, notes)
