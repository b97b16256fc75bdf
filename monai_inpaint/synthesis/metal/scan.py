"""Simulate the scan of one CT slice with metal in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monai_inpaint.ct.projector import FanBeam, fan_beam, project, reconstruct
from monai_inpaint.ct.scanner import Scanner, counted, relative_to_water, transmitted, water_thickness

FINER = 3  # samples a pixel of the metal, and rays a channel through it, along each direction
_BONE = (100.0, 1500.0)  # HU: water below, bone above, a mixture between
_AIR = 0.05  # of water; what is thinner around the patient is noise


@dataclass(frozen=True)
class Cover:
    """Metal in a slice, sampled finer than its pixels.

    Attributes:
        box: (rows, columns) of the slice that contain all of it.
        fine: bool, FINER samples a pixel along both axes of the box.
    """

    box: tuple[slice, slice]
    fine: np.ndarray

    def share(self) -> np.ndarray:
        """Of each pixel of the box, 0 to 1, float32."""
        rows, columns = (size // FINER for size in self.fine.shape)
        return self.fine.reshape(rows, FINER, columns, FINER).mean(axis=(1, 3), dtype=np.float32)


@dataclass(frozen=True)
class CleanSlice:
    """A slice without metal and its projections; several implants may be put into it one by one.

    Attributes:
        hu: (rows, columns), HU.
        spacing: mm between rows and between columns.
        beam: the scanner's rays.
        parts: water and bone, (rows, columns), attenuation as a multiple of water's at the effective energy.
        paths: mm of water through the parts, (views, channels).
    """

    hu: np.ndarray
    spacing: tuple[float, float]
    beam: FanBeam
    parts: dict[str, np.ndarray]
    paths: dict[str, np.ndarray]


def clean_slice(hu: np.ndarray, spacing: Sequence[float]) -> CleanSlice:
    """Project a slice once.

    Args:
        hu: (rows, columns), HU without metal.
        spacing: mm between rows and between columns.
    """
    first, second = spacing
    beam = fan_beam(hu.shape, spacing)
    density = np.clip(hu / 1000.0 + 1.0, 0.0, None).astype(np.float32)
    density[~(density > _AIR)] = 0.0
    bone = np.clip((hu - _BONE[0]) / (_BONE[1] - _BONE[0]), 0.0, 1.0).astype(np.float32)
    parts = {"water": density * (1 - bone), "bone": density * bone}
    paths = {name: project(part, spacing, beam) for name, part in parts.items()}
    return CleanSlice(hu, (first, second), beam, parts, paths)


def with_metal(
    clean: CleanSlice, metal: Sequence[tuple[Cover, str]], scanner: Scanner, rng: np.random.Generator
) -> np.ndarray:
    """Return the slice with metal in place of tissue, as scanned and reconstructed.

    Only what the metal changes is reconstructed, and added to the slice: its own noise, sharpness and artifacts stay.
    Rays that miss the metal are those of the slice, whose noise it has already; those that meet it are measured again,
    as the mean of FINER rays across the channel: attenuated over the spectrum, scattered, counted (Poisson) and
    corrected for the hardening of the beam by water.

    Args:
        clean: of `clean_slice`.
        metal: covers and their materials; where covers overlap, both count.
        scanner: how it is scanned.
        rng: of the noise.

    Returns:
        (rows, columns) float32, HU, on an open scale.
    """
    beam = clean.beam
    fine = replace(beam, channels=FINER * beam.channels, channel_mm=beam.channel_mm / FINER)
    through: dict[str, np.ndarray] = {}
    gone = {name: np.zeros((beam.views, beam.channels), np.float32) for name in clean.parts}
    for cover, material in metal:
        box, spacing = cover.box, clean.spacing
        centre = [
            ((part.start + part.stop) - size) / 2 * mm
            for part, size, mm in zip(box, clean.hu.shape, spacing, strict=True)
        ]
        pixel = [mm / FINER for mm in spacing]
        path = project(cover.fine, pixel, fine, centre=centre).reshape(beam.views, beam.channels, FINER)
        through[material] = through.get(material, 0.0) + path
        for name, part in clean.parts.items():
            gone[name] += project(part[box] * cover.share(), spacing, beam, centre=centre)
    hit = np.zeros((beam.views, beam.channels), bool)
    for path in through.values():
        hit |= path.any(axis=-1)
    before = _bone_as_bone({name: path[hit] for name, path in clean.paths.items()}, scanner.kvp)
    left = _bone_as_bone({name: (path - gone[name])[hit] for name, path in clean.paths.items()}, scanner.kvp)
    after = {name: path[:, None] for name, path in left.items()}
    for material, path in through.items():
        after[material] = after.get(material, 0.0) + path[hit]
    scatter = scanner.scatter * _mean_behind(clean, scanner.kvp) if scanner.scatter else 0.0
    signal = counted(transmitted(after, scanner.kvp).mean(axis=-1) + scatter, scanner.photons, rng)
    change = np.zeros(hit.shape, np.float32)
    change[hit] = water_thickness(signal, scanner)
    change[hit] -= water_thickness(transmitted(before, scanner.kvp) + scatter, scanner)
    return (clean.hu + 1000.0 * reconstruct(change, beam, clean.hu.shape, clean.spacing)).astype(np.float32)


def _bone_as_bone(paths: dict[str, np.ndarray], kvp: int) -> dict[str, np.ndarray]:
    """Bone is measured in mm of water that attenuate as much; as mm of bone."""
    return paths | {"bone": paths["bone"] / np.float32(relative_to_water("bone", kvp))}


def _mean_behind(clean: CleanSlice, kvp: int) -> float:
    """The mean signal of the rays through the patient."""
    behind = clean.paths["water"] + clean.paths["bone"] > 0
    paths = {name: path[behind] for name, path in clean.paths.items()}
    return float(transmitted(_bone_as_bone(paths, kvp), kvp).mean()) if behind.any() else 0.0
