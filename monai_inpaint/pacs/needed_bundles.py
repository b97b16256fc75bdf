"""Which bundles rules need, and a folder with these alone, as a container takes them along."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.modality import FROM_DICOM
from monai_inpaint.io import check_output
from monai_inpaint.io.atomic import staged
from monai_inpaint.metal.methods import METHODS, choose
from monai_inpaint.pacs.rules import METAL, Rule
from monai_inpaint.registry import BundleInfo, find_generator

_NOT_RUN = ("eval", "runs", "rows", "__pycache__")  # what a bundle holds that does not fill


def bundles_for(rules: Sequence[Rule]) -> list[BundleInfo]:
    """Return the bundles that fill by the rules, by name.

    A metal rule for CT that leaves the method open needs two: which one fills depends on whether ASTRA is
    installed where it runs.

    Raises:
        InputError: a rule names a bundle that does not exist, or is for something else.
    """
    needed: dict[Path, BundleInfo] = {}
    for number, rule in enumerate(rules, start=1):
        try:
            needed |= {bundle.path: bundle for bundle in _of(rule)}
        except InputError as error:
            raise InputError(f"Rule {number}: {error}") from error
    return sorted(needed.values(), key=lambda bundle: bundle.name)


def gather(rules: Sequence[Rule], folder: Path) -> list[str]:
    """Copy the bundles that the rules need into a new folder; returns their names.

    Raises:
        InputError: as `bundles_for` says; or the folder exists, or cannot be written.
    """
    check_output(folder)
    needed = bundles_for(rules)
    with staged(folder, folder=True) as place:
        for bundle in needed:
            shutil.copytree(bundle.path, place / bundle.path.name, ignore=shutil.ignore_patterns(*_NOT_RUN))
    return [bundle.name for bundle in needed]


def _of(rule: Rule) -> list[BundleInfo]:
    modality = FROM_DICOM[rule.modality]
    if rule.hole != METAL:
        bundle = find_generator(rule.bundle or modality)
        if modality not in bundle.modalities:
            raise InputError(f"The bundle {bundle.name} does not fill {rule.modality} images; name another one.")
        return [bundle]
    left_open = modality == "ct" and rule.method is None and rule.bundle in (None, modality)
    methods = METHODS if left_open else [rule.method]
    chosen = (choose(modality, method, rule.bundle)[1] for method in methods)
    return [bundle for bundle in chosen if bundle]
