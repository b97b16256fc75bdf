"""`synthesize outpaint` and `synthesize inpaint-lesion`: films, masks, manifests; nothing by halves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from cli_samples import run, tree
from dicom_samples import film as dicom_film
from nodule_samples import film
from PIL import Image as Picture

pytestmark = pytest.mark.usefixtures("painting_home")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for n in range(2):
        Picture.fromarray(film(n)).save(folder / f"film{n}.png")
    (tmp_path / "boxes.csv").write_text(
        "image,label,x,y,w,h\nfilm0.png,mass,100,200,80,60\nfilm1.png,mass,300,90,9,9\n"
    )
    return folder


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Picture.open(path))


def synthesize(capfd: Any, *arguments: object) -> Any:
    return run(capfd, "synthesize", *arguments)


def test_findings_are_kept_bit_for_bit_and_the_rest_is_drawn_several_times(capfd: Any, films: Path) -> None:
    out = films.parent / "out"

    ran = synthesize(capfd, "outpaint", films, films.parent / "boxes.csv", out, "--samples", 2)

    assert (ran.code, ran.lines) == (0, [])
    assert ran.out.startswith("4 made; in ")
    assert "Synthetic: research use only." in ran.out
    made = [pixels(out / "images" / f"film0_outpainted000{n}.png") for n in (1, 2)]
    mask = pixels(out / "masks" / "film0_outpainted0001.png")
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (200, 259, 100, 179)
    for one in made:
        np.testing.assert_array_equal(one[mask > 0], film(0)[mask > 0])
    assert (made[0] != made[1]).mean() > 0.5
    manifest = json.loads((out / "manifests" / "film0_outpainted0001.json").read_text())
    assert manifest["synthetic"] is True
    assert manifest["painting"]["kept"] is True
    assert manifest["painting"]["region"]["boxes"] == [["mass", 100, 200, 80, 60]]
    assert manifest["untouched"]["before"] == manifest["untouched"]["after"]
    assert str(films) not in json.dumps(manifest)


def test_masks_are_found_by_the_name_of_the_film_and_grow_by_the_margin(capfd: Any, films: Path) -> None:
    masks = films.parent / "masks"
    masks.mkdir()
    mask = np.zeros((512, 512), np.uint8)
    mask[100:150, 100:150] = 255
    Picture.fromarray(mask).save(masks / "film0.png")
    # without pixel size a film is 400 mm long: 10 mm are 12.8 of 512 pixels
    ran = synthesize(capfd, "outpaint", films, masks, films.parent / "out", "--margin", 10)

    assert ran.code == 2  # for the film without a mask
    assert len(ran.lines) == 1
    assert "film1.png has no mask" in ran.lines[0]


def test_the_margin_is_kept_too(capfd: Any, films: Path) -> None:
    out = films.parent / "out"
    synthesize(capfd, "outpaint", films / "film0.png", films.parent / "boxes.csv", out, "--margin", 10)

    rows, columns = np.nonzero(pixels(out / "masks" / "film0_outpainted0001.png"))

    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (188, 271, 88, 191)


def test_a_finding_is_drawn_into_a_box_and_nothing_else_changes(capfd: Any, films: Path) -> None:
    out = films.parent / "out"
    given = ("--place", "120,200,60,50", "--kind", "mass", "--bundle", "cxr_lesion_painting")

    ran = synthesize(capfd, "inpaint-lesion", films / "film1.png", out, *given)

    assert ran.code == 0
    made, mask = (pixels(out / kind / "film1_lesion0001.png") for kind in ("images", "masks"))
    assert np.count_nonzero(mask) == 60 * 50
    np.testing.assert_array_equal(made[mask == 0], film(1)[mask == 0])
    assert (made != film(1))[mask > 0].mean() > 0.5
    manifest = json.loads((out / "manifests" / "film1_lesion0001.json").read_text())
    assert (manifest["painting"]["finding"], manifest["painting"]["kept"]) == ("mass", False)


def test_places_by_chance_lie_in_the_lungs_and_follow_from_the_seed(capfd: Any, films: Path) -> None:
    masks = []
    for number, seed in enumerate((1, 1, 2)):
        out = films.parent / f"out{number}"
        given = ("--place", "random", "--kind", "mass", "--seed", seed, "--bundle", "cxr_lesion_painting")
        assert synthesize(capfd, "inpaint-lesion", films / "film0.png", out, *given).code == 0
        masks.append(pixels(out / "masks" / "film0_lesion0001.png") > 0)

    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()
    assert all(film(0)[mask].mean() < 100 for mask in masks)  # lungs have 80, the body 170


def test_a_run_that_was_ended_goes_on(capfd: Any, films: Path) -> None:
    out, boxes = films.parent / "out", films.parent / "boxes.csv"
    synthesize(capfd, "outpaint", films, boxes, out)
    before = tree(out)
    (out / "images" / "film1_outpainted0001.png").unlink()

    refused = synthesize(capfd, "outpaint", films, boxes, out)
    other = synthesize(capfd, "outpaint", films, boxes, out, "--seed", 5, "--resume")
    ran = synthesize(capfd, "outpaint", films, boxes, out, "--resume")

    assert (refused.code, other.code, ran.code) == (2, 2, 0)
    assert "add --resume" in refused.lines[0]
    assert "other arguments" in other.lines[0]
    assert ran.out.startswith("1 skipped, 1 made")
    images = {name: content for name, content in before.items() if "manifests" not in name}
    assert {name: content for name, content in tree(out).items() if "manifests" not in name} == images


def test_a_dicom_film_is_marked_as_synthetic(capfd: Any, tmp_path: Path) -> None:
    source = dicom_film(tmp_path / "film.dcm")
    (tmp_path / "boxes.csv").write_text("image,label,x,y,w,h\nfilm.dcm,mass,20,30,40,10\n")

    ran = synthesize(capfd, "outpaint", source, tmp_path / "boxes.csv", tmp_path / "out")

    assert ran.code == 0
    made = pydicom.dcmread(tmp_path / "out" / "images" / "film_outpainted0001.dcm")
    assert made.ImageType[0] == "DERIVED"
    assert "Synthetic film" in made.DerivationDescription
    np.testing.assert_array_equal(made.pixel_array[30:40, 20:60], pydicom.dcmread(source).pixel_array[30:40, 20:60])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("outpaint", "films", "nothing.txt", "out"), "neither a folder of masks nor a .csv"),
        (("outpaint", "films", "boxes.csv", "out", "--samples", "0"), "not a number of samples"),
        (("outpaint", "films", "boxes.csv", "out", "--margin", "-1"), "not a margin"),
        (("inpaint-lesion", "films", "out", "--place", "random", "--kind", "mass"), "--bundle"),
        (("inpaint-lesion", "films", "out", "--place", "no", "--kind", "m", "--bundle", "b"), "there is no such file"),
        (("inpaint-lesion", "films", "out", "--place", "1,2,0,4", "--kind", "m", "--bundle", "b"), "no area"),
        (("outpaint", "films", "boxes.csv", "out", "--bundle", "nothing"), "no such bundle"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_leaves_nothing(
    capfd: Any, films: Path, words: tuple[str, ...], sentence: str
) -> None:
    places = {name: films.parent / name for name in ("films", "boxes.csv", "out", "nothing.txt")}

    ran = synthesize(capfd, *(places.get(word, word) for word in words))

    assert ran.code == 2
    assert sentence in ran.lines[0]
    assert not (films.parent / "out").exists()
