"""Nodules put where real ones were cut out: tables I and II of Shen et al. 2022 on LIDC's val, and on films.

Of films there is no truth but a projection, so their table says how well that is learned and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from scipy.ndimage import gaussian_filter

from benchmarks.resampled import RESAMPLED, resampled
from benchmarks.setting import Options, markdown
from monai_inpaint.datasets.lidc_crops import LidcCrop, read_lidc_crop
from monai_inpaint.engines import load_engine
from monai_inpaint.evaluation.classical import fill_biharmonic
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.metrics import mae, psnr, ssim
from monai_inpaint.metrics.frechet_distance import SqueezeNetPool3, frechet_distance
from monai_inpaint.metrics.lpips import window_around
from monai_inpaint.metrics.texture_profile import TextureProfile, texture_profile
from monai_inpaint.registry import find_bundle
from monai_inpaint.synthesis.nodules.displayed_slice import DisplayedSlice
from monai_inpaint.synthesis.nodules.places import corner_of, draw_place
from monai_inpaint.synthesis.nodules.shadow import cast_shadow
from monai_inpaint.synthesis.nodules.texture import textured
from monai_inpaint.training import nodule_crops, nodule_films, training_slices
from monai_inpaint.training.nodule_crops import CALCIFIED
from monai_inpaint.transforms import LungBoxesd, ProjectNoduled, ReadPyramidd
from monai_inpaint.transforms.nodule_holes import boxed, with_rim
from monai_inpaint.transforms.projected_nodule import Projected

RANGE = 255.0
WINDOW = 64  # pixels around a nodule that the Frechet distance is of
FILMS = 48
OURS, SHADOW, BESIDE = "ours, as shipped", "shadow", "ours, beside it"
_LUNG = -700.0  # HU of a pixel and its surroundings, below which it is lung
_APART = 4  # pixels between a nodule and the one beside it
# What a row of the paper's tables is trained by: files over train.json. Their weights lie in models/rows/.
ROWS = {
    "ours: two-stage, shape, density": ("density",),
    "two-stage, shape": ("without_density",),
    "one-stage, shape": ("without_density", "one_stage"),
    "two-stage, box": ("without_density", "box"),
    "one-stage, box": ("without_density", "one_stage", "box"),
    "PartialConv": ("partial_conv",),
    "EdgeConnect": ("edge_connect",),
    "CTSDG": ("ctsdg",),
}
CLASSES = (("ground-glass", 0.0, 1 / 3), ("part-solid", 1 / 3, 2 / 3), ("solid", 2 / 3, 1.01))

Network = Callable[[np.ndarray], np.ndarray]


class Nodule(NamedTuple):
    """A nodule with its truth: grey levels, the hole, its outline, density, and how grey levels become units."""

    patient: str
    grey: np.ndarray
    hole: np.ndarray
    outline: np.ndarray
    density: float
    crop: LidcCrop | None
    projected: Projected | None = None

    def units(self, grey: np.ndarray) -> np.ndarray:
        """Of grey levels."""
        return self.crop.scale * grey + self.crop.shift if self.crop else grey

    def levels(self, units: np.ndarray) -> np.ndarray:
        """Grey levels of units, cut to their range."""
        grey = (units - self.crop.shift) / self.crop.scale if self.crop else units
        return grey.clip(0.0, RANGE)


@dataclass
class Row:
    """What one method made of all nodules."""

    figures: dict[str, dict[str, float]] = field(default_factory=dict)  # patient: measure: value
    features: dict[str, np.ndarray] = field(default_factory=dict)
    profiles: list[TextureProfile] = field(default_factory=list)


def run(options: Options) -> str:
    """The tables.

    Raises:
        InputError: the list, a crop or a bundle is at fault, or pylidc is not installed.
    """
    assert options.data is not None
    features = SqueezeNetPool3(options.features) if options.features else None
    limit = 2 if options.tiny else options.limit
    crops = list(_crops(options, limit))
    methods, missing = _methods("nodule_texture_ct", ROWS)
    rows = {name: _made(method, crops, features) for name, method in methods.items()}
    truth = _made(lambda nodule: nodule.grey, crops, features)
    notes = [
        f"data: {options.data.name}, split {options.split}: {len(crops)} nodules of as many patients, the outline that "
        "half of the readers agree on and a pixel around it",
        "PSNR (dB), SSIM and MAE (full range 1) of the 8-bit pictures as they are stored, in the mask and in the "
        "whole picture of 128x128; flat: the best single value for each nodule, known from the truth",
        f"Frechet: SqueezeNet 1.1 pool3 of {WINDOW} pixels around the nodule, over the variance of the real ones, not "
        "comparable with Inception's; intervals hold 95 % of resamplings by patient",
        "rows between the flat value and the last one were trained by the command in the bundle's README, with the "
        "published decoder; the density given to our rows is the readers' rating",
        *(f"not trained: {name}" for name in missing),
    ]
    made = {"real": truth.profiles, OURS: rows[OURS].profiles, BESIDE: _beside(crops, options.seed)}
    sections = [_table("Nodules in CT", rows, truth, OURS, notes, options), _profiles(made, crops)]
    films = list(_films(options, limit or FILMS))
    if films:
        methods, _ = _methods("nodule_texture_cxr", {})
        methods[SHADOW] = _shadow
        rows = {name: _made(method, films, features) for name, method in methods.items()}
        notes = [
            f"data: {options.data.name}, split {options.split}: {len(films)} windows of healthy films with projected "
            "nodules of LIDC's patients of that split; measured as in CT",
            "the shadow is that of `synthesize nodules`: it knows the film without the nodule, and the nodule's "
            "outline and density; it has the same film contrast as the projections",
        ]
        truth = _made(lambda nodule: nodule.grey, films, features)
        sections.append(_table("Nodules on films, projected", rows, truth, SHADOW, notes, options))
    return "\n".join(sections)


def _crops(options: Options, limit: int | None) -> Iterable[Nodule]:
    assert options.data is not None
    for entry in nodule_crops(options.data, options.split or "val")[:limit]:
        crop = read_lidc_crop(entry["image"])
        outline = crop.agreement if crop.agreement.any() else crop.readers[0]
        yield Nodule(entry["name"], crop.grey, with_rim(outline), outline, entry["density"], crop)


def _films(options: Options, limit: int) -> Iterable[Nodule]:
    assert options.data is not None
    split = options.split or "val"
    films = training_slices(options.data, {"nih": 0, "kermany": 0}, split, modality="CR")
    shares = {source: 1.0 for source in {film["source"] for film in films}}
    steps, projector = Compose([ReadPyramidd("image"), LungBoxesd("image")]), ProjectNoduled(options.data, split)
    drawn = {entry["name"]: entry for entry in nodule_films(films, shares, limit, 2000000 + options.seed)}
    for name, entry in drawn.items():  # one nodule a film
        read: Any = steps(entry)
        made = projector.project(read)
        yield Nodule(name, (made.healthy + made.shadow).clip(0, RANGE), made.mask, made.mask, made.density, None, made)


def _methods(
    bundle: str, rows: dict[str, tuple[str, ...]]
) -> tuple[dict[str, Callable[[Nodule], np.ndarray]], list[str]]:
    """By name, and the rows without weights."""
    folder = find_bundle(bundle).path
    methods: dict[str, Callable[[Nodule], np.ndarray]] = {
        "biharmonic": lambda nodule: fill_biharmonic(nodule.grey, nodule.hole),
        "flat, from the truth": lambda nodule: np.where(nodule.hole, nodule.grey[nodule.hole].mean(), nodule.grey),
    }
    missing = []
    named = {name: ("+".join(files), files) for name, files in rows.items()}
    for name, (file, files) in {**named, OURS: ("", ())}.items():
        weights = folder / "models" / (f"rows/{file}.pt" if file else "model.pt")
        if weights.is_file():
            methods[name] = _by_network(_network(folder, files, weights), box="box" in files)
        else:
            missing.append(name)
    return methods, missing


def _network(folder: Path, files: Sequence[str], weights: Path) -> torch.nn.Module:
    configs = folder / "configs"
    parser = ConfigParser()
    parser.read_config([str(configs / "train.json"), *(str(configs / "rows" / f"{name}.json") for name in files)])
    network: Any = parser.get_parsed_content("network_def", instantiate=True)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def _by_network(network: torch.nn.Module, *, box: bool) -> Callable[[Nodule], np.ndarray]:
    channels: Any = getattr(network, "channels", 2)

    def method(nodule: Nodule) -> np.ndarray:
        hole = boxed(nodule.hole) if box else nodule.hole
        units = np.where(hole, 0.0, nodule.units(nodule.grey))
        given = np.stack((units, hole, nodule.density * hole))[:channels].astype(np.float32)
        with torch.inference_mode():
            made = network(torch.from_numpy(given)[None])[0, 0].numpy()
        return np.where(hole, nodule.levels(made), nodule.grey)

    return method


def _shadow(nodule: Nodule) -> np.ndarray:
    made = nodule.projected
    assert made is not None
    box = extent(made.mask)
    assert box is not None
    grey, rng = made.healthy.copy(), np.random.default_rng(made.mask.sum())
    grey[box] += np.float32(made.contrast) * cast_shadow(made.mask[box], (made.pixel, made.pixel), made.density, rng)
    return grey.clip(0, RANGE)


def _made(method: Callable[[Nodule], np.ndarray], nodules: Sequence[Nodule], features: SqueezeNetPool3 | None) -> Row:
    row = Row()
    for nodule in nodules:
        made = method(nodule)
        every = np.ones(made.shape, bool)
        row.figures[nodule.patient] = {
            f"{measure} {where}": value
            for where, region in (("mask", nodule.hole), ("patch", every))
            for measure, value in (
                ("PSNR", psnr(nodule.grey, made, region, RANGE)),
                ("SSIM", ssim(nodule.grey, made, region, RANGE)),
                ("MAE", mae(nodule.grey, made, region) / RANGE),
            )
        }
        if features:
            row.features[nodule.patient] = features(made[_square(nodule.hole)], RANGE)
        row.profiles.append(texture_profile(nodule.units(made), nodule.outline))
    return row


def _square(hole: np.ndarray) -> tuple[slice, ...]:
    """`WINDOW` pixels around the nodule, or as many as hold it."""
    largest = max(int(np.ptp(places)) + 1 for places in np.nonzero(hole))
    return window_around(hole, max(WINDOW, largest))


DECIMALS = {"PSNR": 2, "SSIM": 3, "MAE": 4}


def _table(title: str, rows: dict[str, Row], truth: Row, ours: str, notes: Sequence[str], options: Options) -> str:
    columns = [f"{measure} {where}" for where in ("mask", "patch") for measure in DECIMALS]
    cells = []
    for name, row in rows.items():
        means = {column: np.mean([figures[column] for figures in row.figures.values()]) for column in columns}
        lead = ""
        if ours in rows and name != ours:
            gains = [rows[ours].figures[p]["PSNR mask"] - row.figures[p]["PSNR mask"] for p in row.figures]
            lead = resampled(
                lambda values: float(np.mean(values)), [gains], np.random.default_rng(options.seed), "+.2f"
            )
        averages = [f"{means[column]:.{DECIMALS[column.partition(' ')[0]]}f}" for column in columns]
        cells.append([name, *averages, _frechet(row, truth, options), lead])
    return markdown(title, ["method", *columns, "Frechet", f"{ours} over it, PSNR mask"], cells, notes)


def _frechet(row: Row, truth: Row, options: Options) -> str:
    """With its interval; "-" without features or for a single patient."""
    patients = list(row.features)
    if len(patients) < 2:
        return "-"
    variance = np.concatenate(list(truth.features.values())).var(axis=0).sum()

    def distance(names: Sequence[str]) -> float:
        return frechet_distance(*(np.concatenate([one.features[p] for p in names]) for one in (truth, row))) / variance

    rng = np.random.default_rng(options.seed)
    return resampled(distance, [patients], rng, ".3f", options.repeats(RESAMPLED // 20))


def _beside(nodules: Sequence[Nodule], seed: int) -> list[TextureProfile | None]:
    """Of nodules of the same outlines and densities that `synthesize nodules` puts into the lung beside the real ones.

    There the network's nodule has the grain of the image, of which the place of a real nodule says nothing.
    """
    engine = load_engine("auto", find_bundle("nodule_texture_ct"))
    rng = np.random.default_rng(seed)
    profiles: list[TextureProfile | None] = []
    for nodule in nodules:
        units = nodule.units(nodule.grey)
        lung = (gaussian_filter(units, 2.0) < _LUNG) & ~with_rim(nodule.hole, _APART)
        box = extent(nodule.hole)
        assert box is not None
        plane = DisplayedSlice(Image(units, None, "ct"), None)
        placed = draw_place([plane], lambda _, free=lung: (free, free), nodule.hole[box], rng)
        if placed is None:
            profiles.append(None)
            continue
        to = tuple(
            slice(at, at + size)
            for at, size in zip(corner_of(placed[1], nodule.hole[box]), nodule.hole[box].shape, strict=True)
        )
        hole, outline = np.zeros_like(nodule.hole), np.zeros_like(nodule.outline)
        hole[to], outline[to] = nodule.hole[box], nodule.outline[box]
        made = textured(units, hole, nodule.density, engine)
        profiles.append(texture_profile(np.where(hole, made, units), outline))
    return profiles


def _profiles(made: dict[str, Sequence[TextureProfile | None]], nodules: Sequence[Nodule]) -> str:
    calcified = [one is not None and one.mean > CALCIFIED for one in made["real"]]
    cells = []
    for name, low, high in CLASSES:
        chosen = [n for n, nodule in enumerate(nodules) if low <= nodule.density < high and not calcified[n]]
        for who, profiles in made.items():
            found = [one for one in (profiles[n] for n in chosen) if one is not None]
            figures = [
                f"{np.nanmean(values):.{d}f} ± {np.nanstd(values):.{d}f}" if len(values) else "-"
                for values, d in ((np.array([one[k] for one in found]), 2 if k == 2 else 0) for k in range(3))
            ]
            cells.append([f"{name}, {who}", str(len(found)), *figures])
    heading = ["rated, which", "nodules", "mean HU", "spread HU", "rim 1/pixel"]
    notes = [
        "mean ± standard deviation over nodules; HU estimated, see monai_inpaint.datasets.lidc_crops; without the "
        f"{sum(calcified)} calcified nodules (mean above {CALCIFIED:g} HU), which are not made",
        f"{BESIDE}: of the same outline and density, put into the lung of the same image by `synthesize nodules`' own "
        "function, with the grain of the image; fewer where no place is free",
    ]
    return markdown("Texture of nodules in CT", heading, cells, notes)
