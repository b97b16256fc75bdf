"""A smooth continuation for slabs: between the nearest known slices first, then towards the biharmonic equation.

Slices count as steps here, whatever their distance: anatomy often runs along the axis on which it was cut thick, and
then the slices beside say more than the voxels at the same distance in the plane. Only shifts, sums and comparisons,
no convolution: engines that round convolutions keep all of this exact.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from monai_inpaint.networks.known import plane_continuation

_DOUBLINGS = 8  # of how far a known slice is looked for: 255 slices
_STEPS = 10  # of conjugate gradients: from this start more bring little


class Start(NamedTuple):
    """Where the network starts from in a slab; every field (B, 1, D, H, W).

    Attributes:
        smooth: the continuation.
        plane: that of each slice by itself.
        before, after: the value of the nearest known voxel in the slices before and after, `smooth` where none is.
        near_before, near_after: one over the steps to it; 0 where none is, and in known voxels.
    """

    smooth: torch.Tensor
    plane: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor
    near_before: torch.Tensor
    near_after: torch.Tensor


def folded(slabs: torch.Tensor) -> torch.Tensor:
    """(B, 1, D, H, W) to (B * D, 1, H, W)."""
    return slabs.reshape(-1, 1, *slabs.shape[3:])


def slab_continuation(image: torch.Tensor, known: torch.Tensor) -> Start:
    """The slab with its hole filled smoothly in three directions; a slab of one slice as that slice by itself.

    Values along the slices are interpolated linearly between the nearest known ones and blended with the slice's own
    continuation, each weighted by one over its distance squared. A few steps of conjugate gradients on the
    biharmonic equation (see `monai_inpaint.imaging.biharmonic`) smooth the blend.

    Args:
        image: (B, 1, D, H, W), 0 in the hole; H and W multiples of 32.
        known: the same shape, 1 where known, 0 in the hole.
    """
    plane, away = (values.reshape(image.shape) for values in plane_continuation(folded(image), folded(known)))
    hole = 1.0 - known
    before, steps_before = _nearest(image, known)
    after, steps_after = (found.flip(2) for found in _nearest(image.flip(2), known.flip(2)))
    near_before, near_after = (hole * steps.reciprocal() * (steps < 1e3) for steps in (steps_before, steps_after))
    near = near_before + near_after
    through = (near_before * before + near_after * after) / near.clamp(min=1e-6)
    here = away.clamp(min=1.0) ** -2
    start = image + hole * (near**2 * through + here * plane) / (near**2 + here)
    several = (near.amax(dim=(1, 2, 3, 4), keepdim=True) > 0.0).to(image.dtype)
    smooth = _towards_biharmonic(start, hole * several)
    before = torch.where(near_before > 0.0, before, smooth)
    after = torch.where(near_after > 0.0, after, smooth)
    return Start(smooth, plane, before, after, near_before, near_after)


def _nearest(image: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Value of the nearest known voxel in this or an earlier slice, and how many slices before; 1e4 where none is."""
    number = torch.arange(image.shape[2], device=image.device, dtype=image.dtype).view(1, 1, -1, 1, 1)
    index = torch.where(known > 0.5, number, number.new_full((), -1e4))
    for power in range(_DOUBLINGS):
        step = 2**power
        earlier = F.pad(index, (0, 0, 0, 0, step, 0), value=-1e4)[:, :, : image.shape[2]]
        index = torch.maximum(index, earlier)
    found = index.clamp(min=0.0).to(torch.int64)
    steps = torch.where(index < 0.0, number.new_full((), 1e4), (number - index).clamp(min=0.5))
    return image.gather(2, found), steps


def _towards_biharmonic(start: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """A few steps of conjugate gradients on L L u = 0 in the hole, with L the Laplacian of the voxels' grid."""
    beside = [_beside(start, axis) for axis in (2, 3, 4)]

    def rows(values: torch.Tensor) -> torch.Tensor:
        return hole * _laplacian(_laplacian(values, beside), beside)

    values, residual = start, -rows(start)
    direction, size = residual, _square(residual)
    for _ in range(_STEPS):
        change = rows(direction)
        length = size / (direction * change).sum(dim=(1, 2, 3, 4), keepdim=True).clamp(min=1e-12)
        values = values + length * direction
        residual = residual - length * change
        left = _square(residual)
        direction = residual + left / size.clamp(min=1e-12) * direction
        size = left
    return values


def _square(values: torch.Tensor) -> torch.Tensor:
    return (values * values).sum(dim=(1, 2, 3, 4), keepdim=True)


def _beside(values: torch.Tensor, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The places before and after each along an axis; beyond the border lies the border itself."""
    places = torch.arange(values.shape[axis], device=values.device)
    return (places - 1).clamp(min=0), torch.minimum(places + 1, places[-1])


def _laplacian(values: torch.Tensor, beside: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Differences to the six neighbours, summed."""
    total = -6.0 * values
    for axis, (before, after) in enumerate(beside, start=2):
        total = total + values.index_select(axis, before) + values.index_select(axis, after)
    return total
