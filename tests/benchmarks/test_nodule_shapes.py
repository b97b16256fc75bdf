"""Copies of training outlines are found, turned and mirrored ones too."""

from __future__ import annotations

import numpy as np

from benchmarks.nodule_shapes import nearest_distances
from monai_inpaint.synthesis.nodules.outline import field_of


def lobe(radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:128, :128] - 63.5
    return field_of((np.hypot(rows, columns) < radius) | (np.hypot(rows - radius, columns - 6) < radius / 2))


def test_a_turned_and_mirrored_copy_has_no_distance_and_another_outline_has() -> None:
    train = [lobe(20), lobe(24)]

    copy, other = nearest_distances([np.rot90(train[0][:, ::-1]), lobe(22)], train)

    assert copy < 1e-2
    assert other > 0.5
