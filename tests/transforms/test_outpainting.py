"""Windows of whole films of which little is kept, and the noise that comes with them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lung_samples import LEFT, RIGHT, film

from monai_inpaint.transforms import FixedLatentd, FixedOutpaintd, RandFilmd, RandLatentd, RandOutpaintd, ReadPyramidd
from monai_inpaint.transforms.pyramid import make_pyramid

SIDE = 64


def window() -> np.ndarray:
    return film(RIGHT, LEFT, shape=(SIDE, SIDE)).astype(np.float32)


def test_a_window_shows_nearly_all_of_a_film_and_nothing_beside_it() -> None:
    pixels = np.tile(np.arange(256, dtype=np.float32), (256, 1))
    cut = RandFilmd("image", SIDE)
    for seed in range(8):
        cut.set_random_state(seed)
        shown = cut({"image": make_pyramid(pixels, 3)})["image"]

        middle = shown[SIDE // 4 : -SIDE // 4]
        assert shown.shape == (SIDE, SIDE)
        assert np.isnan(shown).mean() < 0.05  # corners, as it is turned
        assert np.nanmax(middle) - np.nanmin(middle) > 0.85 * 255


def test_a_film_that_is_not_square_is_squeezed_not_cut(tmp_path: Path) -> None:
    pixels = np.zeros((200, 300), np.uint8)
    pixels[:, :30], pixels[:, -30:] = 250, 250
    cv2.imwrite(str(tmp_path / "film.png"), pixels)

    levels = ReadPyramidd("image", levels=2, square=True)({"image": tmp_path / "film.png"})["image"]

    assert [level.shape for level in levels] == [(200, 200), (100, 100)]
    np.testing.assert_array_equal(levels[0][100] > 125, (np.arange(200) < 20) | (np.arange(200) >= 180))


def test_little_is_kept_and_the_truth_is_all_there() -> None:
    hide = RandOutpaintd(holes=0.0)
    kept = []
    for seed in range(20):
        hide.set_random_state(seed)
        made = hide({"image": window()})
        hole = made["image"][1] > 0
        kept.append(float((~hole).float().mean()))
        assert not made["image"][0][hole].any()
        torch.testing.assert_close(made["label"][0], torch.from_numpy(window()))
        assert torch.equal(made["label"][1] > 0, hole)

    assert 0.01 < min(kept) < max(kept) < 0.4


def test_some_windows_have_holes_of_other_kinds() -> None:
    hide = RandOutpaintd(holes=1.0)
    hide.set_random_state(0)

    assert np.mean([float(hide({"image": window()})["image"][1].mean()) for _ in range(10)]) < 0.6


def test_noise_is_white_and_absent_from_some_windows() -> None:
    add = RandLatentd(zeros=0.5)
    add.set_random_state(0)
    noise = [add({"image": torch.zeros(2, SIDE, SIDE)})["image"][2] for _ in range(40)]

    silent = [one for one in noise if not one.any()]
    assert 10 < len(silent) < 30
    assert all(float(one.std()) == pytest.approx(1, abs=0.1) for one in noise if one.any())


def test_validation_draws_the_same_of_each_name() -> None:
    entries = [{"image": window(), "name": name} for name in ("a#0", "a#0", "a#1")]

    first, again, other = (FixedLatentd()(FixedOutpaintd()(entry))["image"] for entry in entries)

    assert torch.equal(first, again)
    assert not torch.equal(first[1], other[1])
    assert not torch.equal(first[2], other[2])
