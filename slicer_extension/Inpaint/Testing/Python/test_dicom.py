"""DICOM results of a filled volume, by the real command: what they hold, where they go, again and again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import slicer
from InpaintLib import parameters as given
from InpaintLib import results
from InpaintLib.environment import Environment
from InpaintLib.errors import InpaintError
from InpaintLib.exports import Exported, free_folder
from scene import add_point, add_volume, positions

ROOT = Path(__file__).parents[4]
_SERIES = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
from io_samples import dicom_series
from pathlib import Path
from monai_inpaint import read_image
from monai_inpaint.demo.pelvis import pelvis_slice
slices = np.stack([pelvis_slice(n).voxels[::2, ::2, 0].T + 1100 for n in range(5)]).astype(np.uint16)
dicom_series(Path(sys.argv[2]), slices, RescaleSlope=1, RescaleIntercept=-1100, PixelSpacing=[3.2, 3.2])
image = read_image(sys.argv[2])
np.savez(sys.argv[3], voxels=image.units(), affine=image.affine)
"""
# what is in an export: by modality, and how the derived series differs from its source
_FACTS = """
import sys, json
from pathlib import Path
from pydicom import dcmread
from monai_inpaint import read_image
source, export = Path(sys.argv[1]), Path(sys.argv[2])
before, after = read_image(source), read_image(export / "derived")
head = dcmread(next(source.iterdir()), stop_before_pixels=True)
objects = {path.name: dcmread(path) for path in export.glob("*.dcm")}
derived = dcmread(next((export / "derived").iterdir()), stop_before_pixels=True)
if len(sys.argv) > 3:
    from PIL import Image
    Image.fromarray(objects["overview.dcm"].pixel_array).save(sys.argv[3])
everything = [derived, *objects.values()]
print(json.dumps({
    "changed": int((before.voxels != after.voxels).sum()),
    "studies": len({one.StudyInstanceUID for one in [head, *everything]}),
    "patients": len({one.PatientID for one in [head, *everything]}),
    "series": len({one.SeriesInstanceUID for one in [head, *everything]}),
    "type": list(derived.ImageType),
    "modalities": {name: one.Modality for name, one in objects.items()},
    "marked": int(objects["hole.dcm"].pixel_array.sum()),
    "classes": {name: one.SOPClassUID.name for name, one in objects.items()},
    "slices": [before.voxels.shape[2], len(list((export / "derived").iterdir()))],
}))
"""


class Database:
    """`slicer.dicomDatabase`, with the files of one folder."""

    isOpen = True  # noqa: N815  Slicer's name

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fileForInstance(self, uid: str) -> str:  # noqa: N802
        return str(self.folder / uid)


@pytest.fixture
def logic(module: ModuleType, environment: Environment):
    return module.InpaintLogic(environment)


@pytest.fixture
def series(python: str, tmp_path: Path) -> Path:
    """A CT series of a computed pelvis; `loaded` is the node that Slicer would make of it."""
    folder = tmp_path / "a series"
    words = [str(ROOT / "tests" / "samples"), str(folder), str(tmp_path / "volume.npz")]
    subprocess.run([python, "-c", _SERIES, *words], check=True)
    return folder


@pytest.fixture
def loaded(series: Path, tmp_path: Path, monkeypatch) -> Any:
    with np.load(tmp_path / "volume.npz") as kept:
        volume = add_volume(np.ascontiguousarray(kept["voxels"].T.astype(np.int16)), kept["affine"], "CT")
        volume.matrix = kept["affine"]
    volume.SetAttribute("DICOM.instanceUIDs", " ".join(path.name for path in sorted(series.iterdir())))
    monkeypatch.setattr(slicer, "dicomDatabase", Database(series), raising=False)
    return volume


@pytest.fixture
def filled(request, module: ModuleType, logic, loaded) -> Any:
    """The parameters after a fill with the best estimate, or with what the test asks for."""
    node = logic.getParameterNode()
    node.inputVolume, node.region, node.bundle = loaded, module.POINT, "ct"
    node.drawn = getattr(request, "param", given.ESTIMATE)
    node.point, node.radius = add_point(_place(loaded, 48)), 18.0
    logic.process(node)
    return node


def _place(volume, column: int) -> np.ndarray:
    shape = slicer.util.arrayFromVolume(volume).shape
    return positions(volume.matrix, shape)[2, 48, column]


def _facts(python: str, series: Path, export: Path, picture: str = "") -> dict:
    """What is in an export; its overview becomes a picture of this name where PICTURES names a folder."""
    folder = os.environ.get("PICTURES")
    words = [str(series), str(export), *([str(Path(folder) / picture)] if folder and picture else [])]
    ran = subprocess.run([python, "-c", _FACTS, *words], check=True, capture_output=True, text=True)
    return json.loads(ran.stdout)


@pytest.mark.parametrize("filled", [given.SPREAD], indirect=True)
def test_an_export_holds_every_object_in_the_study_of_the_patient(
    logic, filled, series: Path, python: str, tmp_path: Path
) -> None:
    export = logic.wait(logic.add(given.export_job(filled, tmp_path)))

    facts = _facts(python, series, export.folder)
    beside = results.nodes_beside(filled.filledVolume)
    change = slicer.util.arrayFromVolume(beside["difference"])
    assert facts["changed"] == (change != 0).sum() > 0
    assert facts["marked"] == results.computed_of(filled.filledVolume).voxels.sum()
    assert (facts["studies"], facts["patients"]) == (1, 1)
    assert facts["series"] == 2 + len(facts["modalities"])  # each kind of object is a series of its own
    assert facts["type"][:2] == ["DERIVED", "SECONDARY"]
    assert {"hole.dcm", "difference.dcm", "spread.dcm", "record.dcm", "overview.dcm"} <= {*facts["modalities"]}
    assert facts["modalities"]["hole.dcm"] == "SEG"
    assert facts["modalities"]["record.dcm"] == "SR"


def test_a_second_export_goes_beside_the_first_one(logic, filled, tmp_path: Path) -> None:
    runs = [logic.add(given.export_job(filled, tmp_path)) for _ in range(2)]  # both wait before the first one begins
    first, second = (logic.wait(run).folder for run in runs)

    assert (first.name, second.name) == ("CT filled", "CT filled 2")
    assert sorted(path.name for path in first.glob("*.dcm")) == sorted(path.name for path in second.glob("*.dcm"))


def test_a_volume_that_was_filled_twice_is_exported_as_one_series_with_both_regions(
    logic, filled, loaded, series: Path, python: str, tmp_path: Path
) -> None:
    once = results.computed_of(filled.filledVolume).voxels.sum()
    filled.inputVolume = filled.filledVolume
    filled.point, filled.radius = add_point(_place(loaded, 16)), 6.0
    logic.process(filled)
    twice = results.computed_of(filled.filledVolume).voxels.sum()

    facts = _facts(python, series, logic.wait(logic.add(given.export_job(filled, tmp_path))).folder)

    assert facts["marked"] == once + twice
    change = slicer.util.arrayFromVolume(filled.filledVolume) != slicer.util.arrayFromVolume(loaded)
    assert facts["changed"] == change.sum()


def test_a_volume_that_was_changed_elsewhere_is_not_exported(logic, filled, tmp_path: Path) -> None:
    slicer.util.arrayFromVolume(filled.filledVolume)[0, 0, 0] += 500

    with pytest.raises(InpaintError, match="has other values than its DICOM series where nothing was filled"):
        logic.wait(logic.add(given.export_job(filled, tmp_path)))

    assert not (tmp_path / "CT filled").exists()


@pytest.mark.parametrize("filled", [given.SPREAD], indirect=True)
def test_the_database_gets_every_object_in_the_study_of_the_patient_and_no_temporary_folder_stays(
    logic, filled, series: Path, python: str, tmp_path: Path, monkeypatch
) -> None:
    taken = tmp_path / "taken"

    def take(folder: str, database, copyFiles: bool) -> bool:  # noqa: N803
        shutil.copytree(folder, taken)
        return copyFiles and database is slicer.dicomDatabase

    lib = SimpleNamespace(DICOMUtils=SimpleNamespace(importDicom=take))
    monkeypatch.setitem(sys.modules, "DICOMLib", lib)
    monkeypatch.setattr(slicer, "app", MagicMock(temporaryPath=str(tmp_path)))

    export = logic.wait(logic.add(logic.databaseJob(filled)))
    steps = logic.exported(export)

    facts = _facts(python, series, taken, "slicer-task-7-overview.png")
    assert facts["classes"] == {
        "hole.dcm": "Segmentation Storage",
        "structures.dcm": "RT Structure Set Storage",
        "difference.dcm": "Parametric Map Storage",
        "spread.dcm": "Parametric Map Storage",
        "record.dcm": "Comprehensive SR Storage",
        "overview.dcm": "Secondary Capture Image Storage",
    }
    assert facts["slices"][0] == facts["slices"][1]
    assert (facts["studies"], facts["patients"]) == (1, 1)
    files = list(taken.rglob("*.dcm"))
    assert len(files) == len(facts["classes"]) + facts["slices"][1]
    assert steps.startswith(f"{len(files)} DICOM files were added to the study")
    assert not export.folder.exists()


def test_a_database_that_does_not_take_the_files_leaves_them_and_says_where(
    logic, tmp_path: Path, monkeypatch, series: Path
) -> None:
    monkeypatch.setattr(slicer, "dicomDatabase", Database(series), raising=False)
    lib = SimpleNamespace(DICOMUtils=SimpleNamespace(importDicom=lambda *_, **__: False))
    monkeypatch.setitem(sys.modules, "DICOMLib", lib)

    with pytest.raises(InpaintError, match="did not take the files; they are in "):
        logic.exported(Exported(series, for_database=True))

    assert series.is_dir()


def test_the_folder_of_an_export_has_a_name_that_every_system_takes(tmp_path: Path) -> None:
    assert free_folder(tmp_path, "Kopf: 3/4 \\ schräg?").name == "Kopf_ 3_4 _ schräg_"
    assert free_folder(tmp_path, "...").name == "results"
