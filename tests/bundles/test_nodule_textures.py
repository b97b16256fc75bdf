"""The shipped texture networks obey density, and paint through MONAI what they paint in an engine."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from cli_samples import nifti
from monai.bundle import ConfigWorkflow
from PIL import Image as Pillow
from training_samples import TEXTURES, bundle

from monai_inpaint import read_image
from monai_inpaint.engines import load_engine
from monai_inpaint.registry import BundleInfo
from monai_inpaint.synthesis.nodules.texture import textured

SIDE = 160


@pytest.fixture(params=TEXTURES)
def info(request: pytest.FixtureRequest) -> BundleInfo:
    return bundle(request.param)


@pytest.fixture(autouse=True)
def own_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())  # MONAI adds the bundle's root to it


def lung(modality: str) -> np.ndarray:
    """Made-up lung with vessels beside a chest wall: HU, or grey levels of a film."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((SIDE, SIDE))
    tissue = 0.5 * (1 + np.tanh((columns - 130) / 3)) + 0.25 * (np.sin(rows / 9.0) > 0.93)
    noisy = tissue + rng.normal(0, 0.02, tissue.shape)
    return (-860 + 900 * noisy if modality == "ct" else 60 + 120 * noisy).astype(np.float32)


def disc(radius: float) -> np.ndarray:
    return np.hypot(*(np.indices((SIDE, SIDE)) - 80)) < radius


@pytest.mark.parametrize("radius", [5.0, 12.0])
def test_a_denser_nodule_is_brighter(info: BundleInfo, radius: float) -> None:
    image, mask, engine = lung(info.modality), disc(radius), load_engine("onnxruntime", info)
    painted = [textured(image, mask, density, engine) for density in (0.0, 0.25, 0.5, 0.75, 1.0)]
    levels = [float(one[mask].mean()) for one in painted]

    assert levels == sorted(levels)
    assert all(np.array_equal(one[~mask], image[~mask]) for one in painted)
    if info.modality == "ct":
        assert -800 < levels[0] < -500  # HU, its blurred rim included
        assert levels[-1] > levels[0] + 250


def test_inference_by_monai_paints_as_the_engine_does(info: BundleInfo, tmp_path: Path) -> None:
    units, mask = lung(info.modality), disc(9.0)
    if info.modality == "ct":
        path = nifti(tmp_path / "image.nii.gz", units.astype(np.int16)[..., None])
        hole = nifti(tmp_path / "hole.nii.gz", mask.astype(np.uint8)[..., None])
    else:
        path, hole = tmp_path / "image.png", tmp_path / "hole.png"
        Pillow.fromarray(units.clip(0, 255).astype(np.uint8)).save(path)
        Pillow.fromarray((255 * mask).astype(np.uint8)).save(hole)
    (tmp_path / "pairs.csv").write_text(f"image,hole\n{path.name},{hole.name}\n")
    places = {"bundle_root": str(info.path), "dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "out")}
    files = str(info.path / "configs" / "inference.json")
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, density=0.5, **places)
    workflow.initialize()
    workflow.run()
    source, painted = read_image(path).voxels, read_image(tmp_path / "out" / path.name).voxels
    inside = mask[..., None] if source.ndim == 3 else mask

    np.testing.assert_array_equal(painted[~inside], source[~inside])
    assert painted.dtype == source.dtype
    assert (painted[inside] != source[inside]).mean() > 0.8
    if source.ndim == 2:
        expected = textured(source.astype(np.float32), mask, 0.5, load_engine("onnxruntime", info), seen=False)
        np.testing.assert_allclose(painted[mask], expected[mask], rtol=0, atol=1)
