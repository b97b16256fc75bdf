"""Measures inside the hole: hand-computed values, agreement with scikit-image, invariances."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint import metrics
from monai_inpaint.errors import InputError

pytest.importorskip("scipy")


@pytest.fixture(params=[(40, 36), (24, 20, 22)], ids=["2d", "3d"])
def scene(request) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random truth from 0 to 255, and a hole in its middle."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(3)
    truth = gaussian_filter(rng.normal(size=request.param), 2)
    truth = 255 * (truth - truth.min()) / (truth.max() - truth.min())
    hole = np.zeros(request.param, bool)
    hole[tuple(slice(size // 4, 3 * size // 4) for size in request.param)] = True
    return truth, hole


def noisy(truth: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(5).normal(size=truth.shape)
    return np.where(hole, np.clip(truth + sigma * noise, 0, 255), truth)


def test_errors_have_their_hand_computed_values():
    truth = np.array([[0.0, 10.0], [20.0, 30.0]])
    filled = np.array([[999.0, 13.0], [16.0, 30.0]])
    hole = np.array([[False, True], [True, True]])
    assert metrics.mse(truth, filled, hole) == pytest.approx(25 / 3)
    assert metrics.mae(truth, filled, hole) == pytest.approx(7 / 3)
    assert metrics.psnr(truth, filled, hole, 255) == pytest.approx(10 * np.log10(255**2 / (25 / 3)))


def test_psnr_depends_on_the_range_as_stated(scene):
    truth, hole = scene
    filled = noisy(truth, hole, 10)
    gain = metrics.psnr(truth, filled, hole, 510) - metrics.psnr(truth, filled, hole, 255)
    assert gain == pytest.approx(20 * np.log10(2))
    with pytest.raises(ValueError, match="data_range"):
        metrics.psnr(truth, filled, hole, 0)


def test_an_exact_fill_scores_perfectly(scene):
    truth, hole = scene
    assert metrics.mse(truth, truth, hole) == 0
    assert metrics.psnr(truth, truth, hole, 255) == np.inf
    assert metrics.ssim(truth, truth, hole, 255) == pytest.approx(1)
    assert metrics.uqi(truth, truth, hole) == pytest.approx(1)
    assert metrics.sharpness(truth, truth, hole) == 1


def test_more_noise_scores_worse(scene):
    truth, hole = scene
    fills = [noisy(truth, hole, sigma) for sigma in (2, 8, 32)]
    psnr = [metrics.psnr(truth, fill, hole, 255) for fill in fills]
    ssim = [metrics.ssim(truth, fill, hole, 255) for fill in fills]
    uqi = [metrics.uqi(truth, fill, hole) for fill in fills]
    sharpness = [metrics.sharpness(truth, fill, hole) for fill in fills]
    assert psnr == sorted(psnr, reverse=True)
    assert ssim == sorted(ssim, reverse=True)
    assert uqi == sorted(uqi, reverse=True)
    assert sharpness == sorted(sharpness)


def test_voxel_errors_do_not_look_outside_the_hole(scene):
    truth, hole = scene
    filled = noisy(truth, hole, 10)
    elsewhere = np.where(hole, filled, 0)
    assert metrics.mse(truth, elsewhere, hole) == metrics.mse(truth, filled, hole)
    assert metrics.mae(truth, elsewhere, hole) == metrics.mae(truth, filled, hole)


def test_ssim_map_is_that_of_scikit_image(scene):
    similarity = pytest.importorskip("skimage.metrics").structural_similarity
    truth, hole = scene
    filled = noisy(truth, hole, 20)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "full": True}
    _, reference = similarity(truth, filled, **options)
    np.testing.assert_allclose(metrics.ssim_map(truth, filled, 255), reference, atol=1e-9)


@pytest.mark.parametrize("corner", [(0, 0), (30, 25), (60, 70)], ids=["at the border", "inside", "at the other border"])
def test_measures_of_a_crop_are_those_of_the_full_map(corner):
    rng = np.random.default_rng(1)
    truth, filled = rng.uniform(0, 255, (2, 80, 90))
    hole = np.zeros(truth.shape, bool)
    hole[corner[0] : corner[0] + 20, corner[1] : corner[1] + 20] = True
    assert metrics.ssim(truth, filled, hole, 255) == pytest.approx(metrics.ssim_map(truth, filled, 255)[hole].mean())
    assert metrics.uqi(truth, filled, hole) == pytest.approx(metrics.uqi_map(truth, filled)[hole].mean())


def test_ssim_and_uqi_do_not_change_with_axes_swapped(scene):
    truth, hole = scene
    filled = noisy(truth, hole, 20)
    assert metrics.ssim(truth.T, filled.T, hole.T, 255) == pytest.approx(metrics.ssim(truth, filled, hole, 255))
    assert metrics.uqi(truth.T, filled.T, hole.T) == pytest.approx(metrics.uqi(truth, filled, hole))


def test_uqi_of_one_block_is_the_formula():
    x, y = np.random.default_rng(2).uniform(0, 255, (2, 20, 20))
    a, b = x[6:14, 6:14], y[6:14, 6:14]  # the block around (10, 10): from -4 to +3
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    expected = 4 * covariance * a.mean() * b.mean() / ((a.var() + b.var()) * (a.mean() ** 2 + b.mean() ** 2))
    assert metrics.uqi_map(x, y)[10, 10] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(7, 7, 1), (0, 0, 1), (10, 30, 2 * 10 * 30 / (100 + 900)), (0, 5, 0)]
)
def test_uqi_of_flat_blocks_is_one_when_equal_and_compares_means_when_not(first, second, expected):
    truth, filled = np.full((20, 20), float(first)), np.full((20, 20), float(second))
    hole = np.zeros((20, 20), bool)
    hole[8:12, 8:12] = True
    assert metrics.uqi(truth, filled, hole) == pytest.approx(expected)


def test_uqi_of_a_flat_fill_of_a_rough_truth_is_zero():
    truth = np.random.default_rng(0).uniform(0, 255, (30, 30))
    assert metrics.uqi(truth, np.full((30, 30), 99.9), np.ones((30, 30), bool)) == 0


def test_sharpness_is_the_square_of_a_contrast_factor(scene):
    truth, hole = scene
    assert metrics.sharpness(truth, 0.5 * truth + 40, hole) == pytest.approx(0.25)


def test_blur_lowers_sharpness_and_a_flat_fill_has_none(scene):
    from scipy.ndimage import gaussian_filter

    truth, hole = scene
    blurred = np.where(hole, gaussian_filter(truth, 2), truth)
    assert metrics.sharpness(truth, blurred, hole) < 1
    assert metrics.sharpness(truth, np.where(hole, 100, truth), hole) == 0


def test_sharpness_of_a_flat_truth_is_one_for_a_flat_fill_only():
    flat, hole = np.zeros((9, 9)), np.ones((9, 9), bool)
    assert metrics.sharpness(flat, flat, hole) == 1
    assert metrics.sharpness(flat, np.eye(9), hole) == np.inf


def test_an_empty_hole_or_other_shapes_cannot_be_measured():
    image = np.zeros((8, 8))
    with pytest.raises(ValueError, match="empty"):
        metrics.mse(image, image, np.zeros((8, 8), bool))
    with pytest.raises(ValueError, match="one shape"):
        metrics.ssim(image, image[:4], np.ones((8, 8), bool), 255)


@pytest.fixture(scope="module")
def lpips_files(tmp_path_factory) -> tuple[Path, Path]:
    """Random features and heads in the layout of the real files, which cannot be part of the tests."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from safetensors.torch import save_file

    from monai_inpaint.networks.image_features import SqueezeNet

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("lpips")
    net = SqueezeNet()
    save_file(net.state_dict(), folder / "features.safetensors")
    widths = (64, 128, 256, 384, 384, 512, 512)
    heads = {f"lin{index}.model.1.weight": torch.rand(1, width, 1, 1) for index, width in enumerate(widths)}
    torch.save(heads, folder / "heads.pth")
    return folder / "features.safetensors", folder / "heads.pth"


def test_lpips_features_have_the_names_of_torchvision(lpips_files):
    from safetensors import safe_open

    with safe_open(lpips_files[0], "numpy") as file:
        names = set(file.keys())
        assert file.get_slice("features.0.weight").get_shape() == [64, 3, 3, 3]
        assert file.get_slice("features.12.expand3x3.weight").get_shape() == [256, 64, 3, 3]
    assert len(names) == 50
    assert {"features.0.bias", "features.3.squeeze.weight", "features.12.expand1x1.bias"} <= names


def test_lpips_is_zero_for_equal_images_and_grows_with_noise(lpips_files):
    from monai_inpaint.metrics.lpips import Lpips

    lpips = Lpips(*lpips_files)
    truth = np.outer(np.linspace(0, 255, 64), np.ones(64))
    hole = np.zeros((64, 64), bool)
    hole[16:48, 16:48] = True
    distances = [lpips(truth, noisy(truth, hole, sigma), 255) for sigma in (0, 10, 60)]
    assert distances[0] == 0
    assert distances[0] < distances[1] < distances[2]
    assert lpips(noisy(truth, hole, 60), truth, 255) == pytest.approx(distances[2], rel=1e-5)


def test_lpips_of_both_images_in_another_range_is_the_same(lpips_files):
    from monai_inpaint.metrics.lpips import Lpips

    lpips = Lpips(*lpips_files)
    a, b = np.random.default_rng(0).uniform(0, 255, (2, 40, 40))
    assert lpips(a / 255, b / 255, 1) == pytest.approx(lpips(a, b, 255), rel=1e-4)


def test_lpips_sees_the_window_around_the_hole_only(lpips_files):
    from monai_inpaint.metrics.lpips import Lpips, window_around

    lpips = Lpips(*lpips_files)
    truth = np.random.default_rng(0).uniform(0, 255, (100, 120))
    hole = np.zeros(truth.shape, bool)
    hole[2:12, 50:60] = True
    assert window_around(hole, 40) == (slice(0, 40), slice(35, 75))
    filled = noisy(truth, hole, 50)
    far = truth.copy()
    far[60:] = 0
    there = lpips.in_window(truth, filled, hole, 255, 40)
    assert there > 0
    assert lpips.in_window(far, np.where(hole, filled, far), hole, 255, 40) == there
    assert lpips.in_window(truth, filled, hole, 255, 400) == pytest.approx(lpips(truth, filled, 255))


def pairs_of(count: int, sigma: float, lpips_files: tuple[Path, Path]) -> tuple[np.ndarray, list[str]]:
    """Differences of features between grains of two sizes of noise, in holes of images that differ otherwise."""
    from monai_inpaint.metrics.paired_classifier import HoleFeatures

    features = HoleFeatures(lpips_files[0])
    rng = np.random.default_rng(0)
    hole = np.zeros((48, 48), bool)
    hole[8:40, 8:40] = True
    found = []
    for _ in range(count):
        image = rng.uniform(50, 200) + rng.normal(0, rng.uniform(5, 25), (48, 48))
        truth, filled = (np.where(hole, image + rng.normal(0, size, (48, 48)), image) for size in (5, sigma))
        found.append(features.difference(truth, filled, hole, 255))
    return np.stack(found), [f"patient {number // 2}" for number in range(count)]


def test_fills_like_the_truth_are_not_told_apart_and_others_are(lpips_files):
    from monai_inpaint.metrics.paired_classifier import told_apart

    assert 0.3 < told_apart(*pairs_of(60, 5.0, lpips_files)) < 0.7
    assert told_apart(*pairs_of(60, 20.0, lpips_files)) > 0.9


def test_a_fill_that_is_the_truth_is_told_apart_by_chance(lpips_files):
    from monai_inpaint.metrics.paired_classifier import told_apart

    differences, patients = pairs_of(12, 9.0, lpips_files)
    assert told_apart(np.zeros_like(differences), patients) == 0.5
    assert np.isnan(told_apart(differences[:8], patients[:8]))  # four patients: too few for five folds


def test_features_outside_the_hole_do_not_count(lpips_files):
    from monai_inpaint.metrics.paired_classifier import HoleFeatures

    features = HoleFeatures(lpips_files[0])
    truth = np.random.default_rng(0).uniform(0, 255, (90, 90))
    hole = np.zeros(truth.shape, bool)
    hole[10:42, 10:42] = True
    filled = np.where(hole, 128.0, truth)
    far, far_filled = truth.copy(), filled.copy()
    far[60:], far_filled[60:] = 0, 0
    assert np.array_equal(
        features.difference(truth, filled, hole, 255), features.difference(far, far_filled, hole, 255)
    )
    assert not features.difference(truth, truth, hole, 255).any()


def test_lpips_files_that_are_none_are_the_users_fault(lpips_files, tmp_path):
    from monai_inpaint.metrics.lpips import Lpips

    with pytest.raises(InputError, match="nowhere"):
        Lpips(tmp_path / "nowhere.safetensors", lpips_files[1])
    wrong = tmp_path / "wrong.pth"
    wrong.write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"wrong\.pth"):
        Lpips(lpips_files[0], wrong)


def test_lpips_asks_for_the_package_with_the_weights_when_it_is_not_there(monkeypatch):
    pytest.importorskip("torch")
    from monai_inpaint.metrics import lpips

    monkeypatch.setattr(lpips, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install --no-deps lpips"):
        lpips.find_heads()


def test_measures_import_without_torch():
    import subprocess

    code = "import sys, monai_inpaint.metrics; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
