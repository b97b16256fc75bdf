"""The MONAI Deploy app, in the environment that `make test-deploy` makes for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_hole_samples import segmentation, sources
from io_samples import dicom_series
from study_samples import PATIENT, RULES, study

from benchmarks.deploy.app import PYTHON, ROOT
from monai_inpaint import __version__, read_image

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(not PYTHON.with_name("monai-deploy").exists(), reason="needs what make test-deploy installs"),
]


def app(*args: object, stack: str = "ulimit -s 32768", **environment: str) -> subprocess.CompletedProcess:
    """`python deploy_app ARGS`, with the stack that the SDK recommends."""
    command = f'{stack}; exec "$0" "$@"'
    return subprocess.run(
        ["bash", "-c", command, str(PYTHON), str(ROOT / "deploy_app"), *map(str, args)],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(RULES))
    return str(path)


def test_a_study_of_several_series_is_filled_by_rules_and_recorded(tmp_path: Path, rules: str) -> None:
    folder = study(tmp_path / "study")
    dicom_series(folder / "lonely", np.zeros((3, 8, 8), np.uint16), series="1.2.3.71")
    (folder / "cut.dcm").write_bytes((folder / "film.dcm").read_bytes()[:400])

    ran = app("-i", folder, "-o", tmp_path / "out", "-m", ROOT / "bundles", MONAI_INPAINT_RULES=rules)

    assert ran.returncode == 0, ran.stderr
    assert "3 of 4 series filled" in ran.stdout
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    statuses = {entry["modality"]: entry["status"] for entry in record["series"] if entry["series"] != "1.2.3.71"}
    assert statuses == {"CT": "filled", "MR": "filled", "CR": "filled"}
    assert [e["why"] for e in record["series"] if e["series"] == "1.2.3.71"] == ["No SEG of the study refers to it."]
    assert len(record["unreadable"]) == 1
    assert not [word for word in PATIENT if word in ran.stdout + ran.stderr + json.dumps(record)]


def test_a_segmentation_and_a_slice_of_another_patient_are_refused(tmp_path: Path, rules: str) -> None:
    folder = study(tmp_path / "study")
    for path in (folder / "seg.dcm", next((folder / "mr").iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.PatientID = "P2"
        dataset.save_as(path)

    ran = app("-i", folder, "-o", tmp_path / "out", "-m", ROOT / "bundles", MONAI_INPAINT_RULES=rules)

    assert ran.returncode == 0, ran.stderr
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    why = {entry["modality"]: entry["why"] for entry in record["series"]}
    assert why["CT"].startswith("The SEG belongs to another patient than the image")
    assert "belongs to another patient than" in why["MR"]
    assert why["CR"] == ""


def test_it_gives_the_very_voxels_of_the_command_line(tmp_path: Path) -> None:
    folder, rng = tmp_path / "study", np.random.default_rng(0)
    folder.mkdir()
    volume = (500 + 40 * rng.standard_normal((5, 40, 56)).cumsum(axis=1)).clip(0, 2000).astype(np.uint16)
    dicom_series(folder / "ct", volume, RescaleSlope=1, RescaleIntercept=-1000)
    marked = np.zeros(volume.shape, bool)
    marked[1, 8:20, 10:31] = marked[2:4, 30:35, 40:53] = True  # no two axes alike
    segmentation(folder / "seg.dcm", sources(folder / "ct"), marked)
    command = [PYTHON, "-m", "monai_inpaint", "fill", folder / "ct", folder / "seg.dcm", tmp_path / "filled"]

    assert app("-i", folder, "-o", tmp_path / "out", "-m", ROOT / "bundles").returncode == 0
    subprocess.run([*map(str, command)], check=True)

    by_app, by_command = read_image(tmp_path / "out" / "001" / "derived"), read_image(tmp_path / "filled")
    assert np.array_equal(by_app.voxels, by_command.voxels)
    assert np.array_equal(by_app.affine, by_command.affine)
    hole = marked.transpose(2, 1, 0)
    source = read_image(folder / "ct").voxels
    assert np.array_equal(by_app.voxels[~hole], source[~hole])
    assert (by_app.voxels[hole] != source[hole]).mean() > 0.5


def test_models_come_from_the_folder_that_is_named(tmp_path: Path, rules: str) -> None:
    broken = tmp_path / "models" / "cxr_inpainting" / "configs"
    broken.mkdir(parents=True)
    (broken / "metadata.json").write_text("{}")

    ran = app("-i", study(tmp_path / "study"), "-o", tmp_path / "out", "-m", tmp_path / "models",
              MONAI_INPAINT_RULES=rules)  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    entries = {entry["modality"]: entry for entry in record["series"]}
    assert "damaged" in entries["CR"]["why"]
    assert [entries[modality]["status"] for modality in ("CT", "MR")] == ["filled", "filled"]


def test_a_folder_without_dicom_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    ran = app("-i", tmp_path / "empty", "-o", tmp_path / "out", "-m", ROOT / "bundles")

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith("monai-inpaint: ")
    assert "contains no DICOM images" in ran.stderr
    assert not list((tmp_path / "out").iterdir())


def test_the_packager_takes_the_configuration_and_it_names_our_version() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from holoscan_cli.packager.config_reader import ApplicationConfiguration as Read\n"
        "read = Read(); read.read(Path(sys.argv[1])); print(read.title(), read._application_object['version'])"
    )
    done = subprocess.run([PYTHON, "-c", code, ROOT / "deploy_app" / "app.yaml"], capture_output=True, text=True,
                          check=True)  # fmt: skip

    assert "Research use only" in done.stdout
    assert done.stdout.split()[-1] == __version__


def test_the_package_never_imports_the_sdk() -> None:
    code = (
        "import sys, pkgutil, importlib, monai_inpaint.dicom, monai_inpaint.pacs\n"
        "for room in (monai_inpaint.dicom, monai_inpaint.pacs):\n"
        "    for m in pkgutil.iter_modules(room.__path__):\n"
        "        importlib.import_module(f'{room.__name__}.{m.name}')\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'holoscan' or name.startswith('monai.deploy')])"
    )

    for python in (PYTHON, sys.executable):
        done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
