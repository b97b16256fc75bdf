"""The hole and other regions as a DICOM segmentation, so that every computed voxel stays identifiable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from monai_inpaint.dicom.codes import load
from monai_inpaint.dicom.evidence import Evidence, adopt_study
from monai_inpaint.io.dicom.derive import new_uid, series_number
from monai_inpaint.version import __version__

HOLE, METAL, AFFECTED = "Computed, not measured", "Metal", "Affected by metal"
_CODES = {  # category and type
    HOLE: (codes.SCT.SpatialAndRelationalConcept, codes.DCM.SelectedRegion),
    METAL: (codes.SCT.PhysicalObject, codes.SCT.Implant),
    AFFECTED: (codes.SCT.SpatialAndRelationalConcept, codes.DCM.ImageArtifacts),
}


def segmentation(
    evidence: Evidence, regions: Mapping[str, np.ndarray], derived: dict[str, str], *, found: bool
) -> Dataset:
    """Return a binary segmentation with one segment a region, on the slices of the evidence.

    Args:
        evidence: of the images of the regions.
        regions: bool, of the images' shape; by name: `HOLE`, `METAL`, `AFFECTED`.
        derived: {"description", "model", "version", "label"}.
        found: a program chose the regions, not a person.
    """
    seg = load("seg")
    how: dict[str, Any] = {"algorithm_type": "MANUAL"}
    if found:
        family = codes.cid7162.ArtificialIntelligence
        identification = load("").AlgorithmIdentificationSequence(derived["model"], family, derived["version"])
        how = {"algorithm_type": "AUTOMATIC", "algorithm_identification": identification}
    segments = [
        seg.SegmentDescription(number, name, *_CODES[name], tracking_uid=new_uid(), tracking_id=f"{name} 1", **how)
        for number, name in enumerate(regions, start=1)
    ]
    dataset = seg.Segmentation(
        evidence.images,
        np.stack([evidence.planes(region) for region in regions.values()], axis=-1, dtype=np.uint8),
        "BINARY",
        segments,
        new_uid(),
        series_number(evidence.first, 1),
        new_uid(),
        1,
        manufacturer="monai-inpaint",
        manufacturer_model_name=derived["model"],
        software_versions=__version__,
        device_serial_number="none",
        content_label="COMPUTED_REGION",
        content_description=derived["description"][:64],
        omit_empty_frames=False,
        series_description=f"Region: {derived['label']}",
        **evidence.places(),
    )
    if "PatientOrientation" in evidence.first:  # films state no other orientation
        dataset.PatientOrientation = evidence.first.PatientOrientation
    adopt_study(dataset, evidence.first)
    return dataset
