"""`panel.py INTERFACE.ui PICTURE.png`: the panel as Qt lays it out, with plain widgets in place of Slicer's own.

Needs PySide6. Slicer's selectors and sliders look different in the application; places, words and order are the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6 import QtWidgets
from PySide6.QtUiTools import QUiLoader

WIDTH = 420  # pixels: a module panel as Slicer opens
# what Slicer fills the boxes with: the parameter wrapper does, by the choices of the parameters
_NODES = {"inputSelector": "head", "filledSelector": "head filled", "segmentSelector": "lesion"}


_CLOSED = ("checksButton", "logButton")
_OF_A_RESULT = ("flipButton", "flickerButton", "overlayButton", "databaseButton", "exportButton", "undoButton")


class _Section(QtWidgets.QGroupBox):
    """A ctkCollapsibleButton."""


class _Box(QtWidgets.QWidget):
    """A widget that only holds others."""


class _Value(QtWidgets.QDoubleSpinBox):
    """A ctkSliderWidget."""


class Loader(QUiLoader):
    """Makes Qt's widget that comes nearest to each of Slicer's."""

    plain = {
        "qMRMLWidget": _Box,
        "ctkCollapsibleButton": _Section,
        "ctkSliderWidget": _Value,
        "ctkPathLineEdit": QtWidgets.QLineEdit,
        "qMRMLNodeComboBox": QtWidgets.QComboBox,
        "qMRMLSegmentSelectorWidget": QtWidgets.QComboBox,
        "qSlicerMarkupsPlaceWidget": QtWidgets.QPushButton,
    }

    def createWidget(self, kind: str, parent: QtWidgets.QWidget | None = None, name: str = "") -> QtWidgets.QWidget:  # noqa: N802
        if kind not in self.plain:
            return super().createWidget(kind, parent, name)
        widget = self.plain[kind](parent)
        widget.setObjectName(name)
        return widget


def load(path: Path, choices: dict[str, list[str]], region: str) -> QtWidgets.QWidget:
    """Load the interface; `choices` fill the combo boxes, and of the regions' panels only `region` is shown."""
    loader = Loader()
    panel = loader.load(str(path))
    titles = _texts(path)
    for section in panel.findChildren(_Section):
        closed = section.objectName() in _CLOSED
        section.setTitle(f"{'▸' if closed else '▾'} {titles[section.objectName()]}")
        if closed:
            section.setFlat(True)
            section.setFixedHeight(section.fontMetrics().height() + 4)
            for child in section.findChildren(QtWidgets.QWidget):
                child.hide()
    for button in _OF_A_RESULT:
        panel.findChild(QtWidgets.QPushButton, button).setEnabled(bool(choices.get("filledSelector")))
    for name, values in choices.items():
        panel.findChild(QtWidgets.QComboBox, name).addItems(values)
    for name in ("segmentPanel", "labelMapPanel", "roiPanel", "pointPanel", "artifactsPanel", "metalPanel"):
        panel.findChild(QtWidgets.QWidget, name).setVisible(name == region)
    return panel


def _texts(path: Path) -> dict[str, str]:
    """The text of every widget, which stand-ins do not take."""
    import xml.etree.ElementTree as ElementTree

    widgets = ElementTree.parse(path).iter("widget")
    return {widget.get("name", ""): widget.findtext("property[@name='text']/string") or "" for widget in widgets}


def main(interface: str, picture: str) -> int:
    application = QtWidgets.QApplication([])
    sys.path.insert(0, str(Path(__file__).parent))
    import conftest

    module = conftest.Inpaint
    choices = {
        "bundleBox": module.BUNDLES,
        "regionBox": module.REGIONS,
        "methodBox": module.METHODS,
        "drawnBox": module.DRAWN,
        "overlayBox": module.OVERLAYS[1:],
        **{name: [node] for name, node in _NODES.items()},
    }
    panel = load(Path(interface), choices, "segmentPanel")
    panel.setFixedWidth(WIDTH)
    panel.show()
    application.processEvents()
    panel.setFixedHeight(panel.sizeHint().height())
    application.processEvents()
    saved = panel.grab().save(picture)
    clipped = [
        button.objectName()
        for button in panel.findChildren(QtWidgets.QPushButton)
        if button.isVisible() and button.width() < button.minimumSizeHint().width()
    ]
    print(f"clipped: {', '.join(clipped) or 'none'}")
    return 0 if saved and not clipped else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
