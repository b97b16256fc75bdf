"""How well are artifacts found: simulated ones of every kind on images of unseen patients, and real metal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from benchmarks.setting import Options, markdown
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.evaluation.image_region import slices_of
from monai_inpaint.imaging.display import displayed
from monai_inpaint.io import read_image
from monai_inpaint.regions.artifacts import LIKELY, MARGIN, MIN_AREA, SIDE, ArtifactDetector, dilated, marked_in_slice
from monai_inpaint.synthesis.artifacts import KINDS, contrast_of
from monai_inpaint.transforms.artifact import middle, seen_artifact

IMAGES = 30  # a row
MIDDLE = 0.7  # of films: real letters and markers, which nobody has marked, lie in the margins
SMALLEST = 96  # pixels a side of a slice
NOT_CLEAN = ("aapm", "totalsegmentator", "naist", "hannover", "lidc")  # real artifacts, or no Hounsfield units
METAL_SOURCES = {"totalsegmentator": "real metal (TotalSegmentator)", "aapm": "metal simulated by others (AAPM)"}
METAL = 2500.0  # HU above which their metal is taken for marked
LEAST = 9  # pixels of it, beyond which a slice counts
FOUND = 0.5  # share of an artifact in the proposed hole, from which it counts as found


@dataclass(frozen=True)
class Slice:
    """A slice as shown, of a patient."""

    pixels: np.ndarray
    patient: str
    name: str


@dataclass(frozen=True)
class Result:
    """What was found in one slice.

    Attributes:
        dice: of what was marked.
        covered: share of the artifact that lies in the proposed hole.
        in_vain: share of all other pixels that lie there.
    """

    patient: str
    dice: float
    covered: float
    in_vain: float


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    finder, count = ArtifactDetector(), options.limit or options.repeats(IMAGES)
    rows: list[list[str]] = []
    for modality, kinds in KINDS.items():
        try:
            entries = read_data_list(options.data, split=options.split, modality=modality)
        except InputError:  # the list holds no such image
            continue
        clean = [entry for entry in entries if entry.source not in NOT_CLEAN]
        slices = [*_slices(clean, modality, options, count)]
        for kind in kinds if slices else ():
            rows.append(_row(f"{modality}, {kind}", [*_with_artifacts(finder, slices, modality, kind, options.seed)]))
        if slices:
            rows.append(_clean_row(f"{modality}, no artifact", [_result(finder, s, s.pixels) for s in slices]))
        for source, name in METAL_SOURCES.items():
            found = [*_metal(finder, [entry for entry in entries if entry.source == source])]
            if found:
                rows.append(_row(f"{modality}, {name}", found))
    notes = [
        f"data: {options.data.name}, split {options.split}, seed {options.seed}; at most {count} images a row, from "
        "all sources in turn; of films the middle 70 % of rows and columns, of volumes up to 3 slices",
        f"{finder.bundle.name} {finder.bundle.version}; slices of at most {SIDE} pixels a side, probability from "
        f"{LIKELY}, regions of at most {MIN_AREA} pixels dropped; the proposed hole is grown by {MARGIN} pixels",
        "Dice: of what is marked, before it is grown, with what was drawn; mean and standard deviation over images",
        "in the hole: mean share of the artifact's pixels that lie in the proposed hole",
        f"found: images of whose artifact at least {FOUND:.0%} lies in the proposed hole",
        "false positives: mean share of all other pixels of the image that lie in the proposed hole, most of them in "
        "the margin by which the hole is grown; without an artifact: images in which anything is proposed",
        f"real metal, and metal simulated by others: slices with more than {LEAST} pixels above {METAL:,.0f} HU; these "
        "pixels are taken as the truth, although the metal's rim is below this value and contrast medium in a vein may "
        "reach it",
    ]
    heading = ["images", "images / patients", "Dice", "in the hole", "found", "false positives"]
    return markdown("Finding artifacts", heading, rows, notes)


def _slices(entries: list[Entry], modality: str, options: Options, count: int) -> Iterator[Slice]:
    """So many slices, from the sources in turn."""
    sources = sorted({entry.source for entry in entries})
    queues = [in_order([e for e in entries if e.source == source], len(entries), options.seed) for source in sources]
    turns = (entry for turn in range(len(entries)) for queue in queues for entry in queue[turn : turn + 1])
    taken = 0
    for entry in turns:
        try:
            parts = slices_of(read_image(entry.path), None, modality, np.random.default_rng(options.seed))
        except InputError:  # a mask, or no image of its own
            continue
        for part in parts:
            pixels = middle(part.pixels, MIDDLE) if modality == "cxr" else part.pixels
            if min(pixels.shape) < SMALLEST or not np.isfinite(pixels).all():
                continue
            yield Slice(pixels, f"{entry.source} {entry.patient}", f"{entry.name} {part.index}")
            taken += 1
            if taken == count:
                return


def _with_artifacts(
    finder: ArtifactDetector, slices: list[Slice], modality: str, kind: str, seed: int
) -> Iterator[Result]:
    for one in slices:
        rng = np.random.default_rng([seed, crc32(f"{one.name} {kind}".encode())])
        image, region = seen_artifact(one.pixels, kind, rng, contrast_of(one.pixels, modality))
        if region.any():
            yield _result(finder, one, image, region)


def _metal(finder: ArtifactDetector, entries: list[Entry]) -> Iterator[Result]:
    for entry in entries:
        image = read_image(entry.path)
        for index in [...] if image.voxels.ndim == 2 else [(..., k) for k in range(image.voxels.shape[2])]:
            pixels = np.ascontiguousarray(displayed(image.units(index), image.affine))
            metal = pixels > METAL
            if np.count_nonzero(metal) > LEAST:
                yield _result(finder, Slice(pixels, f"{entry.source} {entry.patient}", ""), pixels, metal)


def _result(finder: ArtifactDetector, one: Slice, image: np.ndarray, region: np.ndarray | None = None) -> Result:
    """What is found in an image, in which the region holds an artifact."""
    region = np.zeros(image.shape, bool) if region is None else region
    marked = marked_in_slice(image, finder.run)
    hole = dilated(marked)
    dice = 2 * np.count_nonzero(marked & region) / max(np.count_nonzero(marked) + np.count_nonzero(region), 1)
    covered = np.count_nonzero(hole & region) / max(np.count_nonzero(region), 1)
    return Result(one.patient, dice, covered, float(np.mean(hole[~region])))


def _row(name: str, results: list[Result]) -> list[str]:
    dice = [result.dice for result in results]
    covered = [result.covered for result in results]
    found = sum(share >= FOUND for share in covered)
    return [
        name,
        _count(results),
        f"{np.mean(dice):.2f} ± {np.std(dice):.2f}",
        f"{np.mean(covered):.0%}",
        f"{found} of {len(results)}",
        f"{np.mean([result.in_vain for result in results]):.1%}",
    ]


def _clean_row(name: str, results: list[Result]) -> list[str]:
    alarms = sum(result.in_vain > 0 for result in results)
    share = np.mean([result.in_vain for result in results])
    return [name, _count(results), "", "", "", f"{alarms} of {len(results)} images, {share:.1%} of pixels"]


def _count(results: list[Result]) -> str:
    return f"{len(results)} / {len({result.patient for result in results})}"
