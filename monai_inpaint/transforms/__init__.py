"""MONAI dictionary transforms that turn images into training windows with holes, or with artifacts."""

from monai_inpaint.transforms.anatomy import SynthAnatomyd, SynthContrastd
from monai_inpaint.transforms.artifact import Middled, RandArtifactd
from monai_inpaint.transforms.cases import ReadCased, SaveFilled
from monai_inpaint.transforms.found import ReadImaged, SaveCorrected, SaveFound
from monai_inpaint.transforms.hole import RandHoled, SeededHoled
from monai_inpaint.transforms.hole_slab import RandHoledSlabd
from monai_inpaint.transforms.intensity import RandContrastd, RandHounsfieldd, RandNoised
from monai_inpaint.transforms.lungs import LungBoxesd, RandLungWindowsd
from monai_inpaint.transforms.metal import RandAroundMetald, SimulateMetald
from monai_inpaint.transforms.millimetre import Millimetred, RandSlicesd
from monai_inpaint.transforms.pyramid import ReadPyramidd
from monai_inpaint.transforms.seeded import Seeded
from monai_inpaint.transforms.slab import RandSlabd
from monai_inpaint.transforms.square import RandSquared
from monai_inpaint.transforms.starts import RandStartedSlicesd, Unstartedd
from monai_inpaint.transforms.volume import ReadVolumed
from monai_inpaint.transforms.window import CentreWindowd, RandWindowd

__all__ = [
    "CentreWindowd",
    "LungBoxesd",
    "Middled",
    "Millimetred",
    "RandAroundMetald",
    "RandArtifactd",
    "RandContrastd",
    "RandHoled",
    "RandHoledSlabd",
    "RandHounsfieldd",
    "RandLungWindowsd",
    "RandNoised",
    "RandSlabd",
    "RandSlicesd",
    "RandSquared",
    "RandStartedSlicesd",
    "RandWindowd",
    "ReadCased",
    "ReadImaged",
    "ReadPyramidd",
    "ReadVolumed",
    "SaveCorrected",
    "SaveFilled",
    "SaveFound",
    "Seeded",
    "SeededHoled",
    "SimulateMetald",
    "SynthAnatomyd",
    "SynthContrastd",
    "Unstartedd",
]
