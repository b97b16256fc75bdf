"""MONAI dictionary transforms that turn images into training windows with holes."""

from monai_inpaint.transforms.cases import ReadCased, SaveFilled
from monai_inpaint.transforms.hole import RandHoled, SeededHoled
from monai_inpaint.transforms.intensity import RandContrastd, RandHounsfieldd
from monai_inpaint.transforms.pyramid import ReadPyramidd
from monai_inpaint.transforms.window import CentreWindowd, RandWindowd

__all__ = [
    "CentreWindowd",
    "RandContrastd",
    "RandHoled",
    "RandHounsfieldd",
    "RandWindowd",
    "ReadCased",
    "ReadPyramidd",
    "SaveFilled",
    "SeededHoled",
]
