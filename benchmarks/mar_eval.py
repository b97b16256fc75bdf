"""Is a faint lesion between two implants seen better after metal artifact reduction? Judged by the package mar-eval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.setting import Options, markdown
from monai_inpaint.ct.projector import reconstruct
from monai_inpaint.ct.scanner import Scanner, counted, transmitted, water_thickness
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import Found
from monai_inpaint.metal.reduce import reduce_metal
from monai_inpaint.reports import grey_png
from monai_inpaint.synthesis.metal.scan import FINER, CleanSlice, Cover, clean_slice, with_metal

SIDE, MM = 192, 1.6  # pixels, mm
RODS = 70.0  # mm of both rods from the middle
ROD = 9.0  # mm, radius
LESION = 4.0  # mm, radius
CONTRASTS = (10.0, 20.0, 40.0)  # HU
DOSES = (3e5, 1e6)  # photons that reach a channel in air
SCANS = 40  # of each kind; a half trains the observer, the other half is judged by it
CHANNELS, ROI = 8, (17, 17)
METHODS = ("li", "nmar", "network")
WINDOW = (-300.0, 300.0)  # HU of the picture


def run(options: Options) -> str:
    """The table; with an output metal.png, one scan: the truth, as scanned, and by each method."""
    try:
        import mareval
    except ImportError as error:
        raise InputError("mar_eval needs the package mar-eval; install it with: pip install mar-eval.") from error
    scans = 4 if options.tiny else SCANS
    body, metal = _phantom(0.0), _metal()
    rng = np.random.default_rng(options.seed)
    if options.output:
        _write_picture(options.output, metal, np.random.default_rng(options.seed))
    areas: dict[str, list[dict[str, object]]] = {name: [] for name in ("none", *METHODS)}
    cells = []
    for photons in DOSES[:1] if options.tiny else DOSES:
        absent = _scans(clean_slice(body, (MM, MM)), metal, photons, scans, rng)
        for contrast in CONTRASTS:
            present = _scans(clean_slice(_phantom(contrast), (MM, MM)), metal, photons, scans, rng)
            cells.append(f"{contrast:.0f} HU, {photons:.0e} photons")
            for name in areas:
                areas[name].append(_area(mareval, present[name], absent[name]))
    plain = [float(cell["auc"]) for cell in areas["none"]]  # type: ignore[arg-type]
    rows = []
    for name, of_method in areas.items():
        means = [float(cell["auc"]) for cell in of_method]  # type: ignore[arg-type]
        gain = chance = ""
        if name != "none" and len(means) > 1:
            more, probability = mareval.paired_ttest_one_tailed(plain, means)
            gain, chance = f"{more:+.3f}", f"{probability:.3f}"
        shown = [f"{cell['auc']:.2f} ({cell['ci'][0]:.2f} to {cell['ci'][1]:.2f})" for cell in of_method]  # type: ignore[index]
        rows.append([name, *shown, gain, chance])
    return markdown(
        "Detectability beside metal (mar-eval, draft IEC 60601-2-44 Annex GG)",
        ["method", *cells, "mean gain", "p"],
        rows,
        [
            f"a simulated body of water and bone with two steel rods of {2 * ROD:.0f} mm, {2 * RODS:.0f} mm apart, and "
            f"a lesion of {2 * LESION:.0f} mm between them; {SIDE}x{SIDE} pixels of {MM} mm; seed {options.seed}",
            f"area under the ROC curve of a channelized Hotelling observer ({CHANNELS} channels, "
            f"{ROI[0]}x{ROI[1]} pixels), trained on {scans // 2} and judged on {scans - scans // 2} scans with and as "
            "many without the lesion, 95 % interval by bootstrap; paired one-tailed t-test over the columns",
        ],
    )


def _area(mareval: object, present: np.ndarray, absent: np.ndarray) -> dict[str, object]:
    """Area under the ROC curve, of scans (n, pixels) that did not train the observer."""
    half = len(present) // 2
    bank = mareval.build_pca_channels(np.concatenate((present[:half], absent[:half])), CHANNELS)  # type: ignore[attr-defined]
    middle = absent[:half].mean(axis=0)
    seen, unseen = ((values - middle) @ bank for values in (present, absent))
    template = mareval.cho_template(seen[:half], unseen[:half])  # type: ignore[attr-defined]
    values = np.concatenate((seen[half:] @ template, unseen[half:] @ template))
    labels = np.repeat((1, 0), len(present) - half)
    return mareval.compute_auc_ci(values, labels, n_bootstrap=1000)  # type: ignore[attr-defined]


def _scans(
    clean: CleanSlice, metal: tuple[Cover, np.ndarray], photons: float, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The region around the lesion of so many scans, as scanned and by each method: (count, pixels)."""
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("none", *METHODS)}
    for _ in range(count):
        for name, corrected in _scan(clean, metal, photons, rng).items():
            kept[name].append(_region(corrected))
    return {name: np.array(rows) for name, rows in kept.items()}


def _scan(
    clean: CleanSlice, metal: tuple[Cover, np.ndarray], photons: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """One scan in HU, as scanned and by each method."""
    (cover, marked), scanner = metal, Scanner(photons=photons)
    noisy = replace(clean, hu=clean.hu + _noise(clean, scanner, rng))
    scan = with_metal(noisy, [(cover, "steel")], scanner, rng).clip(-1024, 3071)
    image, found = Image(scan, np.diag([MM, MM, 1.0, 1.0]), "ct"), Found.known(marked)
    return {"none": scan} | {name: reduce_metal(image, name, found=found).image.voxels for name in METHODS}


def _write_picture(folder: Path, metal: tuple[Cover, np.ndarray], rng: np.random.Generator) -> None:
    """The truth with the strongest lesion, as scanned, and by each method, side by side."""
    truth = _phantom(CONTRASTS[-1])
    scans = _scan(clean_slice(truth, (MM, MM)), metal, DOSES[-1], rng)
    folder.mkdir(parents=True, exist_ok=True)
    rows = slice(SIDE // 5, -SIDE // 5)
    whole = np.concatenate([hu[rows] for hu in (np.where(metal[1], 3071.0, truth), *scans.values())], axis=1)
    (folder / "metal.png").write_bytes(grey_png(whole, *WINDOW))


def _noise(clean: CleanSlice, scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    """Of counting photons in all rays, in HU."""
    signal = transmitted(clean.paths, scanner.kvp)
    off = water_thickness(counted(signal, scanner.photons, rng), scanner) - water_thickness(signal, scanner)
    return 1000.0 * reconstruct(off, clean.beam, clean.hu.shape, clean.spacing)


def _region(hu: np.ndarray) -> np.ndarray:
    rows, columns = (slice((SIDE - n) // 2, (SIDE - n) // 2 + n) for n in ROI)
    return hu[rows, columns].astype(float).ravel()


def _phantom(contrast: float) -> np.ndarray:
    """HU: water in the shape of a pelvis, with rings of bone around the rods and a lesion in the middle."""
    hu = np.where(_inside(lambda y, x: np.hypot(y, x / 1.4) <= 100.0), 0.0, -1000.0)
    for side in (-RODS, RODS):
        ring = _share(lambda y, x, at=side: np.abs(np.hypot(y, x - at) - 24.0) <= 4.0)
        hu += 600.0 * ring
    return (hu + contrast * _share(lambda y, x: np.hypot(y, x) <= LESION)).astype(np.float32)


def _metal() -> tuple[Cover, np.ndarray]:
    fine = _fine(lambda y, x: np.minimum(np.hypot(y, x - RODS), np.hypot(y, x + RODS)) <= ROD, FINER)
    cover = Cover((slice(0, SIDE), slice(0, SIDE)), fine)
    return cover, cover.share() > 0


def _share(shape: Callable[..., np.ndarray]) -> np.ndarray:
    """Of each pixel that lies in a shape given by mm down and right of the middle."""
    return _fine(shape, 4).reshape(SIDE, 4, SIDE, 4).mean(axis=(1, 3))


def _inside(shape: Callable[..., np.ndarray]) -> np.ndarray:
    return _share(shape) >= 0.5


def _fine(shape: Callable[..., np.ndarray], finer: int) -> np.ndarray:
    line = (np.arange(SIDE * finer) - (SIDE * finer - 1) / 2) * (MM / finer)
    return shape(line[:, None], line[None, :])
