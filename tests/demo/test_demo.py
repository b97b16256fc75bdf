"""The demo as a user runs it, and the phantom it draws."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from chromium import needs_chromium, shown
from PIL import Image as Pillow
from scipy.ndimage import binary_fill_holes

from monai_inpaint import read_image
from monai_inpaint.demo.__main__ import main
from monai_inpaint.demo.painted import paint_lesion, paint_pacemaker
from monai_inpaint.demo.phantom import GREY_LEVELS, SIDE, chest_film
from monai_inpaint.demo.tubes import project, tube
from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.version import NOTICE

CASES = {
    "film-region": ".png",
    "film-pacemaker": ".png",
    "ct-region": ".dcm",
    "mr-region": ".nii.gz",
    "mr-lesion": ".nii.gz",
}


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    return chest_film(seed=1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, film: np.ndarray) -> Path:
    pytest.importorskip("nilearn")
    folder = tmp_path_factory.mktemp("demo") / "made"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monai_inpaint.demo.samples.chest_film", lambda: film)
        assert main(["--output", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("case", CASES)
def test_outside_the_hole_the_filled_file_equals_its_source(demo: Path, case: str) -> None:
    suffix, place = CASES[case], demo / case
    source, filled = read_image(place / f"source{suffix}"), read_image(place / f"filled{suffix}")
    hole = align_hole(read_image(next(place.glob("hole.*"))), source).voxels
    assert filled.voxels.dtype == source.voxels.dtype
    np.testing.assert_array_equal(filled.voxels[~hole], source.voxels[~hole])
    assert (filled.voxels != source.voxels)[hole].any()


def test_the_reduced_metal_is_nearer_to_the_truth_than_the_scan(demo: Path) -> None:
    pytest.importorskip("astra")
    truth, artifact = (read_image(demo / "ct-metal" / "simulated" / f"{name}.nii.gz") for name in ("truth", "artifact"))
    network = read_image(demo / "ct-metal" / "network.nii.gz")
    errors = [np.abs(image.units() - truth.units()).mean() for image in (artifact, network)]
    assert errors[1] < 0.6 * errors[0]


def test_the_map_of_the_film_has_its_peak_at_the_device(demo: Path, film: np.ndarray) -> None:
    device = paint_pacemaker(film)[1]
    mapped = read_image(demo / "film-pacemaker" / "abnormality.tif").units()
    assert device[np.unravel_index(np.argmax(mapped), mapped.shape)]


@pytest.mark.slow
@needs_chromium
def test_outlines_are_unbroken_as_a_browser_shows_them(demo: Path) -> None:
    shares = []
    with shown(demo / "index.html") as page:
        for slider in page.locator(".slider input").all():
            slider.fill("100")  # all of the picture before
        for picture in page.locator(".slider img:first-child, img[alt$='outlined']").all():
            made = base64.b64decode(picture.get_attribute("src").partition(",")[2])
            shares.append((_enclosed(made), _enclosed(picture.screenshot())))
    marked = [(made, seen) for made, seen in shares if made > 0]
    assert len(marked) > 2 * len(CASES)
    assert all(abs(seen / made - 1) < 0.3 for made, seen in marked)


def _enclosed(png: bytes) -> float:
    """The share of a picture that amber lines enclose, with the lines."""
    pixels = np.asarray(Pillow.open(io.BytesIO(png)).convert("RGB"), int)
    amber = pixels[..., 0] - pixels[..., 2] > 40
    return float(binary_fill_holes(amber).mean())


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_its_report(demo: Path, case: str) -> None:
    report = json.loads((demo / case / "report.json").read_text(encoding="utf-8"))
    assert report["untouched"]["before"] == report["untouched"]["after"]
    assert report["hole"]["voxels"] > 0


def test_the_page_carries_the_notice_all_pictures_and_nothing_to_load(demo: Path) -> None:
    page = (demo / "index.html").read_text(encoding="utf-8")
    assert NOTICE in page
    assert "computed phantom, not a patient" in page
    sources = re.findall(r'src="([^"]{0,30})', page)
    # a slider of 2, source and truth, 3 fills with their errors; 3D the same in three planes; 2 spreads; map; metal
    assert len(sources) == (3 + 2 * 3) * (2 + 2 + 3 * 2) + 2 + 2 + (2 + 1 + 3 * 2)
    assert page.count('type="range"') == 3 + 2 * 3 + 1
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    text = re.sub(r'"data:image/png;base64,[^"]*"', "", page)  # whose letters may spell anything
    assert "http" not in text


def test_the_demo_says_where_the_page_lies_and_can_be_run_again(
    demo: Path, film: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("monai_inpaint.demo.samples.chest_film", lambda: film)
    assert main(["--output", str(demo)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if " voxels filled, " in line] == list(CASES)
    assert lines[-1].endswith(str(demo / "index.html"))


def test_an_output_that_is_a_file_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    assert main(["--output", str(taken)]) == 2
    assert "is a file" in capsys.readouterr().err
    assert taken.read_text(encoding="utf-8") == "mine"


def test_the_same_seed_gives_the_same_film(film: np.ndarray) -> None:
    np.testing.assert_array_equal(chest_film(seed=1), film)
    assert film.shape == (SIDE, SIDE)
    assert film.dtype == np.uint16
    assert film.max() < GREY_LEVELS


def test_the_film_is_dark_in_the_lungs_and_bright_in_the_middle(film: np.ndarray) -> None:
    right_lung, left_lung, spine = film[180:220, 120:170], film[180:220, 350:400], film[300:340, 245:267]
    assert max(right_lung.mean(), left_lung.mean()) < 0.6 * spine.mean()


def test_what_is_painted_lies_inside_its_region(film: np.ndarray) -> None:
    painted, device = paint_pacemaker(film)
    assert (painted[device] > film[device]).mean() > 0.9
    np.testing.assert_array_equal(painted[~device], film[~device])
    volume = np.full((60, 60, 60), 180, np.uint8)
    painted, lesion = paint_lesion(volume, (30, 30, 30), (8, 9, 7))
    assert painted[30, 30, 30] < 120
    np.testing.assert_array_equal(painted[~lesion], volume[~lesion])


@pytest.mark.parametrize("tilt", [0.0, 0.6, 1.2])
def test_a_tube_projects_to_its_volume(tilt: float) -> None:
    """Whatever its direction: the sum of all path lengths times the pixel's area is the tube's volume."""
    length, radius, spacing = 60.0, 3.0, 0.5
    along = np.linspace(-length / 2, length / 2, 30)[:, None]
    points = along * np.array([[np.cos(tilt), np.sin(tilt), 0.0]]) + [0, 0, 20]
    film = project([tube(points, radius)], (80, 200), spacing, 0.0)
    assert film.sum() * spacing**2 == pytest.approx(np.pi * radius**2 * length, rel=0.03)
