"""Does a segmentation of the fill agree with that of the truth? The best estimate, one sample and a biharmonic fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import COPIES, cases_of
from benchmarks.setting import Options, markdown
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.fill_methods import SAMPLE, find_methods
from monai_inpaint.evaluation.protocol_interface import Method

PROTOCOLS = (
    ("cxr", "cxr-centre"), ("ct", "slice-square"), ("ct", "ellipsoid"), ("mr", "slice-square"), ("mr", "lesion"),
)  # fmt: skip
IMAGES = 40
CLASSES = {"cxr": ("lung", "rest"), "ct": ("air", "fat", "soft", "bone"), "mr": ("dark", "middle", "bright")}
HOUNSFIELD = (-190.0, -30.0, 150.0)  # between the classes of CT, see `thresholds_of`
SMOOTHING = 1.0  # voxels; standard deviation of the Gaussian before the thresholds
PRESENT = 0.01  # part of the hole that a class of the truth fills at least to count


@dataclass(frozen=True)
class Measured:
    """Of one case: `dice` of each method; `areas`, (methods, classes), how far those of the classes are off, in % of
    the hole."""

    patient: str
    dice: list[float]
    areas: np.ndarray


def run(options: Options) -> str:
    """The table: Dice against the truth's segmentation, and how far the area of each class is off, inside the hole."""
    methods = {
        bundle: find_methods(["biharmonic", bundle, f"{bundle}{SAMPLE}"], seed=options.seed) for bundle in CLASSES
    }
    rows = []
    for bundle, protocol in PROTOCOLS:
        found: dict[str, list[Measured | None]] = {}
        for case in cases_of(options, bundle, protocol, IMAGES):
            found.setdefault(case.variant, []).append(_measured(case, methods[bundle]))
        rows += [[f"{bundle}, {protocol}, {variant}", *_cells(cases, bundle)] for variant, cases in found.items()]
        if not found:
            rows.append([f"{bundle}, {protocol}", *_cells([], bundle)])
    notes = [
        f"data: {options.data.name if options.data else ''}, split {options.split}, seed {options.seed}, at most "
        f"{options.limit or IMAGES} images a row, one sample of each hole; CT without {COPIES}, which shows slices of "
        "train",
        f"classes, after a Gaussian of {SMOOTHING:g} voxel: of films {', '.join(CLASSES['cxr'])} by Otsu's threshold "
        f"of the known pixels; of CT {', '.join(CLASSES['ct'])} by {', '.join(f'{t:g}' for t in HOUNSFIELD)} HU; of MR "
        f"{', '.join(CLASSES['mr'])} by multi-Otsu of the known pixels. The same thresholds for truth and fills",
        f"Dice inside the hole: mean over classes with at least {PRESENT:.0%} of the truth's hole, then over cases; "
        "differences: mean ± standard deviation of the paired differences",
        "left out: cases where fewer than two classes are in the truth's hole, so that there is no boundary to find",
        "area (of volumes, volume): of each class in the fill less in the truth, in % of the hole, mean over cases",
    ]
    heading = [
        "bundle, protocol", "cases / patients", "left out", "Dice, biharmonic", "estimate", "sample",
        "estimate - biharmonic", "sample - estimate", "area, biharmonic", "area, estimate", "area, sample",
    ]  # fmt: skip
    return markdown("Downstream", heading, rows, notes)


def thresholds_of(case: EvaluationCase) -> np.ndarray | None:
    """Thresholds between the classes of a case, rising, in its units; the truth inside the hole is never looked at.

    CT: adipose tissue lies between -190 and -30 HU, muscle between -29 and 150 HU (Mitsiopoulos et al., Cadaver
    validation of skeletal muscle measurement by magnetic resonance imaging and computerized tomography, J Appl Physiol
    85, 1998); what is below is taken for air and lung, what is above for bone, contrast agent and metal. Films and MR:
    Otsu's thresholds (of two and three classes) of the smoothed known pixels.

    Returns:
        One threshold fewer than `CLASSES` has; None where the known pixels have too few values for that.
    """
    if case.modality == "ct":
        return np.array(HOUNSFIELD)
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_multiotsu

    # Smoothed among themselves: the hole weighs nothing.
    known = (~case.hole).astype(np.float64)
    weighed = gaussian_filter(case.truth * known, SMOOTHING)[~case.hole]
    smooth = weighed / gaussian_filter(known, SMOOTHING)[~case.hole]
    try:
        return threshold_multiotsu(smooth, classes=len(CLASSES[case.modality]))
    except ValueError:  # fewer values than classes
        return None


def classes_in(image: np.ndarray, hole: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The class (0, 1, ...) of each voxel of the hole after smoothing, as a flat array."""
    from scipy.ndimage import gaussian_filter

    return np.digitize(gaussian_filter(image.astype(np.float64), SMOOTHING)[hole], thresholds)


def present_in(truth: np.ndarray) -> list[int]:
    """The classes that count: those with enough of the truth's hole; fewer than two have no boundary between them."""
    return [int(number) for number in np.unique(truth) if (truth == number).mean() >= PRESENT]


def mean_dice(truth: np.ndarray, fill: np.ndarray) -> float:
    """Mean Dice coefficient over the classes that count in the truth.

    Args:
        truth, fill: class of each voxel of the hole.
    """

    def dice(number: int) -> float:
        one, other = truth == number, fill == number
        return 2 * int((one & other).sum()) / int(one.sum() + other.sum())

    return float(np.mean([dice(number) for number in present_in(truth)]))


def _measured(case: EvaluationCase, methods: Sequence[Method]) -> Measured | None:
    """None where there is no boundary to find."""
    thresholds = thresholds_of(case)
    if thresholds is None:
        return None
    truth = classes_in(case.truth, case.hole, thresholds)
    if len(present_in(truth)) < 2:
        return None
    fills = [classes_in(method.fill(case), case.hole, thresholds) for method in methods]
    areas = [np.bincount(classes, minlength=len(thresholds) + 1) for classes in (truth, *fills)]
    return Measured(
        case.patient, [mean_dice(truth, fill) for fill in fills], 100 * (np.array(areas[1:]) - areas[0]) / truth.size
    )


def _cells(cases: Sequence[Measured | None], bundle: str) -> list[str]:
    measured = [case for case in cases if case is not None]
    counts = [f"{len(measured)} / {len({case.patient for case in measured})}", str(len(cases) - len(measured))]
    if not measured:
        return [*counts, *["-"] * 8]
    dice = np.array([case.dice for case in measured])  # (cases, methods)
    areas = np.mean([case.areas for case in measured], axis=0)  # (methods, classes)
    return [
        *counts, *(f"{mean:.3f}" for mean in dice.mean(axis=0)),
        _paired(dice[:, 1] - dice[:, 0]), _paired(dice[:, 2] - dice[:, 1]),
        *(", ".join(f"{name} {off:+.1f}" for name, off in zip(CLASSES[bundle], row, strict=True)) for row in areas),
    ]  # fmt: skip


def _paired(differences: np.ndarray) -> str:
    return f"{differences.mean():+.3f} ± {differences.std():.3f}"
