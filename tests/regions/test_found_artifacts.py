"""`find` and `fill --find`: a hole is proposed and written, or filled as well; and what proposes it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_samples import ct_series, json_lines, nifti, run, smooth, tree
from monai.bundle import ConfigWorkflow
from PIL import Image as Pillow
from training_samples import TINY, data_set, run_bundle

from monai_inpaint import Filler, InputError, read_image
from monai_inpaint.engines import load_engine
from monai_inpaint.engines.torch_engine import load_network
from monai_inpaint.imaging.image import Image
from monai_inpaint.regions.artifacts import BUNDLE, MARGIN, MIN_AREA, SIDE, ArtifactDetector, find_artifacts
from monai_inpaint.registry import find_bundle
from monai_inpaint.registry.training_cost import read_training_cost

BAR = (slice(60, 76), slice(40, 120))


def film(path: Path, *, barred: bool = True, side: int = 160) -> Path:
    """A smooth film, with a white bar on it."""
    pixels = (40 + 120 * smooth((side, side), 1)).astype(np.uint8)
    if barred:
        pixels[BAR] = 255
    Pillow.fromarray(pixels).save(path)
    return path


def marker(level: float):
    """A network that marks what lies above a level."""
    return lambda images: (images > level).astype(np.float32)


# --- the command


def test_find_alone_writes_the_same_hole_and_fills_nothing(tmp_path: Path, capfd) -> None:
    image, hole, alone = film(tmp_path / "film.png"), tmp_path / "hole.png", tmp_path / "alone.png"
    assert run(capfd, "fill", image, hole, tmp_path / "filled.png", "--find", "--bundle", "cxr").code == 0
    before = tree(tmp_path)

    ran = run(capfd, "find", image, alone)

    assert (ran.code, ran.lines) == (0, [])
    assert f"{alone} is a proposal" in ran.out
    assert alone.read_bytes() == hole.read_bytes()
    assert set(tree(tmp_path)) - set(before) == {"alone.png"}


def test_find_alone_writes_nothing_where_nothing_is_found_or_the_image_would_be_lost(tmp_path: Path, capfd) -> None:
    image = film(tmp_path / "film.png", barred=False)
    before = tree(tmp_path)

    nothing, itself = run(capfd, "find", image, tmp_path / "hole.png"), run(capfd, "find", image, image)

    assert (nothing.code, itself.code) == (2, 2)
    assert len(nothing.lines) == len(itself.lines) == 1
    assert tree(tmp_path) == before


def test_find_writes_the_hole_and_fills_it(tmp_path: Path, capfd) -> None:
    image, hole, output, report = (tmp_path / name for name in ("film.png", "hole.png", "filled.png", "report.json"))
    film(image)

    ran = run(capfd, "fill", image, hole, output, "--find", "--bundle", "cxr", "--report", report)

    assert (ran.code, ran.lines) == (0, [])
    assert str(hole) in ran.out
    assert "Research use only" in ran.out
    marked, source, filled = (read_image(path).voxels for path in (hole, image, output))
    assert marked.dtype == np.uint8
    assert set(np.unique(marked)) == {0, 255}
    assert (marked[BAR] > 0).mean() > 0.9
    assert (marked > 0).mean() < 0.2
    assert np.array_equal(filled[marked == 0], source[marked == 0])
    facts = json.loads(report.read_text())
    assert facts["hole"]["proposed_by"] == f"{BUNDLE} {find_bundle(BUNDLE).version}"
    assert facts["hole"]["voxels"] == np.count_nonzero(marked)
    assert facts["seconds"]["find"] > 0
    assert facts["files"] == {"image": "film.png", "hole": "hole.png", "output": "filled.png"}


def test_the_written_hole_fills_as_the_proposal_did(tmp_path: Path, capfd) -> None:
    image, hole = film(tmp_path / "film.png"), tmp_path / "hole.nii.gz"

    assert run(capfd, "fill", image, hole, tmp_path / "one.png", "--find", "--bundle", "cxr").code == 0
    assert run(capfd, "fill", image, hole, tmp_path / "two.png", "--bundle", "cxr").code == 0

    assert np.array_equal(read_image(tmp_path / "one.png").voxels, read_image(tmp_path / "two.png").voxels)


def test_a_volume_gets_a_label_image_in_its_own_geometry(tmp_path: Path, capfd) -> None:
    voxels = (1000 * smooth((96, 128, 3)) - 900).astype(np.int16)
    voxels[40:50, 30:70, 1] = 3071
    image, hole, output = nifti(tmp_path / "ct.nii.gz", voxels), tmp_path / "hole.nii.gz", tmp_path / "filled.nii.gz"

    ran = run(capfd, "fill", image, hole, output, "--find", "--bundle", "ct", "--progress", "json")

    assert ran.code == 0
    assert list(dict.fromkeys(line["stage"] for line in json_lines(ran.lines))) == ["read", "find", "fill", "write"]
    source, marked, filled = (read_image(path) for path in (image, hole, output))
    assert np.allclose(marked.affine, source.affine, atol=1e-4)
    assert set(np.unique(marked.voxels)) == {0, 1}
    assert marked.voxels[40:50, 30:70, 1].mean() > 0.9
    assert np.array_equal(filled.voxels[marked.voxels == 0], source.voxels[marked.voxels == 0])


def test_where_nothing_is_found_nothing_is_written(tmp_path: Path, capfd, monkeypatch) -> None:
    monkeypatch.setattr("monai_inpaint.regions.artifacts.find_artifacts", lambda image, *_: image.voxels < 0)
    image = film(tmp_path / "film.png", barred=False)
    before = tree(tmp_path)

    ran = run(capfd, "fill", image, tmp_path / "hole.png", tmp_path / "out.png", "--find", "--bundle", "cxr")

    assert ran.code == 2
    assert ran.lines == [
        f"monai-inpaint: Nothing that looks like an artifact was found in {image}; mark the region yourself."
    ]
    assert tree(tmp_path) == before


def test_a_hole_that_is_there_is_kept_without_overwrite(tmp_path: Path, capfd) -> None:
    image, hole = film(tmp_path / "film.png"), tmp_path / "hole.png"
    hole.write_text("mine")
    before = tree(tmp_path)

    ran = run(capfd, "fill", image, hole, tmp_path / "out.png", "--find", "--bundle", "cxr")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "hole.png exists" in ran.lines[0]
    assert tree(tmp_path) == before
    assert run(capfd, "fill", image, hole, tmp_path / "out.png", "--find", "--bundle", "cxr", "--overwrite").code == 0
    assert read_image(hole).voxels.any()


@pytest.mark.parametrize(
    ("hole", "output", "why"),
    [
        ("film.png", "out.png", "both IMAGE and HOLE"),
        ("out.png", "out.png", "the same file or folder"),
        ("hole", "out.png", "choose one of"),
        ("hole.jpg", "out.png", "choose one of"),
    ],
)
def test_holes_that_cannot_be_written_are_refused_first(tmp_path: Path, capfd, hole, output, why) -> None:
    image = film(tmp_path / "film.png")
    before = tree(tmp_path)

    ran = run(capfd, "fill", image, tmp_path / hole, tmp_path / output, "--find", "--bundle", "cxr")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert why in ran.lines[0]
    assert tree(tmp_path) == before


def test_a_picture_cannot_hold_the_hole_of_a_volume(tmp_path: Path, capfd) -> None:
    ran = run(capfd, "fill", ct_series(tmp_path / "series"), tmp_path / "hole.png", tmp_path / "out", "--find")

    assert ran.code == 2
    assert "hole.png cannot hold a volume" in ran.lines[0]


def test_the_bundle_that_proposes_does_not_fill(tmp_path: Path, capfd) -> None:
    image, hole = film(tmp_path / "film.png"), film(tmp_path / "hole.png")

    ran = run(capfd, "fill", image, hole, tmp_path / "out.png", "--bundle", BUNDLE)

    assert ran.code == 2
    assert "does not fill images, it proposes what to fill" in ran.lines[0]
    with pytest.raises(InputError, match="does not fill images"):
        Filler(find_bundle(BUNDLE).path)


def test_info_tells_what_each_bundle_does(capfd) -> None:
    bundles = {bundle["name"]: bundle for bundle in json.loads(run(capfd, "info", "--json").out)["bundles"]}

    assert bundles[BUNDLE]["kind"] == "detection"
    assert bundles["cxr_inpainting"]["kind"] == "inpainting"
    assert f"{BUNDLE} {find_bundle(BUNDLE).version} (detection; cxr, ct, mr)" in run(capfd, "info").out


# --- the proposal


def test_regions_are_grown_and_specks_dropped() -> None:
    pixels = np.zeros((64, 96), np.float32)
    pixels[20:30, 20:40] = 1
    pixels[50, 50 : 50 + MIN_AREA] = 1
    pixels[40, 80 : 80 + MIN_AREA + 1] = 1

    found = find_artifacts(Image(pixels), marker(0.5))

    expected = np.zeros(pixels.shape, bool)
    expected[20 - MARGIN : 30 + MARGIN, 20 - MARGIN : 40 + MARGIN] = True
    expected[40 - MARGIN : 41 + MARGIN, 80 - MARGIN : 81 + MIN_AREA + MARGIN] = True
    assert not found[~expected].any()
    assert found[20:30, 20 - MARGIN : 40 + MARGIN].all()
    assert found[40, 80 : 81 + MIN_AREA].all()


def test_the_network_sees_slices_as_shown_and_dense_as_bright() -> None:
    shown = []

    def see(images: np.ndarray) -> np.ndarray:
        shown.append(images)
        return np.zeros_like(images)

    pixels = np.arange(64 * 32, dtype=np.uint16).reshape(64, 32)
    find_artifacts(Image(pixels, inverted=True), see)
    # (i, j) of a volume in RAS are columns and rows, both turned round
    find_artifacts(Image(np.ascontiguousarray(pixels.T[::-1, ::-1])[..., None], np.eye(4)), see)

    assert np.array_equal(shown[0][0, 0], -pixels.astype(np.float32))
    assert np.array_equal(shown[1][0, 0], pixels.astype(np.float32))


def test_large_films_are_reduced_and_the_proposal_brought_back() -> None:
    seen = []
    pixels = np.zeros((2 * SIDE, 3 * SIDE), np.float32)
    pixels[300:400, 600:900] = 1

    def see(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape)
        return (images > 0.5).astype(np.float32)

    found = find_artifacts(Image(pixels), see)

    assert max(seen[0]) == SIDE
    assert all(side % 32 == 0 for side in seen[0][2:])
    assert found[300:400, 600:900].all()
    assert found[300 - 4 * MARGIN : 400 + 4 * MARGIN, 600 - 4 * MARGIN : 900 + 4 * MARGIN].sum() == found.sum()


@pytest.mark.parametrize("size", [(1, 1), (5, 200), (33, 31)])
def test_slices_of_any_size_are_searched(size: tuple[int, int]) -> None:
    assert find_artifacts(Image(np.random.default_rng(0).random(size)), marker(2.0)).shape == size


def test_values_that_are_no_numbers_are_no_artifact() -> None:
    pixels = np.ones((64, 64), np.float32)
    pixels[:10] = np.nan

    assert not find_artifacts(Image(pixels), marker(0.5)).any()  # nothing but one value
    pixels[30:40, 30:40] = 2
    found = find_artifacts(Image(pixels), marker(1.5))
    assert found[30:40, 30:40].all()
    assert not found[:10].any()


# --- the bundle


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_graph_marks_what_the_network_marks(engine: str) -> None:
    info = find_bundle(BUNDLE)
    images = np.stack([smooth((64, 96), seed) for seed in range(2)])[:, None].astype(np.float32)
    images[:, :, 20:30, 40:60] = 1.3
    with torch.no_grad():
        expected = load_network(info).eval()(torch.from_numpy(images)).numpy()

    loaded = load_engine(engine, info)
    # bfloat16 moves what is undecided, about 0.5, the most
    apart = 5e-2 if loaded.describe()["arithmetic"] == "bf16" else 2e-2
    np.testing.assert_allclose(loaded.run(images), expected, rtol=0, atol=apart)


def test_a_scan_in_other_units_gets_the_same_proposal() -> None:
    pixels = (100 * smooth((128, 128), 2)).astype(np.float32)
    pixels[30:44, 50:90] = 130
    finder = ArtifactDetector("onnxruntime")

    one, other = finder(Image(pixels)), finder(Image(40 * pixels - 1000))

    assert one[30:44, 50:90].mean() > 0.9
    assert (one != other).mean() < 1e-3


def test_inference_by_monai_proposes_what_the_package_does(tmp_path: Path) -> None:
    info, image = find_bundle(BUNDLE), film(tmp_path / "film.png")
    (tmp_path / "images.csv").write_text("image\nfilm.png\n")
    places = {"bundle_root": str(info.path), "dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "out")}
    workflow = ConfigWorkflow(
        str(info.path / "configs" / "inference.json"), workflow_type="infer", logging_file=False, **places
    )
    workflow.initialize()
    workflow.run()

    hole = read_image(tmp_path / "out" / "film_hole.png").voxels
    assert set(np.unique(hole)) == {0, 255}
    assert ((hole > 0) != ArtifactDetector("onnxruntime")(read_image(image))).mean() < 1e-3


@pytest.mark.slow
def test_the_committed_config_trains_validates_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data, out, folder = data_set(tmp_path / "data"), tmp_path / "out", find_bundle(BUNDLE).path
    places = {"bundle_root": folder, "dataset_dir": data, "output_dir": out, "ckpt_dir": out}
    train = folder / "configs" / "train.json"
    run_bundle(train, **places, **TINY)
    (out / "resume_checkpoint_epoch=2.pt").unlink()  # as if it had been stopped in the last epoch
    run_bundle(train, **places, **TINY)

    with (out / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(0 <= float(row["dice"]) <= 1 for row in rows)
    assert {"loss", "false_alarms"} <= rows[0].keys()
    cost = read_training_cost(out)
    assert cost is not None
    assert (cost.steps, cost.images) == (4, 8)
    assert (
        torch.load(out / "model.pt", weights_only=True).keys() == load_network(find_bundle(BUNDLE)).state_dict().keys()
    )
