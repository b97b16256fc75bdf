"""Preview of a threshold: the voxels from it upwards in red, over the volume."""

import slicer

_NAME = "Inpaint metal preview"


def show_preview(source: "slicer.vtkMRMLScalarVolumeNode", threshold: float) -> "slicer.vtkMRMLScalarVolumeNode":
    """Show what has at least this value over all slice views; no voxel is copied or computed."""
    node = slicer.mrmlScene.GetFirstNode(_NAME, "vtkMRMLScalarVolumeNode")
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", _NAME)
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
    if node.GetImageData() is not source.GetImageData():
        node.CopyOrientation(source)
        node.SetAndObserveImageData(source.GetImageData())
        node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeRed")
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(threshold - 2, threshold - 1)  # all that is shown is the table's brightest red
    display.SetAutoThreshold(False)
    display.SetThreshold(threshold, source.GetImageData().GetScalarTypeMax())
    display.SetApplyThreshold(True)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(0.6)
    return node


def hide_preview() -> None:
    """Take the preview out of the views and the scene."""
    node = slicer.mrmlScene.GetFirstNode(_NAME, "vtkMRMLScalarVolumeNode")
    if node is None:
        return
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetForegroundVolumeID() == node.GetID():
            composite.SetForegroundVolumeID(None)
    display = node.GetDisplayNode()
    slicer.mrmlScene.RemoveNode(node)
    slicer.mrmlScene.RemoveNode(display)
