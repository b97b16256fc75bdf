"""From the parameters of the panel to jobs; raises what is missing as a sentence, before anything is started."""

from pathlib import Path
from typing import Any

import slicer

from . import dicom, regions
from .errors import InpaintError
from .exports import ExportResults
from .jobs import FillVolume, Inform, Job, ReduceMetal
from .searches import FindArtifacts, FindMetal, MapAbnormality
from .volumes import Volume, catch_volume

SEGMENT, VISIBLE, LABEL_MAP, ROI, POINT, ARTIFACTS, TEXT, METAL = REGIONS = [
    "segment",
    "all visible segments",
    "label map",
    "ROI",
    "point and radius",
    "find artifacts",
    "burned-in text",
    "find metal",
]
AUTOMATIC, *MODELS = BUNDLES = ["automatic", "cxr", "ct", "mr"]
METHODS = [AUTOMATIC, "network", "nmar", "li", "inpaint"]
DRAWN = {"best estimate": "estimate", "one sample": "sample", "best estimate and its spread": "spread"}
ESTIMATE, SAMPLE, SPREAD = DRAWN


def job_of(parameters: Any) -> Job:
    """Return what Apply does.

    Raises:
        InpaintError: something is missing or cannot be filled.
    """
    return _job_for(parameters, parameters.inputVolume)


def study_jobs(parameters: Any) -> tuple[list[Job], list[str]]:
    """Return what Apply does for every volume of the study of the chosen one, and a sentence on each left out.

    A segment, an ROI or a point lies in the patient, so each volume is filled at the same place.

    Raises:
        InpaintError: the volume belongs to no study, or none of its volumes can be filled.
    """
    jobs, left_out = [], []
    for node in volumes_of_study(parameters.inputVolume):
        try:
            jobs.append(_job_for(parameters, node))
        except InpaintError as error:
            left_out.append(str(error))
    if not jobs:
        raise InpaintError(" ".join(left_out))
    return jobs, left_out


def volumes_of_study(node: Any) -> list[Any]:
    """Return the scalar volumes in the study of a volume, those that were not made here.

    Raises:
        InpaintError: no volume, or it belongs to no study.
    """
    if node is None:
        raise InpaintError("No volume is chosen; choose one of the study.")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelStudy()

    def study_of(volume: Any) -> int:
        return hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(volume), level)

    study = study_of(node)
    if not study:
        raise InpaintError(f"{node.GetName()} belongs to no study; put it into one in the module Data.")
    return [
        other
        for other in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if not other.IsA("vtkMRMLLabelMapVolumeNode")
        and not other.GetAttribute("Inpaint.Run")
        and study_of(other) == study
    ]


def find_job(parameters: Any) -> Job:
    """Return the job that only shows what is found: metal or other artifacts.

    Raises:
        InpaintError: no volume, or its modality is not known.
    """
    volume = catch_volume(parameters.inputVolume)
    if parameters.region == ARTIFACTS:
        return FindArtifacts(volume)
    return FindMetal(volume, bundle_of(parameters, volume), _threshold(parameters))


def map_job(parameters: Any) -> MapAbnormality:
    """Return the job that maps what is unlike healthy anatomy.

    Raises:
        InpaintError: no volume, or its modality is not known.
    """
    volume = catch_volume(parameters.inputVolume)
    return MapAbnormality(volume, bundle_of(parameters, volume))


def inform_job(parameters: Any) -> Inform:
    """Return the job that asks what the package has, and what memory this fill takes where it is known."""
    try:
        return Inform(catch_volume(parameters.inputVolume), region_of(parameters))
    except InpaintError:  # nothing to fill yet
        return Inform()


def export_job(parameters: Any, parent: Path, for_database: bool = False) -> ExportResults:
    """Return the job that writes all DICOM objects of the filled volume into a new folder in `parent`.

    Args:
        parameters: of the panel.
        parent: of the new folder.
        for_database: the objects are to go from there into Slicer's DICOM database.

    Raises:
        InpaintError: nothing was filled, or see `dicom.export_results_job`.
    """
    if parameters.filledVolume is None:
        raise InpaintError("There is no filled volume to export; press Apply first.")
    database = getattr(slicer, "dicomDatabase", None)
    return dicom.export_results_job(parameters.filledVolume, database, parent, for_database)


def region_of(parameters: Any) -> regions.SceneRegion | None:
    """Return the region that the parameters name; None where it is to be found.

    Raises:
        InpaintError: it is missing or empty, or lies under a transform that is not linear.
    """
    kind = parameters.region
    if kind == SEGMENT:
        return regions.catch_segment(parameters.segmentation, parameters.segment)
    if kind == VISIBLE:
        return regions.catch_visible_segments(parameters.segmentation)
    if kind == LABEL_MAP:
        return regions.catch_label_map(parameters.labelMap)
    if kind == POINT:
        return regions.catch_point(parameters.point, parameters.radius)
    if kind in (ROI, TEXT):
        return regions.catch_roi(parameters.roi, regions.TextBox if kind == TEXT else regions.Box)
    return None


def bundle_of(parameters: Any, volume: Volume) -> str:
    """Return the model that was chosen, or that of the volume's modality.

    Raises:
        InpaintError: the modality is not known.
    """
    if parameters.bundle != AUTOMATIC:
        return parameters.bundle
    if volume.modality is None:
        raise InpaintError(
            f"{volume.name} does not state its modality, as it was not loaded from DICOM; choose a model."
        )
    return volume.modality


def _job_for(parameters: Any, node: Any) -> Job:
    volume = catch_volume(node)
    bundle = bundle_of(parameters, volume)
    if parameters.region == METAL:
        method = None if parameters.method == AUTOMATIC else parameters.method
        return ReduceMetal(volume, bundle, _threshold(parameters), parameters.keepMetal, method)
    region, drawn = region_of(parameters), DRAWN[parameters.drawn]
    return FillVolume(volume, region, bundle, parameters.grow, drawn, parameters.seed)


def _threshold(parameters: Any) -> float | None:
    return None if parameters.judgeThreshold else parameters.metalThreshold
