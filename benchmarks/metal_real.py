"""Real metal in CT volumes before and after: no truth is known, so streaks, dark bands and steps between slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.setting import Options, markdown
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.imaging.axial import Axial, axial_slices
from monai_inpaint.imaging.body import body_in_slice, with_gaps
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.metal.detect_ct import Found, find_metal
from monai_inpaint.metal.methods import METHODS
from monai_inpaint.metal.reduce import reduce_metal
from monai_inpaint.reports import Comparison, Picture, comparison_page, grey_png, planes

DARK, OFF = -250.0, 6.0  # HU below which, and mm from the metal beyond which a voxel of the patient is a dark band's
SOFT = (-50.0, 150.0)  # HU of muscle and organs
METAL = 2500.0  # HU
WINDOW = (-300.0, 500.0)  # HU of the pictures
HEADING = ["volume", "method", "metal's Dice", "deviation HU, affected", "elsewhere", "dark band HU", "soft tissue HU",
           "step between slices HU, affected", "elsewhere", "untouched slices", "s a slice"]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan with metal.

    Attributes:
        image: as scanned.
        axial: its slices.
        found: its metal.
        body: bool, with black streaks that open it to the air.
        dark: bool, of the dark bands.
    """

    image: Image
    axial: Axial
    found: Found
    body: np.ndarray
    dark: np.ndarray


def run(options: Options) -> str:
    """The table; with an output a page of pictures too.

    Raises:
        InputError: no volume of the list holds metal.
    """
    assert options.data is not None
    names = options.methods or tuple(METHODS)
    entries = [e for e in read_data_list(options.data, split=options.split) if e.kind == "ct"]
    rows, pictures = [], []
    for entry in entries[: options.limit]:
        image = read_image(entry.path)
        if image.voxels.ndim < 3 or image.voxels.shape[2] < 3 or image.voxels.dtype.itemsize < 2:
            continue
        found = find_metal(image)
        if not found.metal.any():
            continue
        volume = _volume(image, found)
        rows.append([entry.path.name, "as scanned", *_row(volume, image), "", ""])
        shown = {"as scanned": image}
        for name in names:
            reduced = reduce_metal(image, name, found=found)
            slices = reduced.report["changed"]
            seconds = reduced.report["seconds"]["reduce"] / max(slices["slices"], 1)
            rows.append(["", name, *_row(volume, reduced.image), str(slices["untouched_slices"]), f"{seconds:.2f}"])
            shown[name] = reduced.image
        pictures.append(_pictures(entry.path.name, volume, shown))
    if not rows:
        raise InputError(f"{options.data}: no CT volume contains metal; list some that do.")
    if options.output:
        _write(pictures, options.output)
    return markdown(
        "Real metal in CT volumes",
        HEADING,
        rows,
        [
            f"metal found by find_metal; Dice of what is above {METAL:.0f} HU; deviation of what is affected, of the "
            "same voxels each time, and of soft tissue elsewhere in the same slices",
            f"dark band: median of the patient's voxels below {DARK:.0f} HU as scanned, affected and more than "
            f"{OFF:.0f} mm off the metal; beside it that of {SOFT[0]:.0f} to {SOFT[1]:.0f} HU, not affected",
            "step: mean difference of neighbouring slices where both are affected, or both soft tissue that is not",
            "seconds by the clock",
        ],
    )


def _volume(image: Image, found: Found) -> Volume:
    axial, body, dark = axial_slices(image), np.zeros(image.voxels.shape, bool), np.zeros(image.voxels.shape, bool)
    first, second, _ = axial.spacing
    for number in _numbers(axial, found):
        index = axial.index(number)
        hu = np.nan_to_num(image.units(index), nan=-1000.0)
        inside = with_gaps(body_in_slice(hu, (first, second)), (first, second))
        away = np.asarray(distance_transform_edt(~found.metal[index], sampling=(first, second)))
        body[index] = inside
        dark[index] = inside & found.affected[index] & (hu < DARK) & (away > OFF)
    return Volume(image, axial, found, body, dark)


def _row(volume: Volume, made: Image) -> list[str]:
    """Dice to untouched slices of `HEADING`."""
    before, after = volume.image.units(), made.units()
    affected = volume.found.affected & volume.body & ~volume.found.metal
    even = volume.body & ~volume.found.affected & ~volume.found.metal & (before > SOFT[0]) & (before < SOFT[1])
    metal, kept = before > METAL, after > METAL
    dice = 2 * np.count_nonzero(metal & kept) / (np.count_nonzero(metal) + np.count_nonzero(kept))
    soft = affected & (before < 250)
    steps = [_step(volume, after, where) for where in (affected, even)]
    return [
        f"{dice:.3f}",
        f"{np.clip(after[soft], -500, 500).std():.0f}",
        f"{after[even].std():.0f}",
        f"{np.median(after[volume.dark]):.0f} ({np.count_nonzero(volume.dark)})" if volume.dark.any() else "",
        f"{np.median(after[even]):.0f}",
        *(f"{step:.0f}" for step in steps),
    ]


def _step(volume: Volume, hu: np.ndarray, where: np.ndarray) -> float:
    """The mean difference of neighbouring slices where both belong to a region."""
    solid, inside = volume.axial.solid(hu), volume.axial.solid(where)
    both = inside[..., 1:] & inside[..., :-1]
    return float(np.abs(np.diff(solid, axis=-1))[both].mean()) if both.any() else float("nan")


def _numbers(axial: Axial, found: Found) -> list[int]:
    return [int(n) for n in np.flatnonzero(axial.solid(found.metal).any(axis=(0, 1)))]


def _pictures(name: str, volume: Volume, shown: dict[str, Image]) -> Comparison:
    """Three planes through the middle of the metal, each method beside the scan."""
    centre = tuple(int(np.median(places)) for places in np.nonzero(volume.found.metal))
    columns: list[Sequence[Picture]] = []
    for method, image in shown.items():
        flat = planes(image.units(), centre, volume.image.affine)
        columns.append([Picture(grey_png(flat, *WINDOW), method)])
    note = f"axial, coronal and sagittal slice through the middle of the metal, {WINDOW[0]:.0f} to {WINDOW[1]:.0f} HU"
    return Comparison(name, columns, note, wide=True)


def _write(pictures: Sequence[Comparison], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metal_real.html").write_text(comparison_page("Real metal", pictures), encoding="utf-8")
