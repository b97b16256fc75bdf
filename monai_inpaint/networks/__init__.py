"""Networks and their papers; each module's first line states its paper again. In brackets: the bundles that use it.

    InpaintUNet       our own: a masked U-net; samples in one evaluation, or by a rectified flow (cxr, ct, mr)
    ContextEncoder    Belli et al. 2018 (cxr_context_encoder, cxr_context_encoder_patches, slices_context_encoder)
    GLCIC             Iizuka et al. 2017 (glcic)
    CasNet            Armanious et al.: MedGAN 2020 and ip-MedGAN 2019 (medgan, ip_medgan)
    PartialConvUNet   Liu et al. 2018 (partial_conv)
    TextureGenerator  Shen et al. 2022, with density: the texture of nodules (nodule_texture_ct and _cxr)
    MAT               Li et al. 2022: paints a film around a finding, or a finding, as LINOP 2023 (cxr_lesion_painting)
    EdgeConnect       Nazeri et al. 2019, a comparison (configs/rows of nodule_texture_ct)
    CTSDG             Guo et al. 2021, a comparison (configs/rows of nodule_texture_ct)
    ArtifactUNet      our own: segments artifacts (artifact_segmentation)
    MetalUNet         our own: corrects CT slices with metal (ct_metal)
    NoduleShapeGenerator   Shen et al. 2022: draws outlines of nodules from noise (nodule_shape)

All but the last three are generators and keep the network contract: the input is the image with the hole zeroed, then
the hole; the output is the composited image. Discriminators are in the modules of their generators. Patch
discriminators are MONAI's `PatchDiscriminator`: 3 layers see 70x70 pixels, 2 see 34x34.
"""

from monai_inpaint.networks.block_unets import ArtifactUNet, MetalUNet
from monai_inpaint.networks.casnet import CasNet
from monai_inpaint.networks.context_encoder import ContextEncoder, ContextEncoderDiscriminator
from monai_inpaint.networks.ctsdg import CTSDG, TwoStreamDiscriminator
from monai_inpaint.networks.edge_connect import EdgeConnect, SpectralPatchDiscriminator
from monai_inpaint.networks.glcic import GLCIC, GLCICDiscriminator
from monai_inpaint.networks.image_features import SqueezeNetFeatures, Vgg19Features, load_features, load_pools
from monai_inpaint.networks.inpaint_unet import InpaintUNet
from monai_inpaint.networks.mat import MAT, MaskedDiscriminator
from monai_inpaint.networks.nodule_shape import NoduleShapeDiscriminator, NoduleShapeGenerator
from monai_inpaint.networks.partial_conv import PartialConvUNet
from monai_inpaint.networks.texture_generator import TextureDiscriminator, TextureGenerator

__all__ = [
    "CTSDG",
    "GLCIC",
    "MAT",
    "ArtifactUNet",
    "CasNet",
    "ContextEncoder",
    "ContextEncoderDiscriminator",
    "EdgeConnect",
    "GLCICDiscriminator",
    "InpaintUNet",
    "MaskedDiscriminator",
    "MetalUNet",
    "NoduleShapeDiscriminator",
    "NoduleShapeGenerator",
    "PartialConvUNet",
    "SpectralPatchDiscriminator",
    "SqueezeNetFeatures",
    "TextureDiscriminator",
    "TextureGenerator",
    "TwoStreamDiscriminator",
    "Vgg19Features",
    "load_features",
    "load_pools",
]
