"""The BraTS challenge of local synthesis (inpainting) as published: T1 volumes of brains with a tumour.

Kofler et al., arXiv 2305.08992. One folder a brain, such as BraTS-GLI-01337-001 (patient 01337, second visit), with
files of the same beginning: -t1n, -t1n-voided, -mask, and in the training set -mask-healthy and -mask-unhealthy.
"""

from __future__ import annotations

from pathlib import Path

from monai_inpaint.datasets.listing import Listing, Row
from monai_inpaint.errors import InputError

_VOIDED = "t1n-voided.nii.gz"


def read_brats(folder: Path) -> Listing:
    """Read the brains of the folder and of folders below.

    Rows are the whole volumes (-t1n): their mask is the tumour (-mask-unhealthy), their hole the region of healthy
    tissue that the challenge hides and measures (-mask-healthy). They have no split yet. Pairs are the voided volumes
    and their holes (-mask), tumour included, with the outputs' names as the challenge wants them.

    Raises:
        InputError: there is no brain, or one lacks a file.
    """
    rows, pairs = [], []
    for voided in sorted(folder.rglob(f"*-{_VOIDED}")):
        brain = voided.name.removesuffix(f"-{_VOIDED}")
        truth, hole, tumour, healthy = (
            voided.with_name(f"{brain}-{part}.nii.gz") for part in ("t1n", "mask", "mask-unhealthy", "mask-healthy")
        )
        for path in (hole, tumour, healthy) if truth.is_file() else (hole,):
            if not path.is_file():
                raise InputError(f"{path} is missing; download this brain again or remove its folder.")
        pairs.append((voided, hole, f"{brain}-t1n-inference.nii.gz"))
        if truth.is_file():
            patient = brain.rpartition("-")[0] or brain  # the last number counts the visits
            rows.append(Row(truth, "brats", "MR", patient, mask=tumour, hole=healthy))
    if not pairs:
        raise InputError(f"{folder}: contains no brain (*-t1n-voided.nii.gz); give the folder as published.")
    return Listing(rows, pairs=pairs)
