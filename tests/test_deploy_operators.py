"""The operators for any MONAI Deploy app, between the SDK's own, in the environment that `make test-deploy` makes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_hole_samples import sources
from io_samples import dicom_series

from benchmarks.deploy.app import ROOT
from monai_inpaint import Filler, read_image

ENVIRONMENT = ROOT / ".venv-deploy-monai"
PYTHON = ENVIRONMENT / "bin" / "python"
SLOPE, INTERCEPT = 0.5, -1024

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.skipif(not (ENVIRONMENT / ".installed").exists(), reason="needs what make test-deploy installs"),
]


def documented_app(folder: Path, *args: object) -> subprocess.CompletedProcess:
    """Run the app of docs/deploy.md with these arguments, with the stack that the SDK recommends."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (folder / "app.py").write_text(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], encoding="utf-8")
    return subprocess.run(
        ["bash", "-c", 'ulimit -s 32768; exec "$0" "$@"', str(PYTHON), str(folder / "app.py"), *map(str, args)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT / "deploy_app")},
    )  # fmt: skip


def ct(folder: Path, marker: int) -> np.ndarray:
    """A CT with a marker of that many HU in two slices; returns where it is, (slices, rows, columns)."""
    rng = np.random.default_rng(0)
    units = (40 * rng.standard_normal((5, 40, 56)).cumsum(axis=1)).clip(-1000, 1000).round()
    there = np.zeros(units.shape, bool)
    there[1:3, 20:26, 30:35] = True
    units[there] = marker
    stored = ((units - INTERCEPT) / SLOPE).astype(np.uint16)
    dicom_series(folder, stored, RescaleSlope=SLOPE, RescaleIntercept=INTERCEPT, PatientBirthDate="19700102")
    return there


def test_the_app_of_the_page_fills_a_series_and_writes_it(tmp_path: Path) -> None:
    there = ct(tmp_path / "ct", marker=3000)

    ran = documented_app(tmp_path, "-i", tmp_path / "ct", "-o", tmp_path / "out")

    assert ran.returncode == 0, ran.stderr
    written = tmp_path / "out" / "without_markers"
    before, after = read_image(tmp_path / "ct"), read_image(written)
    hole = there.transpose(2, 1, 0)
    assert np.array_equal(after.voxels[~hole], before.voxels[~hole])
    assert after.units()[hole].max() < 1500
    assert np.array_equal(after.affine, before.affine)
    expected = Filler("ct")(
        before, hole
    ).image.units()  # of another environment, and not rounded to whole HU on the way
    assert np.abs(after.units() - expected).max() <= 1
    for old, new, inside in zip(
        sources(tmp_path / "ct"), sources(written), there, strict=True
    ):  # as pydicom reads them
        assert np.array_equal(new.pixel_array[~inside], old.pixel_array[~inside])
        for keyword in ("PatientID", "PatientBirthDate", "StudyInstanceUID", "FrameOfReferenceUID", "RescaleSlope",
                        "RescaleIntercept", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
                        "BitsStored", "InstanceNumber"):  # fmt: skip
            assert new[keyword].value == old[keyword].value, keyword
        assert new.SOPInstanceUID != old.SOPInstanceUID
        assert new.SourceImageSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID
        assert (new.ImageType[0], new.SyntheticData) == ("DERIVED", "YES")
        assert new.ContributingEquipmentSequence[0].ManufacturerModelName.startswith("ct_inpainting ")
    assert len({str(pydicom.dcmread(path).SeriesInstanceUID) for path in written.iterdir()}) == 1


def test_an_error_is_the_last_line_and_leaves_nothing(tmp_path: Path) -> None:
    ct(tmp_path / "ct", marker=500)

    ran = documented_app(tmp_path, "-i", tmp_path / "ct", "-o", tmp_path / "out")

    assert ran.returncode != 0
    assert "is an empty hole" in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "out" / "without_markers").exists()
