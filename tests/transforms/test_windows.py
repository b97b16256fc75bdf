"""Where a training window is cut, what the network sees of it, and what it is asked for."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from cli_samples import nifti, smooth
from PIL import Image as Pillow

from monai_inpaint.transforms import (
    CentreWindowd,
    FixedHoled,
    RandContrastd,
    RandHoled,
    RandHounsfieldd,
    RandWindowd,
    ReadPyramidd,
)
from monai_inpaint.transforms.window import cut_window

SIDE = 64
MIDDLE = ((SIDE - 1) / 2, (SIDE - 1) / 2)


def pyramid(level: np.ndarray, levels: int = 4) -> list[np.ndarray]:
    made = [level.astype(np.float32)]
    for _ in range(levels - 1):
        rows, columns = (n // 2 for n in made[-1].shape)
        made.append(cv2.resize(made[-1], (columns, rows), interpolation=cv2.INTER_AREA))
    return made


def landmark(shape: tuple[int, int], place: tuple[float, float], width: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.exp(-((rows - place[0]) ** 2 + (columns - place[1]) ** 2) / (2 * width**2))


def centroid(values: np.ndarray) -> tuple[float, float]:
    weights = np.nan_to_num(values)
    rows, columns = np.mgrid[: values.shape[0], : values.shape[1]]
    return float((rows * weights).sum() / weights.sum()), float((columns * weights).sum() / weights.sum())


@pytest.mark.parametrize("mirror", [False, True])
def test_a_centred_window_of_the_slices_size_is_the_slice_or_its_mirror_image(mirror: bool) -> None:
    level = smooth((SIDE, SIDE))
    window = cut_window(pyramid(level), SIDE, MIDDLE, SIDE, 0.0, mirror=mirror)
    # Interpolating the last row and column reaches for the voxels behind them, so these may count as outside.
    window = window[:, ::-1] if mirror else window

    np.testing.assert_allclose(window[:-1, :-1], level[:-1, :-1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_window_turned_by_quarters_is_the_slice_turned(quarters: int) -> None:
    level = smooth((SIDE, SIDE))
    window = cut_window(pyramid(level), SIDE, MIDDLE, SIDE, quarters * math.pi / 2, mirror=False)

    inside = ~np.isnan(window)  # rounding may put the rim a hair outside the slice
    assert inside.mean() > 0.9
    np.testing.assert_allclose(window[inside], np.rot90(level, quarters)[inside], rtol=0, atol=1e-3)


def test_outside_the_slice_there_is_nothing() -> None:
    window = cut_window(pyramid(smooth((SIDE, SIDE))), SIDE, MIDDLE, 2.0 * SIDE, 0.0, mirror=False)
    missing = np.isnan(window)

    assert missing[:15].all()
    assert missing[:, -15:].all()
    assert not missing[17:-17, 17:-17].any()


@pytest.mark.parametrize("extent", [40.0, 64.0, 100.0, 250.0, 500.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_landmark_lands_where_the_geometry_says(extent: float, angle: float, mirror: bool) -> None:
    centre, step = (150.0, 180.0), extent / SIDE
    away = np.array([-0.12 * extent, 0.2 * extent])  # rows, columns from the window's centre
    slices = pyramid(landmark((300, 340), tuple(centre + away), max(2.0, 2 * step)))

    window = cut_window(slices, SIDE, centre, extent, angle, mirror)

    # A window turned by `angle` sees the slice turned back by it; mirroring then swaps its columns.
    row = (math.cos(angle) * away[0] - math.sin(angle) * away[1]) / step
    column = (math.sin(angle) * away[0] + math.cos(angle) * away[1]) / step
    expected = (MIDDLE[0] + row, MIDDLE[1] + (-column if mirror else column))
    assert centroid(window) == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("shape", [(48, 64), (100, 40), (33, 77)])
def test_the_centre_window_shows_the_whole_slice_in_its_middle(shape: tuple[int, int]) -> None:
    window = CentreWindowd("image", side=SIDE)({"image": pyramid(np.ones(shape))})["image"]
    shown = ~np.isnan(window)
    longest = max(shape)

    assert window.shape == (SIDE, SIDE)
    np.testing.assert_allclose(window[shown], 1.0)
    assert centroid(shown.astype(float)) == pytest.approx(MIDDLE, abs=0.51)
    assert shown.any(axis=1).sum() == pytest.approx(SIDE * shape[0] / longest, abs=2)
    assert shown.any(axis=0).sum() == pytest.approx(SIDE * shape[1] / longest, abs=2)


def test_random_windows_are_replayed_by_their_seed_and_cut_all_keys_alike() -> None:
    level = smooth((120, 100))
    transform = RandWindowd(["image", "other"], side=SIDE, closest=40.0, angle=15.0, quarter=0.3)
    slices = {"image": pyramid(level), "other": pyramid(2 * level)}
    cut = {}
    for name in ("once", "again"):
        transform.set_random_state(3)
        cut[name] = [transform(slices) for _ in range(5)]

    for once, again in zip(cut["once"], cut["again"], strict=True):
        np.testing.assert_array_equal(once["image"], again["image"])
        np.testing.assert_allclose(2 * once["image"], once["other"], rtol=1e-5)
    assert len({np.nansum(once["image"]) for once in cut["once"]}) == 5


def test_random_windows_show_the_slice() -> None:
    transform = RandWindowd("image", side=SIDE, closest=40.0, angle=15.0, quarter=0.3).set_random_state(0)
    shown = [(~np.isnan(transform({"image": pyramid(smooth((120, 100)))})["image"])).mean() for _ in range(50)]

    assert min(shown) > 0.3
    assert np.mean(shown) > 0.7


def test_the_network_sees_nothing_of_the_hole_and_is_asked_only_where_there_is_an_image() -> None:
    window = smooth((SIDE, SIDE)).astype(np.float32) + 1.0
    window[:10] = np.nan
    made = RandHoled("image", square=1.0).set_random_state(0)({"image": window})
    image, label = made["image"], made["label"]
    missing = torch.from_numpy(np.isnan(window))

    assert torch.isfinite(image).all()
    assert torch.isfinite(label).all()
    assert (image[0][image[1] == 1] == 0).all()
    assert (image[1][missing] == 1).all()
    assert (label[1][missing] == 0).all()
    assert torch.equal(image[1].bool() & ~missing, label[1].bool())
    assert torch.equal(label[0][~missing], torch.from_numpy(window)[~missing])


def test_the_centre_hole_is_half_the_window_in_its_middle() -> None:
    made = RandHoled("image", centre=1.0)({"image": np.ones((SIDE, SIDE), np.float32)})
    expected = torch.zeros(SIDE, SIDE)
    expected[16:48, 16:48] = 1

    assert torch.equal(made["image"][1], expected)


def test_validation_holes_belong_to_the_image() -> None:
    window = np.ones((SIDE, SIDE), np.float32)
    holes = [
        FixedHoled("image", square=0.5)({"image": window, "name": name, "slice": k})["image"][1]
        for name, k in (("a", 1), ("a", 1), ("a", 2), ("b", 1))
    ]

    assert torch.equal(holes[0], holes[1])
    assert not torch.equal(holes[0], holes[2])
    assert not torch.equal(holes[0], holes[3])


def test_contrast_stays_in_its_range_and_keeps_nothing_nothing() -> None:
    window = (255 * smooth((SIDE, SIDE))).astype(np.float32)
    window[0, 0] = np.nan
    for seed in range(20):
        changed = RandContrastd("image", gamma=0.5, invert=0.5).set_random_state(seed)({"image": window})["image"]

        assert np.isnan(changed[0, 0])
        assert np.isnan(changed).sum() == 1
        assert changed.dtype == np.float32
        assert np.nanmin(changed) >= 0
        assert np.nanmax(changed) <= 255


def test_hounsfield_values_are_kept_where_nothing_is_to_change_and_padding_becomes_air() -> None:
    window = np.array([[-2000.0, -1024.0], [40.0, np.nan]], np.float32)
    changed = RandHounsfieldd("image", stretch=0.0, shift=0.0)({"image": window})["image"]

    np.testing.assert_array_equal(changed, np.array([[-1024.0, -1024.0], [40.0, np.nan]], np.float32))


def test_pictures_keep_their_values_and_volumes_are_stretched_where_asked(tmp_path: Path) -> None:
    values = (255 * smooth((80, 96))).astype(np.uint8)
    Pillow.fromarray(values).save(tmp_path / "picture.png")
    nifti(tmp_path / "volume.nii.gz", (4000 * smooth((40, 50, 3))).astype(np.int16))
    read = ReadPyramidd("image", levels=3, percentile=0.5)

    picture = read({"image": str(tmp_path / "picture.png")})["image"]
    volume = read({"image": str(tmp_path / "volume.nii.gz"), "slice": 1})["image"]

    np.testing.assert_array_equal(picture[0], values)
    assert [level.shape for level in picture] == [(80, 96), (40, 48), (20, 24)]
    assert np.percentile(volume[0], (0.5, 99.5)) == pytest.approx((0, 255), abs=1)
    assert volume[0].dtype == np.float32
