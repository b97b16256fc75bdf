"""Losses that look at the hole only and do not depend on its size."""

from monai_inpaint.losses.hole import HoleRMSE

__all__ = ["HoleRMSE"]
