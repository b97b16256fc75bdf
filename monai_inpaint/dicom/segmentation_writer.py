"""The hole as a DICOM segmentation, so that every computed voxel stays identifiable."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from monai_inpaint.dicom.codes import load
from monai_inpaint.dicom.evidence import Evidence, adopt_study
from monai_inpaint.io.dicom.derive import new_uid, series_number
from monai_inpaint.version import __version__

LABEL = "Computed, not measured"


def hole_segmentation(evidence: Evidence, hole: np.ndarray, derived: dict[str, str], *, found: bool) -> Dataset:
    """Return a binary segmentation with one segment, on the slices of the hole.

    Args:
        evidence: of the source.
        hole: bool, of the source's shape.
        derived: {"description", "model", "version", "label"}.
        found: a program chose the hole, not a person.
    """
    seg = load("seg")
    how: dict[str, Any] = {"algorithm_type": "MANUAL"}
    if found:
        family = codes.cid7162.ArtificialIntelligence
        identification = load("").AlgorithmIdentificationSequence(derived["model"], family, derived["version"])
        how = {"algorithm_type": "AUTOMATIC", "algorithm_identification": identification}
    segment = seg.SegmentDescription(
        1, LABEL, codes.SCT.SpatialAndRelationalConcept, codes.DCM.SelectedRegion, tracking_uid=new_uid(),
        tracking_id="hole 1", **how,
    )  # fmt: skip
    dataset = seg.Segmentation(
        evidence.images,
        evidence.planes(hole).astype(np.uint8),
        "BINARY",
        [segment],
        new_uid(),
        series_number(evidence.first, 1),
        new_uid(),
        1,
        manufacturer="monai-inpaint",
        manufacturer_model_name=derived["model"],
        software_versions=__version__,
        device_serial_number="none",
        content_label="COMPUTED_REGION",
        content_description=derived["description"],
        omit_empty_frames=False,
        series_description=f"Region: {derived['label']}",
        **evidence.places(),
    )
    if "PatientOrientation" in evidence.first:  # films tell no other
        dataset.PatientOrientation = evidence.first.PatientOrientation
    adopt_study(dataset, evidence.first)
    return dataset
