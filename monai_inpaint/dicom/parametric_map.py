"""A difference or a spread as a DICOM Parametric Map: floating-point numbers in the image's units."""

from __future__ import annotations

from enum import Enum

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from monai_inpaint.dicom.codes import load
from monai_inpaint.dicom.evidence import Evidence, adopt_study
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.dicom.derive import new_uid, series_number
from monai_inpaint.version import __version__


class Kind(Enum):
    """Content of a map: its name, what its values are, the offset of its series' number, and how it was computed."""

    DIFFERENCE = ("Difference", "result - source", 2, "SUBTRACTION")
    SPREAD = ("Error to expect", "error to expect of the result", 3, "STD_DEVIATION")


def parametric_map(
    evidence: Evidence, values: np.ndarray, source: Image, derived: dict[str, str], kind: Kind
) -> Dataset:
    """Return a map on the slices of the hole.

    Args:
        evidence: of the source, with places.
        values: float32, of the planes of `evidence`: (slices, rows, columns), in units (HU for CT).
        source: whose units they are.
        derived: {"description", "model", "version", "label"}.
        kind: what the values are.
    """
    pm, content = load("pm"), load("content")
    name, values_are, offset, contrast = kind.value
    low, high = float(values.min()), float(values.max())
    reach = max(abs(low), abs(high)) or 1.0
    window = (0.0, 2 * reach) if kind is Kind.DIFFERENCE else (reach / 2, reach)
    unit = codes.UCUM.HounsfieldUnit if source.modality == "ct" else codes.UCUM.NoUnits
    dataset = pm.ParametricMap(
        evidence.images,
        values.astype(np.float32, copy=False),
        new_uid(),
        series_number(evidence.first, offset),
        new_uid(),
        1,
        manufacturer="monai-inpaint",
        manufacturer_model_name=derived["model"],
        software_versions=__version__,
        device_serial_number="none",
        contains_recognizable_visual_features=evidence.first.get("RecognizableVisualFeatures") != "NO",
        real_world_value_mappings=[pm.RealWorldValueMapping(kind.name, values_are, unit, (low, high), 1.0, 0.0)],
        voi_lut_transformations=[content.VOILUTTransformation(*window)],
        content_label=kind.name,
        content_description=derived["description"][:64],
        derived_pixel_contrast=contrast,
        derivation=codes.cid7203.PixelByPixelSubtraction if kind is Kind.DIFFERENCE else None,
        series_description=f"{name}: {derived['label']}",
        **evidence.places(),
    )
    dataset.SyntheticData, dataset.Laterality = "YES", evidence.first.get("Laterality") or ""
    adopt_study(dataset, evidence.first)
    return dataset
