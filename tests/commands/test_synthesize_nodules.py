"""`synthesize nodules`: images with nodules, masks, manifests, tables of boxes; nothing by halves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from cli_samples import nifti, run, tree
from dicom_samples import film as dicom_film
from nodule_samples import ct, film
from PIL import Image as Picture

from monai_inpaint.datasets.node21 import read_node21
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.io import read_image

NAME = "film0_nodule0001"


pytestmark = pytest.mark.usefixtures("nodule_home")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for n in range(2):
        Picture.fromarray(film(n)).save(folder / f"film{n}.png")
    return folder


def synthesize(capfd: Any, *arguments: object) -> Any:
    return run(capfd, "synthesize", "nodules", *arguments)


def test_each_image_in_turn_gets_a_nodule_with_mask_and_manifest(capfd: Any, films: Path) -> None:
    out = films.parent / "out"

    ran = synthesize(capfd, films, out, "--count", 3, "--diameter", "20-30", "--density", "solid")

    assert (ran.code, ran.lines) == (0, [])
    assert ran.out.startswith("3 made; in ")
    names = ["film0_nodule0001", "film0_nodule0003", "film1_nodule0002"]
    assert sorted(path.name for path in (out / "images").iterdir()) == [f"{name}.png" for name in names]
    for name in names:
        source = np.asarray(Picture.open(films / f"{name[:5]}.png"))
        made, mask = (np.asarray(Picture.open(out / kind / f"{name}.png")) for kind in ("images", "masks"))
        manifest = json.loads((out / "manifests" / f"{name}.json").read_text())
        np.testing.assert_array_equal(made[mask == 0], source[mask == 0])
        assert set(np.unique(mask)) == {0, 255}
        assert 20 <= manifest["nodules"][0]["diameter"] <= 30
        assert equivalent_diameter(mask > 0) == pytest.approx(manifest["nodules"][0]["diameter"], rel=0.02)
        assert manifest["untouched"]["before"] == manifest["untouched"]["after"]
        assert manifest["synthetic"] is True
        assert str(films) not in json.dumps(manifest)


def test_several_nodules_of_an_image_do_not_overlap(capfd: Any, films: Path) -> None:
    out = films.parent / "out"

    ran = synthesize(
        capfd, films, out, "--per-image", "2-3", "--seed", 2, "--count", 3, "--diameter", "14-20", "--format", "coco"
    )

    assert (ran.code, ran.lines) == (0, [])
    boxes = json.loads((out / "annotations.json").read_text())["annotations"]
    counts = []
    for path in (out / "manifests").iterdir():
        manifest = json.loads(path.read_text())
        mask, made = (np.asarray(Picture.open(out / kind / f"{path.stem}.png")) for kind in ("masks", "images"))
        source = np.asarray(Picture.open(films / f"{path.stem[:5]}.png"))
        counts.append(len(manifest["nodules"]))
        assert np.count_nonzero(mask) == sum(nodule["pixels"] for nodule in manifest["nodules"])
        np.testing.assert_array_equal(made[mask == 0], source[mask == 0])
    assert set(counts) == {2, 3}
    assert len(boxes) == sum(counts)
    again = films.parent / "again"
    name = "film1_nodule0002"
    manifest = out / "manifests" / f"{name}.json"
    assert synthesize(capfd, films / "film1.png", again, "--again", manifest).code == 0
    first, second = (np.asarray(Picture.open(f / "images" / f"{name}.png")) for f in (out, again))
    np.testing.assert_array_equal(first, second)


def test_a_manifest_makes_its_nodule_again_bit_for_bit(capfd: Any, films: Path) -> None:
    out, again = films.parent / "out", films.parent / "again"
    synthesize(capfd, films / "film0.png", out, "--seed", 7, "--diameter", 25)

    ran = synthesize(capfd, films / "film0.png", again, "--again", out / "manifests" / f"{NAME}.json")

    assert ran.code == 0
    for kind in ("images", "masks"):
        first, second = (np.asarray(Picture.open(f / kind / f"{NAME}.png")) for f in (out, again))
        np.testing.assert_array_equal(first, second)
    other = synthesize(capfd, films / "film1.png", films.parent / "no", "--again", out / "manifests" / f"{NAME}.json")
    assert other.code == 2
    assert "film1.png is not the file film0.png" in other.lines[0]


def test_a_run_that_was_ended_goes_on(capfd: Any, films: Path) -> None:
    out = films.parent / "out"
    synthesize(capfd, films, out, "--diameter", 20)
    before = tree(out)
    (out / "images" / "film1_nodule0002.png").unlink()

    refused = synthesize(capfd, films, out, "--diameter", 20)
    other = synthesize(capfd, films, out, "--diameter", 21, "--resume")
    ran = synthesize(capfd, films, out, "--diameter", 20, "--resume")

    assert (refused.code, other.code, ran.code) == (2, 2, 0)
    assert "add --resume" in refused.lines[0]
    assert "other arguments" in other.lines[0]
    assert ran.out.startswith("1 skipped, 1 made")
    name = "images/film1_nodule0002.png"
    assert {key: value for key, value in tree(out).items() if "manifests" not in key} == {
        key: value for key, value in before.items() if "manifests" not in key
    }
    assert name in tree(out)


def test_boxes_as_node21_has_them_are_read_back(capfd: Any, films: Path) -> None:
    out = films.parent / "out"

    ran = synthesize(capfd, films, out, "--diameter", 24, "--pairs", "--format", "node21")

    assert ran.code == 0
    listing = read_node21(out)
    assert sorted(row.note for row in listing.rows) == ["No Finding", "No Finding", "Nodule", "Nodule"]
    for box in listing.boxes:
        mask = np.asarray(Picture.open(out / "masks" / box.image)) > 0
        rows, columns = np.nonzero(mask)
        assert (box.x, box.y) == (columns.min(), rows.min())
        assert (box.w, box.h) == (np.ptp(columns) + 1, np.ptp(rows) + 1)
    healthy = out / "images" / "film0_nodule0001_without.png"
    np.testing.assert_array_equal(np.asarray(Picture.open(healthy)), film(0))


def test_boxes_as_coco_and_yolo_have_them(capfd: Any, films: Path) -> None:
    for kind in ("coco", "yolo"):
        synthesize(capfd, films, films.parent / kind, "--diameter", 24, "--pairs", "--format", kind)

    content = json.loads((films.parent / "coco" / "annotations.json").read_text())
    assert len(content["images"]) == 4
    assert len(content["annotations"]) == 2
    x, y, width, height = content["annotations"][0]["bbox"]
    by_id = {image["id"]: image for image in content["images"]}
    image = by_id[content["annotations"][0]["image_id"]]
    assert (films.parent / "coco" / image["file_name"]).is_file()
    label = films.parent / "yolo" / "labels" / f"{Path(image['file_name']).stem}.txt"
    _, middle, across, wide, high = (float(number) for number in label.read_text().split())
    assert [middle, across, wide, high] == pytest.approx(
        [(x + width / 2) / 512, (y + height / 2) / 512, width / 512, height / 512], abs=1e-5
    )
    assert (label.parent / "film0_nodule0001_without.txt").read_text() == ""


def test_places_shapes_and_diameters_from_files(capfd: Any, films: Path) -> None:
    folder = films.parent
    (folder / "missed.txt").write_text("18\n22\n")
    (folder / "list.txt").write_text("films/film1.png\n")
    shape = np.zeros((40, 40), np.uint8)
    shape[10:30, 15:25] = 255
    Picture.fromarray(shape).save(folder / "shape.png")
    arguments = ["--diameter", folder / "missed.txt", "--shape", folder / "shape.png", "--where", "150,230"]

    ran = synthesize(capfd, folder / "list.txt", folder / "out", *arguments)

    assert ran.code == 0
    manifest = json.loads((folder / "out" / "manifests" / "film1_nodule0001.json").read_text())
    assert manifest["nodules"][0]["place"] == [230, 150]
    assert manifest["nodules"][0]["diameter"] in (18, 22)
    assert manifest["arguments"]["shape"]["name"] == "shape.png"


def test_without_a_diameter_a_film_without_pixel_size_is_taken_for_one_of_400_mm(capfd: Any, films: Path) -> None:
    ran = synthesize(capfd, films / "film0.png", films.parent / "out", "--where", "150,230")

    assert ran.code == 0
    manifest = json.loads((films.parent / "out" / "manifests" / f"{NAME}.json").read_text())
    assert 8 * 512 / 400 <= manifest["nodules"][0]["diameter"] <= 30 * 512 / 400
    assert manifest["arguments"]["diameters"][0] == manifest["nodules"][0]["diameter"]


def test_a_dicom_film_is_marked_as_synthetic(capfd: Any, tmp_path: Path) -> None:
    source = dicom_film(tmp_path / "film.dcm")
    rows, columns = read_image(source).voxels.shape
    place = f"{columns // 2},{rows // 2}"

    ran = synthesize(capfd, source, tmp_path / "out", "--where", place, "--diameter", 4, "--pairs")

    assert (ran.code, ran.lines) == (0, [])
    made = pydicom.dcmread(tmp_path / "out" / "images" / "film_nodule0001.dcm")
    assert made.SeriesDescription.startswith("Synthetic nodule")
    assert "Synthetic lung nodule" in made.DerivationDescription
    assert made.ImageType[0] == "DERIVED"
    assert made.SOPInstanceUID != pydicom.dcmread(source).SOPInstanceUID
    assert (tmp_path / "out" / "images" / "film_nodule0001_without.dcm").read_bytes() == source.read_bytes()


def test_a_volume_keeps_its_format_and_geometry(capfd: Any, tmp_path: Path) -> None:
    image = ct(slices=5)
    source = nifti(tmp_path / "chest.nii.gz", image.voxels, image.affine)

    ran = synthesize(capfd, source, tmp_path / "out", "--diameter", "8-10")

    assert (ran.code, ran.lines) == (0, [])
    made = read_image(tmp_path / "out" / "images" / "chest_nodule0001.nii.gz")
    mask = read_image(tmp_path / "out" / "masks" / "chest_nodule0001.nii.gz")
    np.testing.assert_array_equal(made.affine, image.affine)
    np.testing.assert_array_equal(mask.affine, image.affine)
    np.testing.assert_array_equal(made.voxels[mask.voxels == 0], image.voxels[mask.voxels == 0])
    refused = synthesize(capfd, source, tmp_path / "boxes", "--diameter", "8", "--format", "coco")
    assert refused.code == 2
    assert "is a volume" in refused.lines[0]


def test_an_image_without_lungs_does_not_stop_the_rest(capfd: Any, films: Path) -> None:
    Picture.fromarray(np.full((300, 300), 90, np.uint8)).save(films / "empty.png")

    ran = synthesize(capfd, films, films.parent / "out", "--diameter", 20)

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert "empty.png: No lung was found" in ran.lines[0]
    assert "2 made" in ran.out
    assert "1 refused" in ran.out


def test_an_image_of_another_kind_and_a_mask_elsewhere_are_refused(capfd: Any, films: Path) -> None:
    folder = films.parent
    scaled = nifti(folder / "scaled.nii.gz", np.random.default_rng(0).integers(0, 255, (40, 40, 40)).astype(np.int16))
    small, empty = np.full((64, 64), 255, np.uint8), np.zeros((512, 512), np.uint8)
    corner = empty.copy()
    corner[:12, :12] = 255
    for name, mask in (("small", small), ("empty", empty), ("corner", corner)):
        Picture.fromarray(mask).save(folder / f"{name}.png")
    film0 = films / "film0.png"

    for image, arguments, said in (
        (scaled, [], "neither a chest film nor a CT in Hounsfield units"),
        (film0, ["--where", folder / "small.png"], "small.png"),
        (film0, ["--where", folder / "empty.png"], "does not fit into the mask"),
        (film0, ["--where", folder / "corner.png", "--diameter", 20], "does not fit into the mask"),
    ):
        before = tree(folder)
        ran = synthesize(capfd, image, folder / "out", *arguments)
        assert ran.code == 2
        assert len(ran.lines) == 1
        assert said in ran.lines[0]
        assert tree(folder) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--diameter", "wide"], "is not a diameter"),
        (["--diameter", "30-8"], "run backwards"),
        (["--diameter", "900"], "no room for a nodule"),
        (["--where", "nowhere.png"], "there is no such file"),
        (["--where", "1,2,3,4"], "give column and row"),
        (["--where", "600,10"], "lies outside the image"),
        (["--shape", "none.png"], "there is no such file"),
        (["--count", "0"], "is not a number of images"),
        (["--per-image", "3-1"], "is not a number of nodules"),
        (["--per-image", "2", "--where", "150,230"], "the place of one nodule"),
        (["--per-image", "60", "--diameter", "90"], "no room for a nodule"),
        (["--again", "none.json"], "does not exist"),
    ],
)
def test_bad_arguments_are_one_sentence_and_leave_nothing(
    capfd: Any, films: Path, arguments: list[str], said: str
) -> None:
    before = tree(films.parent)

    ran = synthesize(capfd, films / "film0.png", films.parent / "out", *arguments)

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert said in ran.lines[0]
    assert tree(films.parent) == before


def boxes_json(path: Path, *boxes: tuple[float, float, float, float, int]) -> Path:
    """What NODE21 gives a generator: left, top, right, bottom and number of the image of each box."""
    corners = [{"corners": [[r, b, n], [left, b, n], [left, t, n], [r, t, n]]} for left, t, r, b, n in boxes]
    content = {"type": "Multiple 2D bounding boxes", "boxes": corners, "version": {"major": 1, "minor": 0}}
    path.write_text(json.dumps(content))
    return path


def test_nodules_lie_in_the_boxes_that_node21_gives_and_have_their_size(capfd: Any, films: Path) -> None:
    boxes = boxes_json(films.parent / "nodules.json", (60, 100, 84, 124, 1), (180, 90, 210, 120, 1))
    out = films.parent / "out"

    ran = synthesize(capfd, films, out, "--where", boxes, "--density", "solid")

    assert (ran.code, ran.lines) == (0, [])
    (made,) = (out / "manifests").iterdir()
    manifest = json.loads(made.read_text())
    assert made.name.startswith("film1_")
    assert [nodule["diameter"] for nodule in manifest["nodules"]] == pytest.approx([24.0, 30.0], rel=0.02)
    for (top, left), nodule in zip(((100, 60), (90, 180)), manifest["nodules"], strict=True):
        (y, height), (x, width) = nodule["box"]
        size = nodule["diameter"]
        assert (y + height / 2, x + width / 2) == pytest.approx((top + size / 2, left + size / 2), abs=0.25 * size)

    again = synthesize(capfd, films / "film1.png", films.parent / "again", "--again", made)
    assert (again.code, again.lines) == (0, [])
    same = next((films.parent / "again" / "images").iterdir())
    assert same.read_bytes() == (out / "images" / same.name).read_bytes()


@pytest.mark.parametrize(
    ("box", "options", "said"),
    [
        ((60, 100, 84, 124, 5), [], "slice 5"),
        ((60, 100, 5000, 124, 0), [], "outside"),
        ((60, 100, 84, 124, 0), ["--diameter", "8"], "leave out --diameter"),
    ],
)
def test_boxes_that_do_not_fit_are_refused(
    capfd: Any, films: Path, box: tuple[float, float, float, float, int], options: list[str], said: str
) -> None:
    ran = synthesize(capfd, films, films.parent / "out", "--where", boxes_json(films.parent / "n.json", box), *options)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert said in ran.lines[0]
    assert not (films.parent / "out").exists()
