"""Results as nodes of the scene: what a run made, what is laid over it, and the way back."""

import json
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .colour_tables import difference_colours, map_colours
from .errors import InpaintError
from .jobs import Filled, MarkedBox
from .searches import Labelled, Mapped

# What a run leaves; the value of the attribute `Inpaint.Kind` of each node.
FILLED, DIFFERENCE, SPREAD, ABNORMALITY, LABELS, REGION = KINDS = (
    "filled",
    "difference",
    "spread",
    "abnormality",
    "labels",
    "region",
)
MAPS = (DIFFERENCE, SPREAD, ABNORMALITY)  # that are laid over a volume
# The words of `monai_inpaint.version`, which Slicer does not import.
NOTICE = "Derived image, computed by monai-inpaint. Research use only. Not for diagnosis."
_UNITS = {"cxr": "grey values", "ct": "HU", "mr": "signal"}
_REGION_COLOUR = (1.0, 0.85, 0.1)

Nodes = dict[str, Any]  # the nodes of one run, by their kind


def add_filled(result: Filled) -> Nodes:
    """Add all that a fill made as new nodes in the place of the source, under its transform.

    The filled volume, the signed difference, and where there are some the spread, the labels of metal and the region
    that was computed (a segmentation, shown as outline).

    Raises:
        InpaintError: the source is no longer in the scene.
    """
    source = _source(result.volume.node_id, result.volume.name)
    run, unit = _next_run(), _UNITS.get(result.bundle, "units of the volume")
    drawn = result.report.get("drawn", {})
    title = f"sample {drawn['seed']}" if drawn.get("fill") == "sample" else FILLED
    filled = _add(source, FILLED, result.voxels, run, title)
    if source.GetDisplayNode() is not None:
        filled.GetDisplayNode().CopyContent(source.GetDisplayNode())
    filled.SetAttribute("Inpaint.Report", json.dumps(result.report))
    difference = _add(source, DIFFERENCE, result.difference, run)
    _colour(difference, difference_colours(), -result.reach, result.reach, f"Filled - source, {unit}")
    made = {FILLED: filled, DIFFERENCE: difference}
    if result.spread is not None:
        made[SPREAD] = _add(source, SPREAD, result.spread, run)
        reach = float(result.spread.max()) or 1.0
        _colour(made[SPREAD], map_colours(), 0.0, reach, f"Predicted error, {unit}")
    if result.labels is not None:
        made[LABELS] = _add(source, LABELS, result.labels, run, "metal", "vtkMRMLLabelMapVolumeNode")
    if result.computed is not None:
        made[REGION] = _add_region(source, result.computed, run)
    return made


def add_map(result: Mapped) -> Nodes:
    """Add an abnormality map."""
    source = _source(result.volume.node_id, result.volume.name)
    node = _add(source, ABNORMALITY, result.values, _next_run())
    node.SetAttribute("Inpaint.Report", json.dumps(result.report))
    _colour(node, map_colours(), 0.0, result.reach, f"Unlike healthy anatomy, {result.unit}")
    return {ABNORMALITY: node}


def add_labels(result: Labelled) -> Nodes:
    """Add what was found as a label map."""
    source = _source(result.volume.node_id, result.volume.name)
    node = _add(source, LABELS, result.labels, _next_run(), result.what, "vtkMRMLLabelMapVolumeNode")
    return {LABELS: node}


def nodes_beside(node: "slicer.vtkMRMLNode") -> Nodes:
    """Return the nodes of the run that made a node, by their kind; empty if none of our runs did."""
    run = _run_of(node)
    return {_kind_of(other): other for other in _made() if _run_of(other) == run} if run else {}


def newest() -> Nodes:
    """Return the nodes of the last run whose result is in the scene; empty if there is none."""
    made = _made()
    return nodes_beside(max(made, key=_run_of)) if made else {}


def newest_filled() -> Any:
    """Return the filled volume that was made last; None if there is none."""
    filled = [node for node in _made() if _kind_of(node) == FILLED]
    return max(filled, key=_run_of, default=None)


def map_of(filled: "slicer.vtkMRMLScalarVolumeNode", kind: str) -> Any:
    """Return a map of a filled volume: one of its own run, or the newest abnormality map of the same source.

    Raises:
        InpaintError: there is none.
    """
    beside = nodes_beside(filled).get(kind)
    if beside is not None:
        return beside
    if kind == ABNORMALITY:
        volumes = [*line_of(filled), source_of(line_of(filled)[0])]
        maps = [node for node in _made() if _kind_of(node) == kind and source_of(node) in volumes]
        if maps:
            return max(maps, key=_run_of)
        raise InpaintError(f"There is no abnormality map for {filled.GetName()}; press Abnormality map first.")
    raise InpaintError(f"{filled.GetName()} has no {kind}; choose {kind} before you press Apply.")


def undo() -> "slicer.vtkMRMLNode | None":
    """Take the newest result out of the scene; returns the volume that it was made of, None if there was nothing."""
    made = newest()
    sources = [node.GetNodeReference("InpaintSource") for node in made.values()]
    for node in made.values():
        _remove(node)
    return next((source for source in sources if source is not None), None)


def line_of(filled: "slicer.vtkMRMLScalarVolumeNode") -> list[Any]:
    """Return the filled volumes that led to one, the first one first, and this one.

    Raises:
        InpaintError: it was not made here, or a volume that it was made of left the scene.
    """
    line, node = [], filled
    while _kind_of(node) == FILLED:
        line.append(node)
        node = source_of(node)
    if not line:
        raise InpaintError(f"{filled.GetName()} was not filled by this module.")
    return line[::-1]


def source_of(node: "slicer.vtkMRMLNode") -> Any:
    """Return the volume that a result was made of.

    Raises:
        InpaintError: it was not made here, or its source left the scene.
    """
    source = node.GetNodeReference("InpaintSource")
    if source is None:
        raise InpaintError(f"{node.GetName()} was not filled by this module, or its source left the scene.")
    return source


def report_of(filled: "slicer.vtkMRMLScalarVolumeNode") -> dict[str, Any]:
    """Return the report of the run that made a filled volume.

    Raises:
        InpaintError: it was not made here.
    """
    text = filled.GetAttribute("Inpaint.Report")
    if not text:
        raise InpaintError(f"{filled.GetName()} was not filled by this module.")
    return json.loads(text)


def computed_of(filled: "slicer.vtkMRMLScalarVolumeNode") -> MarkedBox:
    """Return the voxels that the run of a filled volume computed.

    Raises:
        InpaintError: their segmentation was removed or changed.
    """
    region = nodes_beside(filled).get(REGION)
    segment = region.GetSegmentation().GetSegment(REGION) if region is not None else None
    image = segment.GetRepresentation(_labelmap()) if segment is not None else None
    if image is None or image.GetPointData().GetScalars() is None:
        raise InpaintError(
            f"The segmentation of what was filled in {filled.GetName()} is gone, so it is not known which voxels were "
            "computed; fill again."
        )
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    first = image.GetExtent()[4::-2]
    return MarkedBox(tuple(first), voxels == segment.GetLabelValue())


def _labelmap() -> str:
    """The name of the representation as voxels."""
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def _made() -> list[Any]:
    """All nodes that runs made and that are still in the scene."""
    kinds = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")  # label maps are scalar volumes too
    return [node for kind in kinds for node in slicer.util.getNodesByClass(kind) if _run_of(node)]


def _run_of(node: "slicer.vtkMRMLNode") -> int:
    """The number of the run that made a node, from 1; 0 if none did."""
    return int(node.GetAttribute("Inpaint.Run") or 0)


def _kind_of(node: "slicer.vtkMRMLNode") -> str:
    return node.GetAttribute("Inpaint.Kind") or ""


def _next_run() -> int:
    return max(map(_run_of, _made()), default=0) + 1


def _remove(node: "slicer.vtkMRMLDisplayableNode") -> None:
    """With its displays and legend, which belong only to it."""
    displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    slicer.mrmlScene.RemoveNode(node)
    for display in displays:
        if display is not None:
            slicer.mrmlScene.RemoveNode(display)


def _source(node_id: str, name: str) -> "slicer.vtkMRMLScalarVolumeNode":
    source = slicer.mrmlScene.GetNodeByID(node_id)
    if source is None:
        raise InpaintError(f"{name} was removed from the scene meanwhile, so there is no place for the result.")
    return source


def _colour(node: Any, colours: Any, low: float, high: float, title: str) -> None:
    """Show the values in these colours, with a legend wherever they are shown."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colours.GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(low, high)
    display.SetInterpolate(False)  # between changed and unchanged voxels there is nothing to show
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    legend.SetTitleText(title)
    legend.SetVisibility(True)


def _add(
    source: "slicer.vtkMRMLScalarVolumeNode",
    kind: str,
    voxels: np.ndarray,
    run: int,
    title: str = "",
    node_class: str = "vtkMRMLScalarVolumeNode",
) -> Any:
    """A volume node in the source's geometry, called after the source and a title (default: the kind)."""
    name = slicer.mrmlScene.GenerateUniqueName(f"{source.GetName()} {title or kind}")
    node = slicer.mrmlScene.AddNewNodeByClass(node_class, name)
    node.CopyOrientation(source)
    slicer.util.updateVolumeFromArray(node, voxels)
    node.CreateDefaultDisplayNodes()
    return _join(node, source, kind, run)


def _add_region(source: "slicer.vtkMRMLScalarVolumeNode", computed: MarkedBox, run: int) -> Any:
    """A segmentation of what was computed, shown as an outline."""
    image = slicer.vtkOrientedImageData()
    k, j, i = computed.start
    depth, rows, columns = computed.voxels.shape
    image.SetExtent(i, i + columns - 1, j, j + rows - 1, k, k + depth - 1)
    image.GetPointData().SetScalars(numpy_to_vtk(computed.voxels.view(np.uint8).ravel(), deep=True))
    place = vtk.vtkMatrix4x4()
    source.GetIJKToRASMatrix(place)
    image.SetImageToWorldMatrix(place)
    segment = slicer.vtkSegment()
    segment.SetName("filled")
    segment.SetColor(*_REGION_COLOUR)
    segment.AddRepresentation(_labelmap(), image)
    name = slicer.mrmlScene.GenerateUniqueName(f"{source.GetName()} {REGION}")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetReferenceImageGeometryParameterFromVolumeNode(source)
    node.GetSegmentation().AddSegment(segment, REGION)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility2DFill(False)
    return _join(node, source, REGION, run)


def _join(node: Any, source: "slicer.vtkMRMLScalarVolumeNode", kind: str, run: int) -> Any:
    """Put a node under the source's transform and beside it in the subject hierarchy, and say what it is."""
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    node.SetDescription(NOTICE)
    node.SetAttribute("Inpaint.Kind", kind)
    node.SetAttribute("Inpaint.Run", str(run))
    node.SetNodeReferenceID("InpaintSource", source.GetID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(source)
    if item:
        parent = hierarchy.GetItemParent(item)
        own = hierarchy.GetItemByDataNode(node)
        hierarchy.SetItemParent(own, parent) if own else hierarchy.CreateItem(parent, node)
    return node
