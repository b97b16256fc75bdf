"""Cases of a data list for benchmarks that look into single fills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.setting import Options
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.evaluation.protocol_table import find_protocol
from monai_inpaint.evaluation.run import lesion_of
from monai_inpaint.io import read_image

# DICOM files of val that show slices of train, found by patient and voxel values.
COPIES = "ct/tcga_dicom/"


def cases_of(
    options: Options, modality: str, protocol: str, images: int, *, source: str | None = None, draws: int = 1
) -> Iterator[EvaluationCase]:
    """Cases of so many images (or `options.limit`), the first in a seeded order that fit the protocol.

    Args:
        options: with the data list, of which `COPIES` are left out, and the seed.
        modality: "cxr", "ct" or "mr".
        protocol: its name.
        images: at most so many.
        source: of the list's rows; None takes all.
        draws: how often holes are drawn in each image, with the seeds that follow the first.
    """
    assert options.data is not None
    try:
        entries = read_data_list(options.data, split=options.split, source=source, modality=modality)
    except InputError:  # the list holds no such image
        return
    chosen = find_protocol(protocol)
    used = 0
    for number in np.random.default_rng(options.seed).permutation(len(entries)):
        entry = entries[number]
        if entry.name.startswith(COPIES):
            continue
        found: list[EvaluationCase] = []
        try:
            image = read_image(entry.path)
            lesion = lesion_of(entry, image) if chosen.lesions else None
            for draw in range(draws):
                cases, _ = chosen.cases(
                    image, lesion, modality=modality, name=entry.name, patient=entry.patient, seed=options.seed + draw
                )
                found += [replace(case, name=f"{case.name}, draw {draw + 1}") for case in cases] if draw else cases
        except InputError:  # `evaluate` names such images
            continue
        yield from found
        used += bool(found)
        if used == (options.limit or images):
            return
