"""What a user names becomes a hole in one place, whatever surface it is named in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_samples import picture

from monai_inpaint import Image, InputError, read_image
from monai_inpaint.regions.burned_in import BurnedIn
from monai_inpaint.regions.sources import BurnedInText, HoleFile, ListedRectangles

BOX = (10, 20, 30, 5)  # x, y, width, height


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return read_image(picture(tmp_path / "film.png"))


def test_rectangles_of_a_rule_and_of_burned_in_text_are_the_same_hole(image: Image) -> None:
    listed, text = ListedRectangles((BOX,)), BurnedInText(BurnedIn((BOX,), complete=True))

    hole = listed.hole_in(image).voxels

    assert hole.sum() == 30 * 5
    assert hole[20:25, 10:40].all()
    assert np.array_equal(text.hole_in(image).voxels, hole)


def test_only_what_was_not_given_as_a_file_is_said_in_the_report(tmp_path: Path) -> None:
    assert HoleFile(tmp_path / "hole.png").facts() == {}
    assert ListedRectangles((BOX,)).facts() == {}
    assert BurnedInText(BurnedIn((BOX,))).facts() == {"burned_in": {"rectangles": [list(BOX)], "complete": False}}
    assert BurnedInText(BurnedIn()).facts()["proposed_by"].startswith("artifact_segmentation ")


def test_a_drawn_hole_is_read_by_its_segment(image: Image, tmp_path: Path) -> None:
    from PIL import Image as Pillow

    labels = np.zeros(image.voxels.shape, np.uint8)
    labels[:4], labels[4:6] = 1, 2
    Pillow.fromarray(labels).save(tmp_path / "labels.png")

    assert HoleFile(tmp_path / "labels.png", "2").hole_in(image).image.voxels.sum() == 2 * labels.shape[1]
    with pytest.raises(InputError, match="contains 2 labels"):
        HoleFile(tmp_path / "labels.png").hole_in(image)
