"""Training and validation slices from an index file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.datasets.listing import UNHEALTHY, is_label_map, unhealthy
from monai_inpaint.errors import InputError
from monai_inpaint.io.table import read_table

INDEX_COLUMNS = ("path", "source", "modality", "split")
_OPTIONAL = ("patient", "mask", "note")


def read_index(index: Path) -> list[dict[str, str]]:
    """Read the rows of an index file, as `monai-inpaint index` writes it, by the names of its columns.

    Args:
        index: CSV with the columns path (relative to its folder), source, modality and split; optionally patient, mask
            and note, which are empty where it has none.

    Raises:
        InputError: the index does not exist, is not CSV, lacks a column or has no rows.
    """
    if not index.is_file():
        raise InputError(f"{index}: there is no such index file; pass its place with --dataset_dir.")
    rows = read_table(index, INDEX_COLUMNS, "write it with monai-inpaint index")
    return [dict.fromkeys(_OPTIONAL, "") | row for row in rows]


def training_slices(
    index: str | Path,
    sources: Mapping[str, Any] | None,
    split: str,
    *,
    modality: str,
    limit: int | None = None,
    healthy: bool = True,
) -> list[dict[str, Any]]:
    """One entry a slice: {"image": path, "name": str, "source": str, "slice": int | None}, and "lesion" where known.

    Fills should show healthy anatomy, so networks that fill are trained on it only: images with a finding (see
    `datasets.listing.unhealthy`) are left out, and "lesion" is the path of the mask of a lesion, whose voxels the
    readers make unknown.

    Args:
        index: see `read_index`.
        sources: the sources to use, each with the fraction (0, 1) of slices to leave out at both ends of a volume;
            None: all of the index, whole.
        split: "train" or "val".
        modality: as spelled in the index (CR, CT, MR). Files that another row names as its mask, or whose name marks
            them as label maps (see `monai_inpaint.datasets.listing.is_label_map`), are not images.
        limit: at most so many slices of each source, evenly spread over its files and slices.
        healthy: False for networks that do not fill: images with a finding are taken too, and lesions are treated like
            any other part of the image.

    Raises:
        InputError: the index is missing or damaged, or no slice is left.
    """
    index = Path(index)
    listed = read_index(index)
    sources = dict.fromkeys(sorted({row["source"] for row in listed}), 0) if sources is None else sources
    findings = unhealthy([(row["source"], row["note"]) for row in listed])
    splits = (split,) if healthy else (split, split + UNHEALTHY)
    rows = [
        row
        for row, finding in zip(listed, findings, strict=True)
        if row["split"] in splits and row["modality"] == modality and not (healthy and finding)
    ]
    labels = {row["mask"] for row in rows}
    lesions = {row["path"]: row["mask"] for row in rows if row["path"] not in labels and not is_label_map(row["path"])}
    slices: list[dict[str, Any]] = []
    for source, ends in sources.items():
        images = sorted(lesions.keys() & {row["path"] for row in rows if row["source"] == source})
        found = [
            entry | ({"lesion": str(index.parent / lesions[path])} if healthy and lesions[path] else {})
            for path in images
            for entry in _slices(index.parent / path, source, float(ends))
        ]
        step = max(len(found) / limit, 1.0) if limit else 1.0
        slices += [found[int(n * step)] for n in range(int(len(found) / step))]
    if not slices:
        raise InputError(f"{index}: no {modality} image of split {split} in the sources {', '.join(sources)}.")
    return slices


def training_volumes(index: str | Path, sources: Sequence[str], split: str, *, modality: str) -> list[dict[str, Any]]:
    """Return one entry a volume: {"image": path, "name": str, "source": str}, and "lesion" where known.

    Arguments as for `training_slices`.

    Raises:
        InputError: the index is missing or damaged, or names no such volume.
    """
    slices = training_slices(index, dict.fromkeys(sources, 0), split, modality=modality)
    volumes = {entry["image"]: entry for entry in slices if entry["slice"] is not None}
    if not volumes:
        raise InputError(f"{index}: no {modality} volume of split {split} in the sources {', '.join(sources)}.")
    return [{name: value for name, value in entry.items() if name != "slice"} for entry in volumes.values()]


def synthetic_volumes(count: int) -> list[dict[str, Any]]:
    """Return that many entries for `SynthAnatomyd`, like those of `training_volumes`: the image is a seed."""
    return [{"image": seed, "name": f"synthetic_{seed}", "source": "synthetic"} for seed in range(count)]


def fill_pairs(pairs: str | Path) -> list[dict[str, str]]:
    """Read the cases of a CSV with the columns image and hole, paths relative to it, as for `monai-inpaint batch`.

    Raises:
        InputError: no such file, or a column is missing.
    """
    return _listed(Path(pairs), ("image", "hole"))


def find_images(images: str | Path) -> list[dict[str, str]]:
    """Find the images of a CSV with the column image, paths relative to it.

    Raises:
        InputError: no such file, or the column is missing.
    """
    return _listed(Path(images), ("image",))


def repeated(entries: Sequence[Mapping[str, Any]], times: int) -> list[dict[str, Any]]:
    """Return each entry that many times, each with another name, which seeds its hole in validation."""
    return [{**entry, "name": f"{entry['name']}#{turn}"} for turn in range(times) for entry in entries]


def sample_weights(slices: Sequence[Mapping[str, Any]], shares: Mapping[str, float]) -> list[float]:
    """Return a weight for each slice such that each source is drawn with its share, however many slices it has."""
    counts = Counter(entry["source"] for entry in slices)
    return [shares[entry["source"]] / counts[entry["source"]] for entry in slices]


def metal_pairs(
    slices: Sequence[Mapping[str, Any]], shares: Mapping[str, float], count: int, first_seed: int = 0
) -> list[dict[str, Any]]:
    """Return so many entries for `SimulateMetald`: {"image", "name", "source", "slice", "seed"}.

    Args:
        slices: of `training_slices`; those that are not axial are left out.
        shares: of each of their sources among the pairs.
        count: of pairs.
        first_seed: of the first one, and of the choice of slices; the others follow.
    """
    return seeded_draws([entry for entry in slices if _is_axial(entry)], shares, count, first_seed)


def _is_axial(entry: Mapping[str, Any]) -> bool:
    if entry.get("slice") is None:
        return True
    import nibabel

    return nibabel.orientations.aff2axcodes(nibabel.load(entry["image"]).affine)[2] in "SI"


def seeded_draws(
    entries: Sequence[Mapping[str, Any]], shares: Mapping[str, float], count: int, first_seed: int
) -> list[dict[str, Any]]:
    """Draw so many entries by the shares of their sources, with the seeds `first_seed`, `first_seed` + 1, ..."""
    weights = np.array(sample_weights(entries, shares))
    chosen = np.random.default_rng(first_seed).choice(len(entries), count, p=weights / weights.sum())
    return [{**entries[number], "seed": first_seed + turn} for turn, number in enumerate(map(int, chosen))]


def _listed(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The cells of these columns as paths, relative to the CSV's folder."""
    wanted = f"give a CSV with the column{'s' if len(columns) > 1 else ''} {' and '.join(columns)}."
    if not path.is_file():
        raise InputError(f"{path}: there is no such list; {wanted}")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(columns) <= rows[0].keys():
        raise InputError(f"{path}: no cases; {wanted}")
    return [{name: str(path.parent / row[name]) for name in columns} for row in rows]


def _slices(path: Path, source: str, ends: float) -> list[dict[str, Any]]:
    entry = {"image": str(path), "name": path.name, "source": source, "slice": None}
    if not path.name.endswith((".nii", ".nii.gz")):
        return [entry]
    import nibabel

    shape = nibabel.load(path).shape
    depth = shape[2] if len(shape) > 2 else 1
    skip = int(ends * depth)
    return [entry | {"slice": k} for k in range(skip, depth - skip)]
