"""Armanious et al. 2019, Table I: one 64x64 square in slices of CT and MR."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from benchmarks.cases import COPIES, cases_of
from benchmarks.published.measured import counts, failures, figure, measured, methods_for, psnr_over
from benchmarks.published.papers import ARMANIOUS, MARK, OTHER_DATA
from benchmarks.published.training_cost import EFFORT_HEADING, EFFORT_NOTES, effort_cells
from benchmarks.setting import Options, markdown
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.evaluation.protocol_table import find_protocol

# Those that bundles were trained on: images without metal, in Hounsfield units where they are CT.
SOURCES = {"ct": ("tcga", "sarcoma"), "mr": ("figshare",)}
BEWARE = {
    "mr": "figshare does not identify its patients: every slice counts as one, so intervals are too narrow, and val "
    "may show patients of train"
}
DRAWS = {"ct": 4, "mr": 1}  # squares an image: there are few of CT
BASELINE = "ip_medgan"  # at the end of a bundle's name; the paper's own
PROTOCOL, VARIANT = "slice-square", "square"
MEASURES = ("ssim", "psnr", "mse", "uqi")
IMAGES = 200
WINDOWS = {"ct": "-1000 to 1000 HU", "mr": "the 0.5 to 99.5 percentiles of the known pixels"}
THEIRS = {"ct": "CT of the brain region of 10 volunteers", "mr": "T2 FLAIR MR of the heads of 11 patients"}
BUNDLES = {
    "ct": ("slices_context_encoder", "glcic", "medgan", "ip_medgan", "partial_conv", "ct", f"ct{SAMPLE}"),
    "mr": ("slices_context_encoder", "glcic", "medgan", "ip_medgan", "partial_conv", "mr", f"mr{SAMPLE}"),
}


def slice_tables(options: Options) -> Iterator[str]:
    """A table for CT, and one for MR.

    Raises:
        InputError: a method of `options.methods`, or what a bundle tells of its training, is at fault.
    """
    for modality in SOURCES:
        yield _table(modality, options)


def _table(modality: str, options: Options) -> str:
    methods, missing = methods_for(modality, (*BUNDLES[modality], *METHODS), options)
    cases = chain.from_iterable(
        cases_of(options, modality, PROTOCOL, IMAGES, source=source, draws=DRAWS[modality])
        for source in SOURCES[modality]
    )
    summary = measured(cases, methods)
    best = summary.best_classical(VARIANT)
    baseline = next((name for name in summary.methods if Path(name).name.endswith(BASELINE)), None)
    rows = [
        [f"{MARK}{name}", *(figures[measure] for measure in MEASURES), "", "", "100", "", "1440", "", "NVIDIA Titan X",
         *[""] * 3]
        for name, figures in ARMANIOUS[modality].items()
    ]  # fmt: skip
    rows += [
        [
            Path(name).name,
            *(figure(summary, name, measure, VARIANT) for measure in MEASURES),
            *(psnr_over(summary, name, other, VARIANT, options.seed) for other in (best, baseline)),
            *effort_cells(summary, name),
        ]
        for name in summary.methods
        if summary.of(name)
    ]
    notes = [
        f"{OTHER_DATA}. Theirs: {THEIRS[modality]} at 1 mm, slices scaled to 256x256; all trained for 200 epochs, 24 "
        "hours on average; about 100 ms a slice",
        f"data: {options.data.name if options.data else ''}, split {options.split}, sources "
        f"{', '.join(SOURCES[modality])}, seed {options.seed}; {counts(summary, VARIANT, 'squares')}"
        + (f"; {DRAWS[modality]} squares an image or volume" if DRAWS[modality] > 1 else "")
        + (f"; at most {options.limit} images a source" if options.limit else "")
        + (f"; without {COPIES}, which shows slices of train" if modality == "ct" else ""),
        *([BEWARE[modality]] if modality in BEWARE else []),
        f"protocol {PROTOCOL}: {find_protocol(PROTOCOL).hole}",
        "region: inside the hole, averaged over images (mean ± standard deviation); 0-255, the window mapped to it is "
        f"{WINDOWS[modality]}; SSIM Gaussian 11 wide, UQI 8x8, both on the full image, averaged over the hole's pixels",
        "UQI: the paper states neither block size nor region; ours is far lower for every fill, so it is probably not "
        "the same measure",
        "PSNR over another method: mean over patients of the paired differences, in brackets 95 % of resamplings of "
        f"the patients; {SAMPLE} is one sample in place of the best estimate",
        *EFFORT_NOTES,
        *missing,
        *failures(summary),
    ]
    if not summary.results:
        notes.append("not measured: the list contains no such images, or none of the methods is for them")
    heading = [
        "method", "SSIM", "PSNR dB", "MSE", "UQI", f"PSNR dB over {best or 'the best classical'}",
        "PSNR dB over ip-MedGAN", *EFFORT_HEADING,
    ]  # fmt: skip
    return markdown(f"{modality.upper()} slices, as Table I of Armanious et al. 2019", heading, rows, notes)
