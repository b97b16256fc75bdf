"""Nodules as a transform of training: boxes, labels and masks that belong to the image, and the same by seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nodule_samples import ct, film

from monai_inpaint.errors import InputError
from monai_inpaint.transforms import RandNodulesd

pytestmark = pytest.mark.usefixtures("nodule_home")


def given() -> dict:
    return {"image": torch.from_numpy(film()[None]).float()}


def test_boxes_surround_what_changed() -> None:
    transform = RandNodulesd("image", prob=1.0, count=(2, 3), diameter=(18, 30), mask="mask").set_random_state(1)
    data = given()

    made = transform(data)

    changed = (made["image"] != data["image"])[0]
    assert len(made["box"]) in (2, 3)
    assert made["label"].tolist() == [0] * len(made["box"])
    inside = torch.zeros_like(changed)
    for left, top, right, bottom in made["box"].int().tolist():
        inside[top:bottom, left:right] = True
        assert made["mask"][0, top:bottom, left:right].any()
    assert not changed[~inside].any()
    assert not changed[~made["mask"][0]].any()


def test_the_seed_decides_and_boxes_that_were_there_stay() -> None:
    there = {**given(), "box": np.array([[1, 2, 3, 4]], np.float32), "label": np.array([5])}
    first, second = (RandNodulesd("image", prob=1.0, diameter=(18, 30)).set_random_state(3)(there) for _ in range(2))

    assert torch.equal(first["image"], second["image"])
    assert torch.equal(first["box"], second["box"])
    assert first["box"][0].tolist() == [1, 2, 3, 4]
    assert first["label"].tolist() == [5, 0]


def test_without_a_nodule_the_image_stays_and_has_no_boxes() -> None:
    made = RandNodulesd("image", prob=0.0)(given())

    assert torch.equal(made["image"], given()["image"])
    assert made["box"].shape == (0, 4)


def test_an_image_without_lungs_stays_as_it_is() -> None:
    empty = {"image": torch.full((1, 256, 256), 7.0)}

    made = RandNodulesd("image", prob=1.0)(empty)

    assert torch.equal(made["image"], empty["image"])
    assert made["box"].shape == (0, 4)


def test_a_slice_of_ct_in_mm() -> None:
    slice_hu = torch.from_numpy(ct().voxels[None]).float()
    transform = RandNodulesd("image", "ct", prob=1.0, diameter=(16, 16), spacing=(0.8, 0.8), mask="mask")

    made = transform.set_random_state(0)({"image": slice_hu})

    assert made["mask"].sum() == pytest.approx(np.pi * 10**2, rel=0.2)


def test_mistakes_of_arguments_are_not_passed_over() -> None:
    with pytest.raises(InputError, match="There is no density"):
        RandNodulesd("image", prob=1.0, density="hard")(given())
