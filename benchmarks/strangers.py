"""Images of kinds that a bundle was not trained on: is its fill better than a classical one, and does it say so?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.setting import Options, markdown
from benchmarks.strange_images import UnfamiliarImage, unfamiliar_images
from monai_inpaint import Filler
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.classical import fill_biharmonic
from monai_inpaint.evaluation.measure import measure
from monai_inpaint.evaluation.protocol_table import find_protocol
from monai_inpaint.fill.uncertainty import WORTH

BUNDLES = ("cxr", "ct", "mr")
HOLES, SAMPLES, FEWEST = 5, 8, 2
NO_BETTER = "no better"  # words of the verdict in a report


def run(options: Options) -> str:
    """The table: a row for each picture and bundle, means over the holes."""
    images = list(unfamiliar_images(options.seed))
    rows = []
    for bundle in BUNDLES:
        filler = Filler(bundle)
        rows += [_row(image, filler, bundle, options) for image in images if bundle in image.bundles]
    notes = [
        f"each picture at most 256 pixels a side, {options.repeats(HOLES)} seeded squares of 64 pixels, one at a time; "
        f"{SAMPLES} samples, seed {options.seed}; means over the holes, inside the hole, as `evaluate` measures",
        "gain: PSNR of the estimate over the biharmonic fill, true, and as estimated by `doubt` in the report of a run",
        f"no better: holes where the gain is below {WORTH} dB, by the verdict of the report and in truth",
        "beyond: pixels of the fill outside the range of the known pixels, and how far at most, in parts of that range",
    ]
    heading = [
        "picture", "bundle", "PSNR dB, biharmonic", "estimate", "gain dB", "gain dB, estimated",
        "no better, by the report", "in truth", "beyond", "how far",
    ]  # fmt: skip
    return markdown("Strangers", heading, rows, notes)


def _row(image: UnfamiliarImage, filler: Filler, bundle: str, options: Options) -> list[str]:
    found = [_figures(case, filler, options) for case in _cases(image, bundle, options)]
    classical, estimate, estimated, no_better, beyond, far = np.array(found).T
    gain = estimate - classical
    of = f"of {len(found)}"
    return [
        image.name, bundle, f"{classical.mean():.1f}", f"{estimate.mean():.1f}", f"{gain.mean():+.2f}",
        f"{estimated.mean():+.2f}", f"{no_better.sum():.0f} {of}", f"{(gain < WORTH).sum()} {of}",
        f"{100 * beyond.mean():.1f} %", f"{100 * far.max():.1f} %",
    ]  # fmt: skip


def _cases(image: UnfamiliarImage, bundle: str, options: Options) -> Iterator[EvaluationCase]:
    protocol = find_protocol("slice-square")
    for number in range(options.repeats(HOLES)):
        cases, reasons = protocol.cases(
            image.image(bundle), None, modality=bundle, name=image.name, patient="", seed=options.seed + number
        )
        assert cases, reasons  # these pictures are ours to choose
        yield from cases


def _figures(case: EvaluationCase, filler: Filler, options: Options) -> tuple[float, ...]:
    fill = filler(case.voided, case.hole, samples=FEWEST if options.tiny else SAMPLES, seed=options.seed)
    doubt = fill.report["doubt"]
    inside, known = fill.image[case.hole], case.truth[~case.hole]
    low, high = float(known.min()), float(known.max())
    over = np.maximum(np.maximum(low - inside, inside - high), 0) / (high - low)
    return (
        measure(case, fill_biharmonic(case.voided, case.hole))["psnr"],
        measure(case, fill.image)["psnr"],
        doubt["gain_over_biharmonic_db"],
        NO_BETTER in doubt["verdict"],
        float((over > 0).mean()),
        float(over.max()),
    )
