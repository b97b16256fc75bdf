"""Burned-in text is filled, in a film and in every slice of a series, and nothing that is written tells what it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import ct_voxels, nifti, picture, run, tree
from dicom_samples import film, series
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from monai_inpaint import read_image
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.morphology import connected_parts
from monai_inpaint.regions.burned_in import BurnedIn, read_burned_in
from monai_inpaint.regions.rectangles import rectangles_in

RECTANGLE = "4,6,60,14"  # columns 4 to 63, rows 6 to 19


def written_on(path: Path, *, value: int) -> Path:
    """A DICOM file with a name burned into its pixels within the rectangle."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array.copy()
    canvas = Pillow.new("L", pixels.shape[::-1])
    ImageDraw.Draw(canvas).text((6, 6), "DOE JANE", 255, ImageFont.load_default(11))
    pixels[np.asarray(canvas) > 128] = value
    dataset.PixelData = pixels.tobytes()
    dataset.BurnedInAnnotation = "YES"
    dataset.save_as(path)
    return path


@pytest.fixture
def burned_film(tmp_path) -> Path:
    return written_on(film(tmp_path / "film.dcm"), value=4095)


def inside(path: Path) -> np.ndarray:
    marked = np.zeros(read_image(path).voxels.shape[:2], bool)
    marked[6:20, 4:64] = True
    return marked


def test_text_in_a_film_is_gone_and_all_else_is_untouched(tmp_path, burned_film, capfd):
    ran = run(capfd, "fill", burned_film, tmp_path / "hole.png", tmp_path / "out.dcm", "--burned-in", RECTANGLE,
              "--report", tmp_path / "report.json")  # fmt: skip
    assert (ran.code, ran.lines) == (0, [])
    before, after, hole = (read_image(tmp_path / name) for name in ("film.dcm", "out.dcm", "hole.png"))
    marked = inside(burned_film)
    assert np.array_equal(hole.voxels > 0, marked)
    assert np.array_equal(before.voxels[~marked], after.voxels[~marked])
    assert before.voxels[marked].max() == 4095
    assert after.voxels[marked].max() < 3300  # the brightest of what is drawn there otherwise is 2800
    filled = pydicom.dcmread(tmp_path / "out.dcm")
    assert filled.DerivationDescription == "Burned-in text filled by monai-inpaint (best estimate)"
    assert filled.BurnedInAnnotation == "YES"  # nobody said that this was all
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["hole"]["burned_in"] == {"rectangles": [[4, 6, 60, 14]], "complete": False}


def test_in_a_series_the_rectangle_is_filled_in_every_slice(tmp_path, capfd):
    source = series(tmp_path / "s")
    for path in source.iterdir():
        written_on(path, value=2000)
    ran = run(capfd, "fill", source, tmp_path / "hole.nii.gz", tmp_path / "out", "--burned-in", RECTANGLE,
              "--burned-in-complete")  # fmt: skip
    assert (ran.code, ran.lines) == (0, [])
    before, after = read_image(source), read_image(tmp_path / "out")
    marked = np.repeat(inside(source).T[..., None], 4, axis=2)
    assert np.array_equal(before.voxels[~marked], after.voxels[~marked])
    for k in range(4):
        assert before.voxels[..., k][marked[..., k]].max() == 2000
        assert after.voxels[..., k][marked[..., k]].max() < 2000
    assert {pydicom.dcmread(path).BurnedInAnnotation for path in (tmp_path / "out").iterdir()} == {"NO"}


def test_results_do_not_tell_the_text(tmp_path, burned_film, capfd):
    pytest.importorskip("highdicom")
    ran = run(capfd, "fill", burned_film, tmp_path / "hole.png", tmp_path / "out", "--burned-in", RECTANGLE,
              "--dicom-results", "--samples", 2)  # fmt: skip
    assert (ran.code, ran.lines) == (0, [])
    assert set(tree(tmp_path / "out")) == {
        "derived", "derived/image.dcm", "hole.dcm", "spread.dcm", "record.dcm", "overview.dcm"}  # fmt: skip
    overview = pydicom.dcmread(tmp_path / "out" / "overview.dcm")
    pixels, width = overview.pixel_array.astype(int), overview.Columns // 2
    scale = (overview.Rows - 80) / 96
    covered = pixels[40 + round(7 * scale) : 40 + round(19 * scale), round(5 * scale * 1.25) : round(62 * scale * 1.25)]
    assert np.abs(covered - [255, 176, 0]).sum(axis=2).max() < 60
    assert overview.Columns == 2 * width


@pytest.mark.parametrize("options", [["--difference", "d.nii.gz"], ["--find"], ["--segment", "x"]])
def test_what_would_tell_the_text_or_choose_another_hole_is_refused(tmp_path, burned_film, capfd, options):
    ran = run(capfd, "fill", burned_film, tmp_path / "h.png", tmp_path / "o.dcm", "--burned-in", RECTANGLE, *options)
    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "--burned-in does not go with" in ran.lines[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "no rectangle"), ("1,2,3", "not a rectangle"), ("a,b,c,d", "not a rectangle"), ("1,2,0,4", "empty"),
     ("-1,2,3,4", "outside"), ("none.csv", "does not exist")],
)  # fmt: skip
def test_rectangles_that_are_none_are_refused(text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_burned_in(text, complete=False)


def test_rectangles_come_from_a_table_too_and_end_with_the_image(tmp_path):
    (tmp_path / "r.csv").write_text("x,y,w,h\n1,2,3,4\n70,90,99,99\n")
    regions = read_burned_in(str(tmp_path / "r.csv"), complete=True)
    assert regions == BurnedIn(((1, 2, 3, 4), (70, 90, 99, 99)), complete=True)
    hole = rectangles_in(read_image(film(tmp_path / "a.dcm")), regions.rectangles)
    assert hole.sum() == 3 * 4 + 10 * 6
    assert hole[2:6, 1:4].all()


def test_a_rectangle_outside_of_the_image_and_one_in_a_volume_without_rows_are_refused(tmp_path, burned_film):
    with pytest.raises(InputError, match="80 columns and 96 rows"):
        rectangles_in(read_image(burned_film), read_burned_in("80,0,5,5", complete=False).rectangles)
    volume = read_image(nifti(tmp_path / "a.nii.gz", ct_voxels()))
    with pytest.raises(InputError, match="without rows and columns"):
        rectangles_in(volume, read_burned_in("0,0,5,5", complete=False).rectangles)


def test_pictures_have_rectangles_too(tmp_path, capfd):
    ran = run(capfd, "fill", picture(tmp_path / "a.png"), tmp_path / "h.png", tmp_path / "o.png", "--burned-in",
              "10,20,30,8", "--bundle", "cxr")  # fmt: skip
    assert ran.code == 0, ran.lines
    assert np.argwhere(read_image(tmp_path / "h.png").voxels).min(axis=0).tolist() == [20, 10]


def test_by_the_flag_text_is_looked_for_only_where_the_file_says_that_there_is_some(tmp_path, burned_film, capfd):
    clean = run(capfd, "fill", film(tmp_path / "b.dcm"), tmp_path / "h.png", tmp_path / "o.dcm", "--burned-in", "flag")
    assert clean.code == 2
    assert "is NO, not YES" in clean.lines[0]
    assert run(capfd, "fill", burned_film, tmp_path / "h2.png", tmp_path / "o2.dcm", "--burned-in", "flag",
               "--burned-in-complete").code == 2  # fmt: skip


def test_by_the_flag_text_is_found_and_filled_in_rectangles_that_tell_no_letters(tmp_path, capfd):
    dataset = pydicom.dcmread(film(tmp_path / "film.dcm"))
    pixels = chest_film(0)
    canvas = Pillow.new("L", pixels.shape[::-1])
    ImageDraw.Draw(canvas).text((14, 12), "DOE JANE 1950", 255, ImageFont.load_default(28))
    letters = np.asarray(canvas) > 128
    pixels[letters] = 4095
    dataset.Rows, dataset.Columns, dataset.PixelData, dataset.BurnedInAnnotation = (
        *pixels.shape,
        pixels.tobytes(),
        "YES",
    )
    dataset.save_as(tmp_path / "film.dcm")
    ran = run(capfd, "fill", tmp_path / "film.dcm", tmp_path / "h.png", tmp_path / "o.dcm", "--burned-in", "flag")
    assert (ran.code, ran.lines) == (0, [])
    assert "is a proposal" in ran.out
    hole, after = read_image(tmp_path / "h.png").voxels > 0, read_image(tmp_path / "o.dcm").voxels
    assert hole[letters].all()
    assert after[letters].max() < 4000
    assert all(hole[part].all() for part in connected_parts(hole)[1])
