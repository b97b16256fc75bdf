"""How far samples of the same hole lie apart: the network's own doubt, voxel by voxel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.fill.compose import Patch


def spread_of(samples: Sequence[Sequence[Patch]]) -> list[Patch]:
    """Standard deviation over at least two samples (with n - 1), in units, as patches like theirs."""
    return [
        Patch(parts[0].index, parts[0].hole, np.std([part.units for part in parts], axis=0, ddof=1, dtype=np.float64))
        for parts in zip(*samples, strict=True)
    ]
