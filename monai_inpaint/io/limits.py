"""Limits of what a header may claim, checked before memory is allocated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.paths import regular_file

VOXELS = 2**33  # of an image; 512 x 512 x 32768
PIXELS = 2**27  # of a plane; four times the largest mammogram
DEFLATED = 1100  # deflate shrinks no more than about 1030 times
BZIPPED = 1_200_000  # bzip2 shrinks zeros a million times
CODED = 1100  # pictures; codecs with arithmetic coding reach more on empty ones, which are small: see `_SMALL`
_SMALL = 2**26  # bytes that any compressed file may claim; two films


def check_claim(
    path: Path,
    shape: Sequence[int],
    itemsize: float,
    available: int | None = None,
    *,
    packed: float = 1,
    name: str = "",
) -> None:
    """Refuse a header that states more voxels than its file can contain or than any image has.

    Args:
        shape: as stated in the header, whole numbers of any size and sign.
        itemsize: bytes of a voxel with all its channels; less than 1 for single bits.
        available: bytes of the voxels; None: the whole file.
        packed: how many times fewer bytes compression may make of them at most (`DEFLATED`, ...); 1: none.
        name: what errors call it; its path if empty.

    Raises:
        InputError: see above.
    """
    name = name or str(path)
    shape = [int(n) for n in shape]  # numpy's whole numbers overflow
    claimed = " x ".join(str(n)[:20] for n in shape[:8]) + (" x ..." if len(shape) > 8 else "")
    if min(shape, default=0) < 1:
        raise InputError(f"{name} contains no voxels: its header says {claimed or 'nothing of its shape'}; repair it.")
    count = math.prod(shape)
    if count > VOXELS:
        raise InputError(f"{name} claims to hold {claimed} voxels, more than any image; repair its header.")
    if available is None:
        available = regular_file(path)
    most = available * packed if packed <= 1 else max(available * packed, _SMALL)
    if count * itemsize > most:
        raise InputError(
            f"{name} is cut short or damaged: its header says {claimed} voxels, more than {available} bytes hold; "
            "copy it again."
        )
