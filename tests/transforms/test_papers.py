"""The windows, slices and holes that the papers on context encoders and MedGAN train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cli_samples import picture, smooth
from monai.data import CacheDataset, DataLoader, Dataset
from monai.transforms import Compose

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.transforms import (
    CentreWindowd,
    LungBoxesd,
    RandLungWindowsd,
    RandSlicesd,
    RandSquareHoled,
    ReadPyramidd,
    Repeatable,
    Resample1mmd,
)
from monai_inpaint.transforms.millimetre import at_one_millimetre

LUNGS = [[[40, 30], [160, 80]], [[40, 120], [160, 170]]]


def film() -> dict[str, object]:
    """A film whose pixels tell their own place."""
    rows, columns = np.mgrid[:200, :200]
    return {"image": [(1000 * rows + columns).astype(np.float32)], "lungs": LUNGS, "name": "film"}


def centres(windows: list) -> np.ndarray:
    places = np.array([window["image"][16, 16] for window in windows])
    return np.stack((places // 1000, places % 1000), axis=1)


def head(spacing: tuple[float, float, float] = (0.8, 0.8, 5.0)) -> Image:
    """An ellipsoid of 160 x 140 x 120 mm in air, smooth inside, with the origin of RAS in its middle."""
    shape = [round(length / step) for length, step in zip((180, 160, 140), spacing, strict=True)]
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) - 1) / 2
    return Image(body(affine, shape), affine)


def body(affine: np.ndarray, shape: list[int] | tuple[int, ...]) -> np.ndarray:
    x, y, z = np.einsum("ij,j...->i...", affine[:3, :3], np.indices(shape)) + affine[:3, 3].reshape(3, 1, 1, 1)
    inside = (x / 80) ** 2 + (y / 70) ** 2 + (z / 60) ** 2 < 1
    return np.where(inside, 100 + x / 4 + y / 8 + z / 2, 0).astype(np.float32)


def test_points_lie_in_both_lungs_and_windows_are_the_films_own_pixels() -> None:
    windows = RandLungWindowsd(side=32, num_samples=200)(film())
    rows, columns = centres(windows).T

    assert all(window["image"].shape == (32, 32) and window["image"].dtype == np.float32 for window in windows)
    assert ((rows >= 40) & (rows < 160)).all()
    right, left = (columns >= 30) & (columns < 80), (columns >= 120) & (columns < 170)
    assert (right | left).all()
    assert 60 < right.sum() < 140
    first = windows[0]["image"]
    np.testing.assert_array_equal(np.diff(first, axis=1), 1)
    np.testing.assert_array_equal(np.diff(first, axis=0), 1000)


def test_windows_near_an_edge_are_moved_into_the_film() -> None:
    windows = RandLungWindowsd(side=160, num_samples=50)(film())

    assert all(window["image"].shape == (160, 160) for window in windows)


def test_a_seed_gives_the_same_points_again_and_every_epoch_others_without() -> None:
    cut = RandLungWindowsd(side=32, num_samples=20)
    first, second = centres(cut(film())), centres(cut(film()))
    fixed = Repeatable(Compose([cut]))

    assert (first != second).any()
    np.testing.assert_array_equal(centres(fixed(film())), centres(fixed(film())))
    assert len(np.unique(centres(fixed(film())), axis=0)) > 15


def test_threads_that_fill_a_cache_do_not_draw_from_one_anothers_seeds() -> None:
    films = [film() | {"name": str(number)} for number in range(40)]
    fixed = Repeatable(Compose([RandLungWindowsd(side=32, num_samples=20)]))

    together = CacheDataset(films, fixed, num_workers=8, progress=False)

    for one, windows in zip(films, together, strict=True):
        np.testing.assert_array_equal(centres(windows), centres(fixed(one)))


def test_a_film_smaller_than_the_window_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="film has 200x200 pixels"):
        RandLungWindowsd(side=256)(film())


def test_a_loader_gives_every_films_windows_in_one_batch(tmp_path: Path) -> None:
    films = [{"image": str(picture(tmp_path / f"{n}.png", seed=n, side=300)), "name": str(n)} for n in range(2)]
    steps = [
        ReadPyramidd("image", levels=1),
        LungBoxesd("image"),
        RandLungWindowsd("image", num_samples=3),
        RandSquareHoled("image", side=64, centre=True),
    ]
    (batch,) = DataLoader(Dataset(films, Compose(steps)), batch_size=2)

    assert batch["image"].shape == batch["label"].shape == (6, 2, 128, 128)
    assert int(batch["image"][:, 1].sum()) == 6 * 64 * 64


@pytest.mark.parametrize("side", [64, 56])
def test_the_square_in_the_middle_may_leave_a_ring_visible(side: int) -> None:
    hole = RandSquareHoled(side=side, centre=True)({"image": np.zeros((128, 128), np.float32)})["image"][1]
    edge = (128 - side) // 2

    assert bool(hole[edge : edge + side, edge : edge + side].all())
    assert int(hole.sum()) == side**2


def test_a_square_lies_anywhere_and_comes_again_with_the_seed() -> None:
    window = {"image": smooth((256, 256)).astype(np.float32)}
    squared = RandSquareHoled(side=64)
    holes = [squared.set_random_state(seed)(window)["image"][1] for seed in (1, 1, 2)]

    assert torch.equal(holes[0], holes[1])
    assert not torch.equal(holes[0], holes[2])
    assert all(int(hole.sum()) == 64 * 64 for hole in holes)


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 5.0), (1.0, 1.0, 1.0), (0.5, 2.0, 1.5)])
def test_a_resampled_volume_has_1_mm_voxels_and_the_same_anatomy_in_the_same_place(
    spacing: tuple[float, float, float],
) -> None:
    volume = head(spacing)
    made = at_one_millimetre(volume)
    expected = body(made.affine, made.voxels.shape)
    x, y, z = np.indices(made.voxels.shape) + made.affine[:3, 3].reshape(3, 1, 1, 1)
    deep = (x / 80) ** 2 + (y / 70) ** 2 + (z / 60) ** 2 < 0.75  # away from the skin, where voxels are of both

    assert made.spacing == pytest.approx((1, 1, 1), rel=0.01)
    np.testing.assert_allclose(made.voxels[deep], expected[deep], atol=0.5)


def test_a_turned_volume_keeps_its_place() -> None:
    volume = head((2.0, 2.0, 2.0))
    turned = Image(
        volume.voxels[::-1], volume.affine @ np.array([[-1, 0, 0, 89], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    )

    made, other = at_one_millimetre(volume), at_one_millimetre(turned)
    np.testing.assert_allclose(other.voxels[::-1], made.voxels, atol=1e-3)
    np.testing.assert_allclose(other.affine @ [other.voxels.shape[0] - 1, 0, 0, 1], made.affine @ [0, 0, 0, 1])


def test_a_volume_without_spacing_is_refused() -> None:
    with pytest.raises(InputError, match="spacing"):
        at_one_millimetre(Image(np.zeros((4, 4, 4), np.float32)))


def test_slices_are_axial_hold_body_and_become_256_by_256() -> None:
    volume = head()
    # Slices along the first axis: axial ones are still taken.
    sagittal = Image(np.moveaxis(volume.voxels, 2, 0), volume.affine[:, [2, 0, 1, 3]])
    steps = Compose([Resample1mmd("image"), RandSlicesd(num_samples=5), CentreWindowd("image", side=256)])
    slices = steps.set_random_state(3)({"image": sagittal, "name": "head"})

    assert [entry["image"].shape for entry in slices] == [(256, 256)] * 5
    assert len({entry["slice"] for entry in slices}) == 5
    for entry in slices:
        assert 20 < entry["slice"] < 120  # of 140
        # 180 mm across fill the window, as far as the narrower axis lets them.
        assert np.isfinite(entry["image"]).mean() == pytest.approx(160 / 180, abs=0.02)
        assert (np.nan_to_num(entry["image"]) > 50).sum() > 0.3 * 256 * 256 * 0.5


def test_the_same_seed_takes_the_same_slices() -> None:
    taken = [
        [entry["slice"] for entry in RandSlicesd(num_samples=4).set_random_state(seed)({"image": head()})]
        for seed in (0, 0, 1)
    ]

    assert taken[0] == taken[1] != taken[2]
