"""Belli et al. 2018, section 4.1: the middle of whole films."""

from __future__ import annotations

from pathlib import Path

from benchmarks.cases import cases_of
from benchmarks.published.measured import counts, failures, figure, measured, methods_for, psnr_over
from benchmarks.published.patches import MEASURES, REGION, SOURCE
from benchmarks.published.training_cost import EFFORT_HEADING, EFFORT_NOTES, effort_cells
from benchmarks.setting import Options, markdown
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.evaluation.protocol_table import find_protocol

PROTOCOL = "cxr-centre"
VARIANTS = ("all hidden", "ring visible")
IMAGES = 200
BUNDLES = ("cxr_context_encoder", "cxr_glcic", "cxr_partial_conv", "cxr", f"cxr{SAMPLE}")


def film_table(options: Options) -> str:
    """The table.

    Raises:
        InputError: a method of `options.methods`, or what a bundle tells of its training, is at fault.
    """
    methods, missing = methods_for("cxr", (*BUNDLES, *METHODS), options)
    summary = measured(cases_of(options, "cxr", PROTOCOL, IMAGES, source=SOURCE), methods)
    best = {variant: summary.best_classical(variant) for variant in VARIANTS}
    rows = [
        [
            Path(name).name,
            *(
                cell
                for variant in VARIANTS
                for cell in (
                    *(figure(summary, name, measure, variant) for measure in MEASURES),
                    psnr_over(summary, name, best[variant], variant, options.seed),
                )
            ),
            *effort_cells(summary, name),
        ]
        for name in summary.methods
        if summary.of(name)
    ]
    notes = [
        "the paper shows pictures of this experiment and no figures",
        f"data: {options.data.name if options.data else ''}, split {options.split}, source {SOURCE}, seed "
        f"{options.seed}; {counts(summary, VARIANTS[0], 'films')}, with findings or without (the paper's had none)"
        + (f"; at most {options.limit} films" if options.limit else ""),
        f"protocol {PROTOCOL}: {find_protocol(PROTOCOL).hole}",
        REGION,
        "PSNR over the best classical fill: mean over patients of the paired differences, in brackets 95 % of "
        "resamplings of the patients",
        *EFFORT_NOTES,
        *missing,
        *failures(summary),
    ]
    if not summary.results:
        notes.append("not measured: the list contains no such films")
    heading = [
        "method",
        *(
            f"{variant}: {name}"
            for variant in VARIANTS
            for name in ("PSNR dB", "MSE", "SSIM", f"PSNR dB over {best[variant] or 'the best classical'}")
        ),
        *EFFORT_HEADING,
    ]
    return markdown("Whole films, after Belli et al. 2018", heading, rows, notes)
