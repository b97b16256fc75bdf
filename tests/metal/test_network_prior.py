"""The network that corrects slices with metal: what it is shown, what its answer is used for, and its training."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_samples import nifti
from metal_samples import MM, pelvis, rmse, rod
from metal_scans import hip_scan
from training_samples import METAL, ROOT, bundle, run_bundle

from monai_inpaint import read_image
from monai_inpaint.ct.scanner import Scanner
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.losses import MetalLoss
from monai_inpaint.metal.network_prior import grid_of, predicted, with_prior
from monai_inpaint.metal.reduce import reduce_metal
from monai_inpaint.metal.sinogram_correction import SinogramCorrector, li, nmar
from monai_inpaint.networks import MetalUNet
from monai_inpaint.registry import find_generator
from monai_inpaint.synthesis.metal.scan import clean_slice, with_metal
from monai_inpaint.synthesis.metal.simulate import simulate_metal
from monai_inpaint.training import MetalRMSE, metal_pairs
from monai_inpaint.transforms import SimulateMetald

pytest.importorskip("astra")
pytest.importorskip("xraydb")
SPACING, TRAIN = (MM, MM), ROOT / "bundles" / "ct_metal" / "configs" / "train.json"


@pytest.fixture(scope="module")
def scanned() -> tuple[np.ndarray, np.ndarray]:
    """A pelvis with a steel rod in each hip, and the metal."""
    rods = [rod(12, 10, right) for right in (-85, 85)]
    scan = with_metal(
        clean_slice(pelvis(), SPACING), [(r, "steel") for r, _ in rods], Scanner(), np.random.default_rng(0)
    )
    return scan.clip(-1024, 3071), rods[0][1] | rods[1][1]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two pelvises, one to train on and one to validate."""
    folder = tmp_path_factory.mktemp("pelvises")
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "source", "modality", "patient", "split", "mask", "note"))
        for split, shift in (("train", 0), ("val", 4)):
            name = f"{split}.nii.gz"
            slice_hu = np.rint(np.roll(pelvis(), shift, axis=0))[..., None].astype(np.int16)
            nifti(folder / name, slice_hu, np.diag([MM, MM, 3.0, 1.0]))
            table.writerow((name, "tcga", "CT", split, split, "", ""))
    return folder


def entry(data: Path, seed: int) -> dict[str, object]:
    return {"image": str(data / "train.nii.gz"), "name": "train.nii.gz", "slice": 0, "seed": seed}


# --- the grid


def test_a_fine_slice_is_reduced_to_pixels_of_about_1_4_mm_and_a_coarse_one_stays() -> None:
    fine, coarse = grid_of((512, 400), (0.7, 0.7)), grid_of((120, 100), (3.0, 3.0))

    assert fine.shape == (256, 200)
    assert fine.spacing == pytest.approx((1.4, 1.4))
    assert coarse.shape == (120, 100)
    assert coarse.padded(np.zeros((120, 100)), -1000.0).shape == (128, 128)


def test_what_was_reduced_lies_in_the_same_place_when_enlarged() -> None:
    slice_hu = pelvis()
    grid = grid_of(slice_hu.shape, (0.7, 0.7))

    back = grid.enlarged(grid.padded(grid.reduced(slice_hu), -1000.0))

    assert back.shape == slice_hu.shape
    assert rmse(back, slice_hu, slice_hu > -1100) < 60.0
    for shift in (-2, 2):
        assert rmse(np.roll(back, shift, axis=1), slice_hu, slice_hu > -1100) > 80.0


# --- the network


def test_an_untrained_network_gives_what_interpolation_gave() -> None:
    windows = torch.cat((torch.randn(2, 1, 64, 96) * 500, torch.zeros(2, 1, 64, 96), torch.randn(2, 1, 64, 96)), dim=1)

    assert torch.equal(MetalUNet().eval()(windows), windows[:, 2:])


def test_the_network_is_shown_the_metal_and_the_slice_without_it(scanned) -> None:
    slice_hu, metal = scanned
    shown: list[np.ndarray] = []

    def run(windows: np.ndarray) -> np.ndarray:
        shown.append(windows)
        return windows[:, 2:]

    answer = predicted(slice_hu, metal, SPACING, run)

    (windows,) = shown
    rows, columns = metal.shape
    assert windows.shape == (1, 3, 160, 160)
    assert windows.dtype == np.float32
    assert np.array_equal(windows[0, 1, :rows, :columns] != 0, metal)
    assert (windows[0, 0][windows[0, 1] != 0] == 0).all()
    assert np.array_equal(answer, nmar(slice_hu.clip(-1000), metal, SPACING, keep_metal=False))


def test_the_better_the_network_the_better_the_slice(scanned) -> None:
    slice_hu, metal = scanned
    truth = pelvis()
    patient, projected = (truth > -900) & ~metal, SinogramCorrector(slice_hu, metal, SPACING)

    perfect = with_prior(projected, slice_hu, truth)
    blind = with_prior(projected, slice_hu, np.zeros_like(truth))

    errors = [rmse(x, truth, patient) for x in (perfect, nmar(slice_hu, metal, SPACING), slice_hu)]
    assert errors[0] < 0.5 * errors[1] < 0.5 * errors[2]
    # A network that sees water everywhere moves nothing far from the metal and its streaks.
    far = patient & (truth > -50) & (truth < 50)
    far[:, 20:140] = False
    assert rmse(blind, truth, far) < 1.2 * rmse(li(slice_hu, metal, SPACING), truth, far)


def test_no_network_for_metal_is_asked_to_fill() -> None:
    with pytest.raises(InputError, match="ct_metal does not fill images"):
        find_generator("ct_metal")


@pytest.fixture(scope="module")
def hip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume with an implant in four of its six slices, in a file."""
    image = hip_scan()
    return nifti(tmp_path_factory.mktemp("hip") / "hip.nii.gz", image.voxels, image.affine)


def test_the_method_network_keeps_the_metal_and_slices_without_it(hip: Path) -> None:
    source = read_image(hip)

    reduced = reduce_metal(source, "network")

    changed = (reduced.image.voxels != source.voxels).any(axis=(0, 1))
    assert changed.tolist() == reduced.metal.any(axis=(0, 1)).tolist() == [False, True, True, True, True, False]
    assert np.array_equal(reduced.image.voxels[reduced.metal], source.voxels[reduced.metal])
    assert reduced.report["bundle"]["name"] == METAL
    before, after = (reduced.report["streaks"][f"affected_{when}"]["deviation_hu"] for when in ("before", "after"))
    assert after < before


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", "torch"])
def test_every_engine_corrects_alike(hip: Path, engine: str) -> None:
    source, expected = read_image(hip), reduce_metal(read_image(hip), "network", engine="torch").image.units()

    corrected = reduce_metal(source, "network", engine=engine).image.units()

    # bfloat16 keeps 8 bits of what the network adds
    assert np.abs(corrected - expected).max() < 25.0
    assert np.abs(corrected - expected).mean() < 1.0


def test_inference_by_monai_corrects_as_the_package_does(hip: Path, tmp_path: Path) -> None:
    info = bundle(METAL)
    (tmp_path / "images.csv").write_text(f"image\n{hip}\n")

    places = {"bundle_root": info.path, "dataset_dir": tmp_path, "output_dir": tmp_path / "out"}
    run_bundle(info.path / "configs" / "inference.json", **places)

    made, expected = read_image(tmp_path / "out" / hip.name), reduce_metal(read_image(hip), "network", engine="torch")
    # Whole HU: what is halfway may be rounded either way.
    np.testing.assert_allclose(made.voxels.astype(int), expected.image.voxels.astype(int), rtol=0, atol=1)
    assert made.voxels.dtype == read_image(hip).voxels.dtype


def test_a_bundle_that_fills_does_not_correct(hip: Path) -> None:
    with pytest.raises(InputError, match="ct_inpainting is for inpaint, not for network"):
        reduce_metal(read_image(hip), "network", bundle="ct_inpainting")


# --- training


def test_an_entry_gives_the_same_pair_each_time_and_another_seed_another(data: Path) -> None:
    simulate = SimulateMetald(side=160)

    first, again, other = (simulate(entry(data, seed)) for seed in (1, 1, 2))

    assert np.array_equal(first["image"], again["image"])
    assert not np.array_equal(first["label"][1], other["label"][1])
    assert first["image"].shape == (3, 160, 160)
    assert first["label"].shape == (2, 160, 160)


def test_a_slice_gets_one_implant_or_more(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def noted(image: Image, implant: list[str], seed: int, scanner: Scanner) -> Any:
        drawn.append(len(implant))
        return simulate_metal(image, implant, seed, scanner=scanner)

    monkeypatch.setattr("monai_inpaint.transforms.simulated_metal.simulate_metal", noted)
    for seed in range(6):
        SimulateMetald(side=160, implants=2)(entry(data, seed))

    assert set(drawn) == {1, 2}


def test_a_pair_is_a_slice_with_metal_and_the_same_without(data: Path) -> None:
    pair = SimulateMetald(side=256)(entry(data, 3))
    image, (truth, metal) = pair["image"].astype(float), pair["label"].astype(float)

    assert np.array_equal(image[1], metal)
    assert 0 < metal.sum() < 0.05 * metal.size
    assert (image[0][metal > 0] == 0).all()
    patient = (truth > -900) & (metal == 0)
    assert rmse(image[2], truth, patient) < rmse(image[0], truth, patient)
    assert truth[metal > 0].max() < 1500  # tissue, not metal


def test_pairs_are_drawn_by_the_shares_of_their_sources() -> None:
    slices = [{"image": n, "source": "few" if n < 2 else "many"} for n in range(100)]

    pairs = metal_pairs(slices, {"few": 0.5, "many": 0.5}, 1000)

    assert 430 < sum(pair["source"] == "few" for pair in pairs) < 570
    assert [pair["seed"] for pair in pairs] == list(range(1000))
    assert pairs[:10] == metal_pairs(slices, {"few": 0.5, "many": 0.5}, 10)


def test_errors_in_air_and_under_metal_count_little() -> None:
    truth = torch.zeros(1, 2, 8, 8)
    truth[:, 0, :, :4] = -1000.0
    truth[:, 1, :2, 4:] = 1.0
    wrong = {}
    for name, place in (("air", (4, 0)), ("metal", (0, 6)), ("patient", (4, 6))):
        guess = truth[:, :1].clone()
        guess[0, 0, *place] += 50.0
        wrong[name] = float(MetalLoss()(guess, truth))

    assert wrong["patient"] == pytest.approx(10 * wrong["air"])
    assert wrong["patient"] == pytest.approx(10 * wrong["metal"])


def test_the_error_is_taken_of_the_patient_outside_the_metal() -> None:
    truth = torch.zeros(2, 2, 8, 8)
    truth[:, 0, 0] = -1000.0
    truth[:, 1, 1] = 1.0
    guess = torch.full((2, 1, 8, 8), 20.0)
    guess[:, :, :2] = 5000.0
    metric = MetalRMSE()

    metric(y_pred=guess, y=truth)

    assert float(metric.aggregate()) == pytest.approx(-20.0)


@pytest.mark.slow
def test_training_simulates_its_pairs_lowers_the_error_and_resumes(data: Path, tmp_path: Path) -> None:
    tiny = {
        "side": 192,
        "square": 64,
        "val_interval": 1,
        "pairs": 4,
        "batch_size": 2,
        "epoch_length": 4,
        "max_epochs": 4,
        "sources": "{'tcga': 0}",
    }
    place = {"bundle_root": TRAIN.parents[1], "dataset_dir": data, "output_dir": tmp_path, "ckpt_dir": tmp_path}
    tiny |= {"shares": "{'tcga': 1.0}", "validate#count": 4}

    run_bundle(TRAIN, **tiny, **place, cpu_minutes=0.001)  # one epoch, and it is over
    pairs = {path: path.stat().st_mtime_ns for path in (tmp_path / "pairs").iterdir()}
    run_bundle(TRAIN, **tiny, **place)

    with (tmp_path / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert len(pairs) == 8
    assert {path: path.stat().st_mtime_ns for path in pairs} == pairs  # simulated once
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    torch.load(tmp_path / "model.pt", weights_only=True)


def test_a_slice_without_room_for_an_implant_is_named(data: Path, tmp_path: Path) -> None:
    nifti(tmp_path / "air.nii.gz", np.full((64, 64, 1), -1000, np.int16), np.diag([2.0, 2.0, 3.0, 1.0]))

    with pytest.raises(InputError, match="no room for the implant"):
        SimulateMetald()({**entry(data, 0), "image": str(tmp_path / "air.nii.gz")})
