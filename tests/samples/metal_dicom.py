"""Scans with metal as DICOM series, and what is read back of the regions in their results."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pydicom
import pytest
from io_samples import dicom_series
from metal_scans import SPACING

from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.imaging.image import Image
from monai_inpaint.regions.segmentation_reader import read_segmentation
from monai_inpaint.regions.structure_set_reader import read_structures

METHODS = ["inpaint"] + [
    pytest.param(name, marks=pytest.mark.skipif(find_spec("astra") is None, reason="needs astra-toolbox"))
    for name in ("li", "nmar", "network")
]


def hip_series(folder: Path, hip: Image, **elements) -> Path:
    """A scan of `metal_scans` as a series of unsigned values, 16 bits."""
    stored = (hip.voxels.astype(int) + 1024).astype(np.uint16).transpose(2, 1, 0)
    scale = {"PixelSpacing": list(SPACING[:2]), "RescaleSlope": 1, "RescaleIntercept": -1024}
    return dicom_series(folder, stored, spacing=SPACING[2], **scale, **elements)


def segments_in(path: Path, image: Image) -> dict[str, np.ndarray]:
    """Every segment of a SEG on the grid of the image, by our reader."""
    names = [str(segment.SegmentLabel) for segment in pydicom.dcmread(path).SegmentSequence]
    return {name: _on_grid(read_segmentation(path, image, name).image, image) for name in names}


def rois_in(path: Path, image: Image) -> dict[str, np.ndarray]:
    """Every ROI of an RTSTRUCT on the grid of the image, by our reader."""
    names = [str(roi.ROIName) for roi in pydicom.dcmread(path).StructureSetROISequence]
    return {name: read_structures(path, image, name).image.voxels for name in names}


def _on_grid(region: Image, image: Image) -> np.ndarray:
    return align_hole(region, image).voxels
