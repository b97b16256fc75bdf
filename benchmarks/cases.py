"""Cases of a data list for benchmarks that look into single fills."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.setting import Options
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import Case
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.evaluation.protocols import find_protocol
from monai_inpaint.io import read_image


def cases_of(options: Options, modality: str, protocol: str, images: int) -> Iterator[Case]:
    """Cases of so many images (or `options.limit`), the first in a seeded order that fit the protocol."""
    assert options.data is not None
    try:
        entries = read_data_list(options.data, split=options.split, modality=modality)
    except InputError:  # the list holds no such image
        return
    used = 0
    for number in np.random.default_rng(options.seed).permutation(len(entries)):
        entry = entries[number]
        try:
            cases, _ = find_protocol(protocol).cases(
                read_image(entry.path), None, modality=modality, name=entry.name, patient=entry.patient,
                seed=options.seed,
            )  # fmt: skip
        except InputError:  # `evaluate` names such images
            continue
        yield from cases
        used += bool(cases)
        if used == (options.limit or images):
            return
