"""Bundles as methods."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from evaluation_samples import phantom_ct, smooth, square_hole

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from monai_inpaint.evaluation import evaluate, fill_methods
from monai_inpaint.evaluation.case import EvaluationCase


def test_a_bundle_is_given_the_voided_slice_its_hole_and_spacing(monkeypatch):
    seen = {}

    class FakeFiller:
        def __init__(self, bundle, engine):
            seen["made"] = (bundle, engine)

        def __call__(self, image, hole, *, spacing):
            seen["called"] = (image, hole, spacing)
            return SimpleNamespace(image=np.where(hole, 7, image))

    monkeypatch.setitem(sys.modules, "monai_inpaint.fill.filler", SimpleNamespace(Filler=FakeFiller))
    info = SimpleNamespace(name="cxr_inpainting", kind="inpainting", version="0.1.0", modalities=("cxr",))
    monkeypatch.setattr("monai_inpaint.registry.find_bundle", lambda _: info)
    truth, hole = smooth((40, 40)).astype(np.float32), square_hole((40, 40), 10, 10, 20)
    case = EvaluationCase("a", "p", truth, hole, 0, 255, "mr", "v", (0.5, 0.6))
    (method,) = fill_methods.find_methods(["cxr"], "openvino")
    filled = method.fill(case)
    assert seen["made"] == ("cxr", "openvino")
    assert (method.version, method.modalities, method.classical) == ("cxr_inpainting 0.1.0", ("cxr",), False)
    np.testing.assert_array_equal(seen["called"][0], case.voided)
    assert seen["called"][2] == (0.5, 0.6)
    assert filled.dtype == np.float32
    assert (filled[hole] == 7).all()


class Sampler:
    """Stands in for a Filler; a bundle named "old" draws no samples."""

    calls: ClassVar[list[tuple]] = []

    def __init__(self, bundle, engine):
        del engine
        self.draws_samples = bundle != "old"

    def __call__(self, image, hole, **options):
        del hole
        self.calls.append((image, options))
        return SimpleNamespace(image=SimpleNamespace(voxels=image.voxels) if isinstance(image, Image) else image)


@pytest.fixture
def sampler(monkeypatch):
    monkeypatch.setattr(Sampler, "calls", [])
    monkeypatch.setitem(sys.modules, "monai_inpaint.fill.filler", SimpleNamespace(Filler=Sampler))
    info = SimpleNamespace(name="mr_inpainting", kind="inpainting", version="0.2.0", modalities=("mr",))
    monkeypatch.setattr("monai_inpaint.registry.find_bundle", lambda _: info)
    return Sampler


def test_a_bundle_fills_with_its_best_estimate_or_with_a_sample_of_the_seed(sampler):
    truth, hole = smooth((40, 40)).astype(np.float32), square_hole((40, 40), 10, 10, 20)
    case = EvaluationCase("a", "p", truth, hole, 0, 255, "mr", "v", (0.5, 0.6))
    best, sample = fill_methods.find_methods(["mr", "mr:sample"], seed=3)
    best.fill(case)
    sample.fill(case)
    assert (best.name, sample.name) == ("mr", "mr:sample")
    assert "seed 3" in sample.version
    assert [options for _, options in sampler.calls] == [
        {"spacing": (0.5, 0.6)},
        {"spacing": (0.5, 0.6), "sample": True, "seed": 3},
    ]


def test_samples_of_a_bundle_that_draws_none_are_refused_before_the_work(sampler):
    with pytest.raises(InputError, match="old draws no samples"):
        fill_methods.find_methods(["ring", "old:sample"])
    assert sampler.calls == []


def test_a_bundle_is_given_a_volume_with_its_affine(sampler):
    truth, hole = smooth((20, 24, 12)).astype(np.float32), np.zeros((20, 24, 12), bool)
    hole[8:12, 8:12, 4:8] = True
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    (method,) = fill_methods.find_methods(["mr"])
    filled = method.fill(EvaluationCase("a", "p", truth, hole, 0, 255, "mr", "v", (1, 1, 2), affine))
    ((image, options),) = sampler.calls
    np.testing.assert_array_equal(image.affine, affine)
    assert options == {}
    assert filled.shape == truth.shape


@pytest.fixture
def small_bundles(monkeypatch):
    """Bundles "cxr", "ct" and "mr" that fill with the mean of the image they see."""

    class FakeFiller:
        def __init__(self, bundle, engine):
            del bundle, engine

        def __call__(self, image, hole, *, spacing):
            del spacing
            return SimpleNamespace(image=np.where(hole, image[~hole].mean(), image))

    def find(name):
        modalities = ("ct", "mr") if name == "both" else (name,)
        return SimpleNamespace(name=f"{name}_inpainting", kind="inpainting", version="0", modalities=modalities)

    monkeypatch.setitem(sys.modules, "monai_inpaint.fill.filler", SimpleNamespace(Filler=FakeFiller))
    monkeypatch.setattr("monai_inpaint.registry.find_bundle", find)


@pytest.fixture
def mixed(tmp_path) -> Path:
    """A film, an MR slice, a CT slice in Hounsfield units and one as an 8-bit picture."""
    from monai_inpaint import write_image

    folder = tmp_path / "data"
    folder.mkdir()
    grey = np.rint(smooth((200, 200))).astype(np.uint8)
    for name in ("film.png", "head.png", "grey.png"):
        write_image(Image(grey), folder / name)
    write_image(Image(phantom_ct((200, 200)).astype(np.int16)), folder / "body.mha")
    (folder / "list.csv").write_text("path,modality\nfilm.png,CR\nhead.png,MR\ngrey.png,CT\nbody.mha,CT\n")
    return folder / "list.csv"


@pytest.mark.usefixtures("small_bundles")
def test_images_that_a_bundle_is_not_for_are_left_out_for_all_methods_with_the_reason(mixed, tmp_path):
    summary = evaluate(mixed, "free-form", ["ring", "ct"], tmp_path / "out")
    assert [(r.case, r.method, r.error) for r in summary.results] == [("body.mha", "ring", ""), ("body.mha", "ct", "")]
    reasons = dict(row for row in csv.reader((tmp_path / "out" / "skipped.csv").read_text().splitlines()[1:]))
    assert reasons == {
        "film.png": "it is cxr, the bundles among the methods are for ct.",
        "head.png": "it is mr, the bundles among the methods are for ct.",
        "grey.png": "an 8-bit picture of CT contains no Hounsfield units.",
    }


@pytest.mark.usefixtures("small_bundles")
@pytest.mark.parametrize(("names", "cases"), [(["both"], {"head.png", "body.mha"}), (["both", "ct"], {"body.mha"})])
def test_a_bundle_for_several_modalities_is_compared_on_what_all_are_for(mixed, tmp_path, names, cases):
    summary = evaluate(mixed, "free-form", ["ring", *names], tmp_path / "out")
    assert {(result.case, result.error) for result in summary.results} == {(case, "") for case in cases}


def test_without_bundles_every_modality_is_measured_but_8_bit_ct(mixed, tmp_path):
    summary = evaluate(mixed, "free-form", ["ring"], tmp_path / "out")
    assert {result.case for result in summary.results} == {"film.png", "head.png", "body.mha"}
    assert [name for name, _ in summary.skipped] == ["grey.png"]


@pytest.mark.usefixtures("small_bundles")
@pytest.mark.parametrize(
    ("protocol", "names", "words"),
    [
        ("cxr-centre", ["ring", "ct"], "ct (ct) and the protocol cxr-centre (cxr)"),
        ("free-form", ["ct", "mr"], "the bundles ct (ct), mr (mr)"),
    ],
)
def test_bundles_that_cannot_be_compared_are_refused_before_the_work(mixed, tmp_path, protocol, names, words):
    with pytest.raises(InputError, match=re.escape(words)):
        evaluate(mixed, protocol, names, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_that_paints_films_is_measured_on_one_sample_and_keeps_what_is_known(painting_home):
    truth, hole = (255 * smooth((96, 96))).round().astype(np.float32), square_hole((96, 96), 30, 30, 40)
    case = EvaluationCase("a", "p", truth, hole, 0, 255, "cxr", "v")
    first, again, other = (
        fill_methods.find_methods(["cxr_lesion_painting"], "onnxruntime", seed)[0] for seed in (1, 1, 2)
    )
    filled = first.fill(case)

    assert painting_home.is_dir()
    assert (first.version, first.modalities) == ("cxr_lesion_painting 0.0.1, one sample, seed 1", ("cxr",))
    np.testing.assert_array_equal(filled[~hole], truth[~hole])
    np.testing.assert_array_equal(filled, again.fill(case))
    assert (filled != other.fill(case))[hole].mean() > 0.9
    with pytest.raises(InputError, match=r"does not fill images, it makes images for training data \(synthesize\)"):
        fill_methods.find_methods(["cxr_lesion_painting:sample"])


def test_a_bundle_that_makes_nodules_paints_no_films(nodule_home):
    assert nodule_home.is_dir()
    with pytest.raises(InputError, match="paints no films"):
        fill_methods.find_methods(["nodule_texture_cxr"], "onnxruntime")
