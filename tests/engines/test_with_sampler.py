"""Bundles with a second network that draws samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint import Filler, InputError
from monai_inpaint.engines import load_engine
from monai_inpaint.engines.with_sampler import WithSampler
from monai_inpaint.fill.sampler import SAMPLE_TIME
from monai_inpaint.registry import BundleInfo, find_bundle


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A bundle from elsewhere with two networks."""
    return shutil.copytree(find_bundle("mr").path, tmp_path / "copy", ignore=shutil.ignore_patterns("*.pt"))


def windows(time: float) -> np.ndarray:
    """A ramp with a hole, whose start is the ramp too."""
    given = np.zeros((1, 6, 64, 64), np.float32)
    given[:, 0] = given[:, 3] = np.arange(64)
    given[:, 1, 20:40, 20:40] = given[:, 5, 20:40, 20:40] = 1
    given[:, 3] *= given[:, 1]
    given[:, 4] = time
    return given


def image_and_hole() -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).normal(100, 20, (96, 96)).astype(np.float32)
    hole = np.zeros((96, 96), bool)
    hole[30:60, 30:60] = True
    return image, hole


def test_windows_with_a_time_go_to_the_second_network_and_others_to_the_first() -> None:
    bundle = find_bundle("mr")
    assert bundle.sampler is not None
    both, first, second = (load_engine("onnxruntime", one) for one in (bundle, bundle, bundle.sampler))
    assert isinstance(both, WithSampler)

    assert np.array_equal(both.run(windows(0.0)), first.run(windows(0.0)))
    assert np.array_equal(both.run(windows(SAMPLE_TIME)), second.run(windows(SAMPLE_TIME)))
    assert not np.array_equal(both.run(windows(SAMPLE_TIME)), both.run(windows(0.0)))


def test_the_second_network_is_opened_for_samples_only(copy: Path) -> None:
    (copy / "models" / "sampler.onnx").unlink()
    filler = Filler(copy, "onnxruntime")

    assert np.isfinite(filler(*image_and_hole()).image).all()
    with pytest.raises(InputError, match=r"sampler\.onnx: the bundle's network is missing"):
        filler(*image_and_hole(), sample=True)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_bundle_from_elsewhere_draws_the_samples_that_ours_draws(copy: Path, engine: str) -> None:
    drawn = [Filler(bundle, engine)(*image_and_hole(), sample=True, seed=2).image for bundle in (copy, "mr")]

    assert np.array_equal(*drawn)


@pytest.mark.parametrize("bundle", [find_bundle(name) for name in ("cxr", "ct", "mr")], ids=lambda info: info.name)
def test_samples_of_every_engine_agree(bundle: BundleInfo) -> None:
    drawn = [Filler(bundle.path, e)(*image_and_hole(), sample=True).image for e in ("torch", "openvino", "onnxruntime")]
    units = drawn[0].std()

    assert all(np.abs(other - drawn[0]).max() < 0.1 * units for other in drawn[1:])


def test_reports_name_the_weights_of_both_networks() -> None:
    facts = Filler("mr")(*image_and_hole()).report["bundle"]

    assert len({facts["sha256"], facts["sampler_sha256"]}) == 2
