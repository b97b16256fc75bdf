"""Generators: every network keeps the network contract (image with the hole zeroed, then the hole; composited)."""

from monai_inpaint.networks.inpaint_unet import InpaintUNet

__all__ = ["InpaintUNet"]
