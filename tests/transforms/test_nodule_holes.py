"""What the texture networks for nodules are shown, and what they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_samples import smooth
from monai.transforms import Compose
from training_samples import data_set, nodule_crop

from monai_inpaint.datasets import lidc_outlines
from monai_inpaint.datasets.lidc_outlines import NoduleReading, Outline
from monai_inpaint.training import nodule_crops, nodule_films
from monai_inpaint.transforms import NoduleHoled, ProjectNoduled, RandNoduleWindowd, ReadNoduleCropd, Repeatable
from monai_inpaint.transforms import projected_nodule as projected
from monai_inpaint.transforms.nodule_holes import boxed, with_rim
from monai_inpaint.transforms.pyramid import make_pyramid


@pytest.fixture
def crop(tmp_path: Path) -> dict:
    return ReadNoduleCropd()({"image": nodule_crop(tmp_path / "patient"), "name": "patient", "density": 0.75})


def test_the_hole_is_a_readers_mask_with_a_rim_and_carries_the_density(crop: dict) -> None:
    made = NoduleHoled()(crop)
    image, hole, density = made["image"].numpy()

    assert any(np.array_equal(hole > 0, with_rim(mask)) for mask in crop["masks"])
    assert not image[hole > 0].any()
    np.testing.assert_array_equal(density, 0.75 * hole)
    np.testing.assert_array_equal(made["label"][0], crop["image"])
    np.testing.assert_array_equal(made["label"][1], hole)


def test_a_rim_is_one_pixel_on_all_sides() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True

    assert with_rim(mask).sum() == 9
    assert with_rim(mask, 0) is mask


def test_a_box_holds_the_mask_and_no_more(crop: dict) -> None:
    made = NoduleHoled(box=True, density=False)(crop)
    hole = made["image"][1].numpy() > 0

    assert len(made["image"]) == 2
    assert any(np.array_equal(hole, boxed(with_rim(mask))) for mask in crop["masks"])


@pytest.mark.parametrize("side", [64, 96, 128])
def test_a_window_holds_the_whole_nodule_and_image_and_masks_move_together(crop: dict, side: int) -> None:
    step = RandNoduleWindowd(side=side, scale=0.0, shift=0.0)
    for seed in range(20):
        step.set_random_state(seed)
        window = step(crop)
        smallest, largest = window["masks"]

        assert window["image"].shape == (side, side)
        assert smallest.sum() >= crop["masks"][0].sum() - 8  # enlarged, never cut
        assert not (smallest & ~largest).any()
        assert window["image"][smallest].mean() > window["image"][~with_rim(largest, 2)].min() + 300


def test_a_nodule_too_large_for_the_window_is_made_smaller(tmp_path: Path) -> None:
    large = ReadNoduleCropd()({"image": nodule_crop(tmp_path / "large", radius=40.0), "density": 1.0})
    masks = RandNoduleWindowd(side=64)(large)["masks"]

    assert masks.shape[1:] == (64, 64)
    assert not masks[:, 0].any()
    assert not masks[:, -1].any()
    assert 1500 < masks[1].sum() < 3200


def test_windows_repeat_themselves(crop: dict) -> None:
    first, second = (Repeatable(Compose([RandNoduleWindowd(), NoduleHoled()]))(crop) for _ in range(2))

    assert first["image"].equal(second["image"])


def test_intensities_change_within_their_uncertainty(crop: dict) -> None:
    step = RandNoduleWindowd(zoom=1.0, scale=0.05, shift=20.0, turn=False)
    step.set_random_state(3)
    window = step(crop)["image"]
    found = min(np.abs(one - crop["image"]).max() for one in (window, window[:, ::-1]))

    assert 0 < found <= 0.05 * np.abs(crop["image"]).max() + 20


def test_entries_are_crops_with_a_density_that_follows_their_brightness(tmp_path: Path) -> None:
    (entry,) = nodule_crops(data_set(tmp_path) / "index.csv", "train")

    assert entry["name"] == "nodule_train"
    assert 0.7 < entry["density"] <= 1.0


def ball(texture: int) -> NoduleReading:
    """A nodule of 12 mm drawn in five slices."""
    angle = np.linspace(0, 2 * np.pi, 200)
    curves = []
    for z in (-4.0, -2.0, 0.0, 2.0, 4.0):
        radius = np.sqrt(36.0 - z * z) / 0.6
        points = np.stack((radius * np.sin(angle), radius * np.cos(angle)), axis=1).round().astype(int)
        curves.append(Outline(z, points, True))
    return NoduleReading("made-up", 0.6, 2.0, tuple(curves), 3, texture, 1, 1)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[NoduleReading]:
    made = [ball(5), ball(1)]
    monkeypatch.setattr(projected, "read_lidc_outlines", lambda *_: made)
    assert lidc_outlines.read_lidc_outlines is not None
    return made


def film() -> dict:
    image = (60 + 120 * smooth((512, 512), 1)).astype(np.float32)
    films = [{"image": make_pyramid(image, 3), "lungs": [[[80, 60], [380, 220]], [[80, 290], [380, 450]]],
              "name": "film", "source": "nih", "slice": None}]  # fmt: skip
    return nodule_films(films, {"nih": 1.0}, 1, 7)[0]


@pytest.mark.usefixtures("readings")
def test_a_projected_nodule_brightens_its_mask_and_nothing_else() -> None:
    entry = film()
    step = ProjectNoduled("index.csv", "train")
    for seed in range(10):
        made = step({**entry, "seed": seed})
        again = step({**entry, "seed": seed})
        mask = made["masks"][0]

        assert made["image"].shape == mask.shape == (128, 128)
        assert mask.sum() >= 12
        assert not np.concatenate((mask[0], mask[-1], mask[:, 0], mask[:, -1])).any()
        np.testing.assert_array_equal(made["image"], again["image"])
        assert made["density"] in (0.0, 1.0)
        assert np.isfinite(made["image"]).all()
        inside = made["image"][mask].mean() - made["image"][with_rim(mask, 3) & ~mask].mean()
        assert made["density"] == 0.0 or inside > 0


def test_entries_of_films_have_seeds_of_their_own() -> None:
    films = [{"image": name, "name": name, "source": "nih"} for name in "ab"]
    entries = nodule_films(films, {"nih": 1.0}, 20, 100)

    assert [entry["seed"] for entry in entries] == list(range(100, 120))
    assert {entry["name"] for entry in entries} == {"a", "b"}
