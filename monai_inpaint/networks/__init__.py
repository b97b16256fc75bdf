"""Generators, which keep the network contract (image with the hole zeroed, then the hole; composited), and what judges
the published ones. Their patch discriminators are MONAI's `PatchDiscriminator`: 3 layers see 70x70, 2 see 34x34.
`ArtifactUNet` and `MetalUNet` are not generators: one marks artifacts, the other corrects CT slices with metal.
"""

from monai_inpaint.networks.artifact_unet import ArtifactUNet
from monai_inpaint.networks.casnet import CasNet
from monai_inpaint.networks.context_encoder import ContextEncoder, ContextEncoderDiscriminator
from monai_inpaint.networks.glcic import GLCIC, GLCICDiscriminator
from monai_inpaint.networks.image_features import SqueezeNetFeatures, Vgg19Features, load_features
from monai_inpaint.networks.inpaint_unet import InpaintUNet
from monai_inpaint.networks.metal_unet import MetalUNet
from monai_inpaint.networks.partial_conv import PartialConvUNet

__all__ = [
    "GLCIC",
    "ArtifactUNet",
    "CasNet",
    "ContextEncoder",
    "ContextEncoderDiscriminator",
    "GLCICDiscriminator",
    "InpaintUNet",
    "MetalUNet",
    "PartialConvUNet",
    "SqueezeNetFeatures",
    "Vgg19Features",
    "load_features",
]
