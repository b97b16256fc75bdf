"""3D Slicer module that adds the effect Inpaint to the Segment Editor; it has no panel of its own."""

from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule


class SegmentEditorInpaint(ScriptedLoadableModule):
    """Registers the effect once Slicer has started."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("SegmentEditorInpaint")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "Inpaint"]
        parent.contributors = ["The monai-inpaint developers"]
        parent.hidden = True
        parent.helpText = _(
            "The effect Inpaint of the Segment Editor fills the selected segment. Research use only, not for diagnosis."
        )
        parent.acknowledgementText = ""
        slicer.app.connect("startupCompleted()", self.registerEffect)

    def registerEffect(self):
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        instance = effects.qSlicerSegmentEditorScriptedEffect(None)
        source = Path(__file__).parent / "SegmentEditorInpaintLib" / "SegmentEditorEffect.py"
        instance.setPythonSource(source.as_posix())
        instance.self().register()
