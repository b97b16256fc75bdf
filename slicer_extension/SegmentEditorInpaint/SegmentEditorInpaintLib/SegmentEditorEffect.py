"""Effect Inpaint of the Segment Editor: fill the selected segment, by the module Inpaint and its parameters."""

from pathlib import Path

import qt
import slicer
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect
from slicer.i18n import tr as _

SEGMENT, VISIBLE = "segment", "all visible segments"  # the kinds of region of the module Inpaint


class SegmentEditorEffect(AbstractScriptedSegmentEditorEffect):
    """Two buttons; what they do is in the module Inpaint."""

    def __init__(self, scriptedEffect):
        scriptedEffect.name = "Inpaint"
        scriptedEffect.title = _("Inpaint")
        scriptedEffect.perSegment = True
        scriptedEffect.requireSegments = True
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)

    def clone(self):
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        cloned = effects.qSlicerSegmentEditorScriptedEffect(None)
        cloned.setPythonSource(Path(__file__).as_posix())
        return cloned

    def icon(self):
        return qt.QIcon(str(Path(__file__).with_suffix(".png")))

    def helpText(self):
        return _(
            "<html>Fill the selected segment, or all visible ones, with what healthy anatomy would look like there. "
            "Opens the module Inpaint, with its settings. <b>Research use only, not for diagnosis.</b></html>"
        )

    def setupOptionsFrame(self):
        for text, kind in ((_("Fill the segment"), SEGMENT), (_("Fill all visible segments"), VISIBLE)):
            button = qt.QPushButton(text)
            button.connect("clicked()", lambda kind=kind: self.fill(kind))
            self.scriptedEffect.addOptionsWidget(button)

    def fill(self, kind):
        """Hand volume, segmentation and segment to the module Inpaint, and press Apply there."""
        editor = self.scriptedEffect.parameterSetNode()
        volume, segmentation = editor.GetSourceVolumeNode(), editor.GetSegmentationNode()
        segment = editor.GetSelectedSegmentID()
        slicer.util.selectModule("Inpaint")
        slicer.modules.InpaintWidget.fillSegment(volume, segmentation, segment, kind)
