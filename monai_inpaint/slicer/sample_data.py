"""Sample volumes in Slicer's module Sample Data: two of Slicer's own, and two that are computed here, of no patient."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from .nifti import read_nifti

_STORE = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/"
_VOLUMES = (
    ("InpaintMRHead", "MR-head.nrrd", "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"),
    ("InpaintCTChest", "CT-chest.nrrd", "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"),
)
COMPUTED = {"InpaintFilm": "film", "InpaintHip": "hip"}  # a chest film with a pacemaker, a CT slice with a metal hip


@dataclass(frozen=True, eq=False)
class ComputedSample:
    """An image of no patient.

    Attributes:
        name: for its node.
        voxels: (k, j, i).
        hole: (k, j, i) uint8, 1 where something is to be filled.
        ijk_to_ras: (4, 4).
    """

    name: str
    voxels: np.ndarray
    hole: np.ndarray
    ijk_to_ras: np.ndarray


@dataclass(frozen=True)
class MakeSample:
    """Compute a sample; `name` is one of `COMPUTED`."""

    name: str

    @property
    def title(self) -> str:
        return f"{self.name}: compute"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        return ["-m", "monai_inpaint.demo.computed_sample", COMPUTED[self.name], str(folder)]

    def collect(self, folder: Path, messages: list[str]) -> ComputedSample:
        """See `Job.collect`."""
        place = np.array(json.loads((folder / "place.json").read_text(encoding="utf-8")))
        return ComputedSample(self.name, read_nifti(folder / "image.nii"), read_nifti(folder / "hole.nii"), place)


def add_sample(sample: ComputedSample) -> Any:
    """Add a sample to the scene as a volume, and what is to be filled as a segmentation; returns the volume node."""
    name = slicer.mrmlScene.GenerateUniqueName(sample.name)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(volume, sample.voxels)
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(sample.ijk_to_ras))
    volume.CreateDefaultDisplayNodes()
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{name} to fill")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segmentation.CreateDefaultDisplayNodes()
    segmentation.GetSegmentation().AddEmptySegment("to fill", "to fill")
    slicer.util.updateSegmentBinaryLabelmapFromArray(sample.hole, segmentation, "to fill", volume)
    return volume


def register(icon: Path, compute: Callable[[str], Any]) -> None:
    """Register the samples under the category Inpaint, with the module's icon.

    Args:
        icon: its path.
        compute: makes one of `COMPUTED` and returns its volume node.
    """
    import SampleData

    register_source = SampleData.SampleDataLogic.registerCustomSampleDataSource
    for name, file, checksum in _VOLUMES:
        register_source(
            category="Inpaint",
            sampleName=name,
            thumbnailFileName=str(icon),
            uris=_STORE + checksum,
            fileNames=file,
            checksums=f"SHA256:{checksum}",
            nodeNames=name,
        )
    for name in COMPUTED:
        register_source(
            category="Inpaint",
            sampleName=name,
            thumbnailFileName=str(icon),
            customDownloader=lambda _source, name=name: compute(name),
        )
