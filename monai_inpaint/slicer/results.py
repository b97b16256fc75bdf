"""Results as nodes of the scene: the filled volume, and the difference to be laid over it."""

import json
from typing import Any

import numpy as np
import slicer

from .errors import InpaintError
from .jobs import Filled, Labelled

_COLOURS = "Inpaint difference"
_STEPS = 256
_CLEAR = 0.06  # part of the range around no change that is transparent
# The words of `monai_inpaint.version`, which Slicer does not import.
NOTICE = "Derived image, computed by monai-inpaint. Research use only. Not for diagnosis."


def add_filled(result: Filled) -> tuple["slicer.vtkMRMLScalarVolumeNode", "slicer.vtkMRMLScalarVolumeNode"]:
    """Add the filled volume and the signed difference, as new nodes in the place of the source, under its transform.

    Raises:
        InpaintError: the source is no longer in the scene.
    """
    source = _source(result.volume.node_id, result.volume.name)
    filled = _add(source, f"{source.GetName()} filled", result.voxels)
    if source.GetDisplayNode() is not None:
        filled.GetDisplayNode().CopyContent(source.GetDisplayNode())
    filled.SetAttribute("Inpaint.Report", json.dumps(result.report))
    filled.SetNodeReferenceID("InpaintSource", source.GetID())
    difference = _add(source, f"{source.GetName()} difference", result.difference)
    display = difference.GetDisplayNode()
    display.SetAndObserveColorNodeID(difference_colours().GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(-result.reach, result.reach)
    display.SetInterpolate(False)  # between changed and unchanged voxels there is nothing to show
    return filled, difference


def add_labels(result: Labelled) -> "slicer.vtkMRMLLabelMapVolumeNode":
    """Where metal is, as a label map."""
    source = _source(result.volume.node_id, result.volume.name)
    return _add(source, f"{source.GetName()} metal", result.labels, "vtkMRMLLabelMapVolumeNode")


def remove(*nodes: "slicer.vtkMRMLNode | None") -> None:
    """Undo: remove result nodes, with what belongs only to them, from the scene."""
    for node in nodes:
        if node is None or node.GetScene() is None:
            continue
        display = node.GetDisplayNode()
        slicer.mrmlScene.RemoveNode(node)
        if display is not None:
            slicer.mrmlScene.RemoveNode(display)


def report_of(filled: "slicer.vtkMRMLScalarVolumeNode") -> dict[str, Any]:
    """Of the run that made it.

    Raises:
        InpaintError: it was not made here.
    """
    text = filled.GetAttribute("Inpaint.Report")
    if not text:
        raise InpaintError(f"{filled.GetName()} was not filled by this module.")
    return json.loads(text)


def difference_colours() -> "slicer.vtkMRMLColorTableNode":
    """Blue for darker, red for brighter than before, transparent where little changed; made once a scene."""
    found = slicer.mrmlScene.GetFirstNode(_COLOURS, "vtkMRMLColorTableNode")
    if found is not None:
        return found
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", _COLOURS)
    node.SetTypeToUser()
    node.SetNumberOfColors(_STEPS)
    for step in range(_STEPS):
        change = 2 * step / (_STEPS - 1) - 1  # -1 to 1
        alpha = 0.0 if abs(change) < _CLEAR else 1.0
        pale = 1 - abs(change)
        red, blue = (1.0, pale) if change > 0 else (pale, 1.0)
        node.SetColor(step, f"{change:+.2f}", red, 0.85 * pale, blue, alpha)
    node.GetLookupTable().SetRange(0, _STEPS - 1)
    return node


def _source(node_id: str, name: str) -> "slicer.vtkMRMLScalarVolumeNode":
    source = slicer.mrmlScene.GetNodeByID(node_id)
    if source is None:
        raise InpaintError(f"{name} was removed from the scene meanwhile, so there is no place for the result.")
    return source


def _add(
    source: "slicer.vtkMRMLScalarVolumeNode", name: str, voxels: np.ndarray, kind: str = "vtkMRMLScalarVolumeNode"
) -> "slicer.vtkMRMLScalarVolumeNode":
    """A volume node in the source's geometry, under its transform and beside it in the subject hierarchy."""
    node = slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(name))
    node.CopyOrientation(source)
    slicer.util.updateVolumeFromArray(node, voxels)
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    node.SetDescription(NOTICE)
    node.CreateDefaultDisplayNodes()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(source)
    if item:
        parent = hierarchy.GetItemParent(item)
        own = hierarchy.GetItemByDataNode(node)
        hierarchy.SetItemParent(own, parent) if own else hierarchy.CreateItem(parent, node)
    return node
