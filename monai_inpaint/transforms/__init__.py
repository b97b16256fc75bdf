"""MONAI dictionary transforms that turn images into training windows with holes, artifacts or nodules."""

from monai_inpaint.transforms.anatomy import SynthAnatomyd, SynthContrastd
from monai_inpaint.transforms.artifact import CentreCropd, RandArtifactd
from monai_inpaint.transforms.boxed_nodule import CutBoxedNoduled
from monai_inpaint.transforms.cases import (
    ReadFillPaird,
    ReadImaged,
    SaveCorrected,
    SaveFilled,
    SaveFound,
    SaveNodules,
    SavePainted,
)
from monai_inpaint.transforms.hole import FixedHoled, RandHoled, RandSquareHoled
from monai_inpaint.transforms.hole_slab import RandHoledSlabd
from monai_inpaint.transforms.intensity import RandContrastd, RandHounsfieldd, RandNoised
from monai_inpaint.transforms.lesion_film import FixedLesionFilmd, RandLesionFilmd
from monai_inpaint.transforms.lung_windows import LungBoxesd, RandLungWindowsd
from monai_inpaint.transforms.millimetre import RandSlicesd, Resample1mmd
from monai_inpaint.transforms.nodule_holes import NoduleHoled, RandNoduleWindowd, ReadNoduleCropd
from monai_inpaint.transforms.nodules import RandNodulesd
from monai_inpaint.transforms.normalise_outline import NormaliseOutlined, SaveOutlined
from monai_inpaint.transforms.outpainting import FixedLatentd, FixedOutpaintd, RandFilmd, RandLatentd, RandOutpaintd
from monai_inpaint.transforms.projected_nodule import ProjectNoduled
from monai_inpaint.transforms.pyramid import ReadPyramidd
from monai_inpaint.transforms.read_volume import ReadVolumed
from monai_inpaint.transforms.repeatable import Repeatable
from monai_inpaint.transforms.simulated_metal import RandAroundMetald, SimulateMetald
from monai_inpaint.transforms.slab import RandSlabd
from monai_inpaint.transforms.starts import RandStartedSlicesd, Unstartedd
from monai_inpaint.transforms.window import CentreWindowd, RandWindowd

# The former names, by which configurations of earlier versions call them; for this release.
Middled, Millimetred, RandSquared = CentreCropd, Resample1mmd, RandSquareHoled
ReadCased, Seeded, SeededHoled = ReadFillPaird, Repeatable, FixedHoled

__all__ = [
    "CentreCropd",
    "CentreWindowd",
    "CutBoxedNoduled",
    "FixedHoled",
    "FixedLatentd",
    "FixedLesionFilmd",
    "FixedOutpaintd",
    "LungBoxesd",
    "Middled",
    "Millimetred",
    "NormaliseOutlined",
    "RandAroundMetald",
    "ProjectNoduled",
    "RandArtifactd",
    "RandContrastd",
    "RandFilmd",
    "NoduleHoled",
    "RandHoled",
    "RandHoledSlabd",
    "RandHounsfieldd",
    "RandLatentd",
    "RandLesionFilmd",
    "RandLungWindowsd",
    "RandNodulesd",
    "RandNoduleWindowd",
    "RandNoised",
    "RandOutpaintd",
    "RandSlabd",
    "RandSlicesd",
    "RandSquareHoled",
    "RandSquared",
    "RandStartedSlicesd",
    "RandWindowd",
    "ReadCased",
    "ReadFillPaird",
    "ReadImaged",
    "ReadNoduleCropd",
    "ReadPyramidd",
    "ReadVolumed",
    "Repeatable",
    "Resample1mmd",
    "SaveCorrected",
    "SaveFilled",
    "SaveFound",
    "SaveOutlined",
    "SaveNodules",
    "SavePainted",
    "Seeded",
    "SeededHoled",
    "SimulateMetald",
    "SynthAnatomyd",
    "SynthContrastd",
    "Unstartedd",
]
