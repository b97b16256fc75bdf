"""Slice views: linked, a map over a volume, switching between before and after."""

import slicer


def show(
    background: "slicer.vtkMRMLNode", foreground: "slicer.vtkMRMLNode | None" = None, opacity: float = 0.6
) -> None:
    """Lay one volume over another in all slice views, and link the views."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLinkedControl(True)
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
        composite.SetForegroundOpacity(opacity if foreground else 0.0)


def show_labels(labels: "slicer.vtkMRMLNode | None") -> None:
    """Lay a label map over what the slice views show."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLabelVolumeID(labels.GetID() if labels else None)


def flip(before: "slicer.vtkMRMLNode", after: "slicer.vtkMRMLNode") -> bool:
    """Show the other of the two as background, without the overlay; returns whether it is the one after."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    now_after = not any(composite.GetBackgroundVolumeID() == after.GetID() for composite in composites)
    show(after if now_after else before)
    return now_after
