"""Abnormality maps: where they tell something, what changes them, and what stands out of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_samples import smooth
from lung_samples import ellipse
from scipy.ndimage import gaussian_filter

from monai_inpaint import Filler, Image, InputError
from monai_inpaint.anomaly import candidates, compute_anomaly_map, write_candidates
from monai_inpaint.anomaly.anomaly_map import slice_anomaly
from monai_inpaint.anomaly.reference import (
    GRID,
    gridded,
    load_reference,
    placed,
    reference_of,
    reference_path,
    save_reference,
)
from monai_inpaint.anomaly.search_region import lungs_of, region_of
from monai_inpaint.anomaly.sliding_holes import mean_of, places, slide
from monai_inpaint.cli import main
from monai_inpaint.datasets import read_boxes
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.imaging.resize import resized
from monai_inpaint.io import write_image

SHAPE = (128, 128)
BLOB = (0.5, 0.27, 0.09, 0.07)  # in the lung on the film's left, see `ellipse`


@pytest.fixture(scope="module")
def filler() -> Filler:
    return Filler("cxr")


@pytest.fixture(scope="module")
def healthy() -> np.ndarray:
    return resized(chest_film(0).astype(np.float32), SHAPE)


def with_blob(pixels: np.ndarray, grey: float) -> np.ndarray:
    """The film with most of a blob replaced by a grey value, 0 the darkest and 1 the brightest."""
    veil = 0.7 * gaussian_filter(ellipse(SHAPE, BLOB).astype(float), 2)
    return (pixels * (1 - veil) + (pixels.min() + grey * np.ptp(pixels)) * veil).astype(np.float32)


# --- holes


@pytest.mark.parametrize("shape", [(128, 128), (100, 160), (64, 64)])
def test_holes_cover_the_region_and_overlap_by_half(shape: tuple[int, int]) -> None:
    region = np.zeros(shape, bool)
    region[10:-5, 7:-20] = True

    holes = places(region)

    covered = np.zeros(shape, int)
    for hole in holes:
        covered[hole] += 1
    assert np.array_equal(covered > 0, region)
    assert 4 <= covered.max() <= 9


def test_an_empty_region_has_no_holes_and_a_narrow_one_narrow_ones() -> None:
    region = np.zeros((128, 128), bool)
    assert places(region) == []

    region[20:25, 30:100] = True
    assert {rows.stop - rows.start for rows, _ in places(region)} == {5}


def test_a_pixel_gets_the_mean_over_the_holes_that_cover_it() -> None:
    slid = [((slice(0, 2), slice(0, 2)), np.full((2, 2), 4.0)), ((slice(1, 3), slice(0, 2)), np.full((2, 2), 2.0))]

    assert mean_of(slid, (3, 3)).tolist() == [[4, 4, 0], [3, 3, 0], [2, 2, 0]]


def test_the_residual_is_source_less_filled(filler: Filler, healthy: np.ndarray) -> None:
    region = np.zeros(healthy.shape, bool)
    region[50:90, 20:60] = True

    ((place, residual),) = slide(filler, healthy, region)

    assert np.allclose(residual, healthy[place] - filler(healthy, region).image[place], atol=1e-4)


# --- maps


def test_outside_the_search_region_nothing_is_reported(filler: Filler, healthy: np.ndarray) -> None:
    found = compute_anomaly_map(filler, Image(healthy))

    top, left = (part.start for part in lungs_of(healthy))
    assert found.map.dtype == np.float32
    assert found.map.shape == found.region.shape == healthy.shape
    assert not found.map[~found.region].any()
    assert found.map[found.region].all()
    assert 0.1 < found.region.mean() < 0.7
    assert not found.region[: top // 2].any()
    assert not found.region[:, : left // 2].any()


@pytest.mark.parametrize("bundle", ["cxr", "mr"])
def test_units_change_nothing(bundle: str, healthy: np.ndarray) -> None:
    one = Filler(bundle, engine="onnxruntime")

    plain, scaled = (compute_anomaly_map(one, Image(pixels)).map for pixels in (healthy, 16 * healthy + 512))

    assert np.abs(plain - scaled).max() < 0.02 * np.abs(plain).max()


def test_a_film_that_shows_low_values_bright_has_the_map_of_its_picture(filler: Filler, healthy: np.ndarray) -> None:
    found, turned = (
        compute_anomaly_map(filler, Image(healthy)),
        compute_anomaly_map(filler, Image(-healthy, inverted=True)),
    )

    assert np.allclose(found.map, turned.map, atol=1e-3)


def test_a_painted_blob_lights_up_where_it_is(filler: Filler, healthy: np.ndarray) -> None:
    before, after = (compute_anomaly_map(filler, Image(pixels)).map for pixels in (healthy, with_blob(healthy, 0.8)))

    peak = np.unravel_index((after - before).argmax(), after.shape)
    assert ellipse(SHAPE, BLOB)[peak]
    assert (after - before)[peak] > 0.5


@pytest.mark.parametrize("grey", [0.9, 0.0])
def test_without_a_reference_what_is_darker_stands_out_as_well(
    filler: Filler, healthy: np.ndarray, grey: float
) -> None:
    painted = with_blob(healthy, grey)
    region = region_of(healthy, "cxr")

    residual = mean_of(slide(filler, painted, region), painted.shape)
    map_ = np.where(region, slice_anomaly(residual, painted, region, None), 0)

    assert map_.min() >= 0
    assert map_[ellipse(SHAPE, BLOB)].mean() > 1.5 * map_[region].mean()


def test_a_region_without_contrast_gives_an_empty_map() -> None:
    pixels, region = np.full((80, 80), 7.0), np.ones((80, 80), bool)

    assert not slice_anomaly(np.zeros((80, 80)), pixels, region, None).any()


def test_the_map_of_a_volume_lies_as_the_volume_does() -> None:
    filler = Filler("mr")
    body = np.pad(smooth((70, 70), 1) + 0.5, 15)[..., None] * np.ones(2)
    flipped = np.diag([-1.0, 1, 4, 1])

    straight = compute_anomaly_map(filler, Image((100 * body).astype(np.float32), np.diag([1.0, 1, 4, 1])))
    turned = compute_anomaly_map(filler, Image((100 * body[::-1]).astype(np.float32), flipped))

    assert straight.region.any(axis=(0, 1)).all()
    assert np.array_equal(straight.map, turned.map[::-1])


def test_pixels_without_a_number_are_not_reported(filler: Filler, healthy: np.ndarray) -> None:
    holed = healthy.copy()
    holed[60:64, 40:44] = np.nan

    found = compute_anomaly_map(filler, Image(holed))

    assert np.isfinite(found.map).all()
    assert not found.map[60:64, 40:44].any()


@pytest.mark.parametrize(
    ("voxels", "said"),
    [
        (np.zeros((40, 200)), "too small to search"),
        (np.eye(100), "shows no anatomy"),
        (np.full((100, 100), np.nan), "NaN or infinite values only"),
    ],
)
def test_an_image_that_cannot_be_searched_is_refused(filler: Filler, voxels: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        compute_anomaly_map(filler, Image(voxels.astype(np.float32)))


# --- reference


def test_healthy_films_have_a_mean_of_0_and_a_deviation_of_1() -> None:
    numbers = np.random.default_rng(0).normal((3.0, -1.0), (0.5, 2.0), (40, 2))
    lungs = (slice(10, 90), slice(20, 100))
    reference = reference_of([[np.full((GRID, GRID, 2), pair).transpose(2, 0, 1) for pair in numbers]])

    traits = np.array(
        [[trait[50, 50] for trait in reference.standardised([*map(flat, pair)], lungs)] for pair in numbers]
    )

    assert np.allclose(traits.mean(axis=0), 0, atol=1e-4)
    assert np.allclose(traits.std(axis=0), 1, atol=1e-4)
    assert reference.films == 40


def flat(number: float) -> np.ndarray:
    return np.full((128, 128), number)


def test_the_grid_and_the_film_lead_to_one_another() -> None:
    cells = smooth((GRID, GRID))
    lungs = (slice(5, 120), slice(12, 100))

    assert np.abs(gridded(placed(cells, lungs, (128, 128)), lungs) - cells).max() < 0.02


def test_sources_have_the_same_weight_whatever_their_number() -> None:
    one, other = np.zeros((2, GRID, GRID)), np.ones((2, GRID, GRID))

    assert np.allclose(reference_of([[one] * 9, [other]]).mean, 0.5)


def test_a_reference_is_small_and_comes_back_from_its_file(tmp_path: Path, filler: Filler) -> None:
    bundle = replace(filler.bundle, path=tmp_path)
    assert load_reference(bundle) is None

    rng = np.random.default_rng(0)
    saved = reference_of([rng.normal(size=(5, 2, GRID, GRID))])
    reference_path(bundle).parent.mkdir()
    save_reference(saved, reference_path(bundle))
    read = load_reference(bundle)

    assert read is not None
    assert np.allclose(read.mean, saved.mean, atol=2e-3)
    assert np.allclose(read.deviation, saved.deviation, rtol=2e-3)
    assert read.films == 5
    assert reference_path(bundle).stat().st_size < 60_000
    reference_path(bundle).write_bytes(b"nothing")
    with pytest.raises(InputError, match="the reference is damaged"):
        load_reference(bundle)


def test_the_bundle_of_films_brings_its_reference(filler: Filler) -> None:
    reference = load_reference(filler.bundle)

    assert reference is not None
    assert reference.films >= 100


def test_a_reference_is_made_of_a_data_list(tmp_path: Path, filler: Filler, healthy: np.ndarray, capsys) -> None:
    lines = ["path,source,modality"]
    for number, source in enumerate(("a", "a", "b")):
        write_image(Image((healthy / 16 + 5 * number).clip(0, 255).astype(np.uint8)), tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{source},CR")
    (tmp_path / "healthy.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = reference_path(replace(filler.bundle, path=tmp_path))
    path.parent.mkdir()

    assert main(["reference", str(tmp_path / "healthy.csv"), "-o", str(path), "--limit", "1"]) == 0

    read = load_reference(replace(filler.bundle, path=tmp_path))
    assert read is not None
    assert read.films == 2
    assert "of 2 films" in capsys.readouterr().out


def test_a_reference_of_another_suffix_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["reference", str(tmp_path / "healthy.csv"), "-o", str(tmp_path / "healthy.txt")]) == 2
    assert "end with .npz" in capsys.readouterr().err


# --- candidates


def test_each_peak_gets_the_box_of_its_half_height_highest_first() -> None:
    map_ = np.zeros((60, 80), np.float32)
    map_[10:20, 30:45] = 2
    map_[12:16, 32:36] = 3
    map_[40:50, 5:12] = 4
    map_[41, 60] = -9

    found = candidates(map_)

    assert [(c.x, c.y, c.w, c.h, c.score) for c in found[:2]] == [(5, 40, 7, 10, 4.0), (30, 10, 15, 10, 3.0)]
    assert len(found) == 2


def test_there_are_five_candidates_at_most_and_none_of_an_empty_map() -> None:
    map_ = np.zeros((20, 200))
    map_[10, ::10] = 1

    assert len(candidates(map_)) == 5
    assert candidates(np.zeros((20, 20))) == []


def test_boxes_come_back_from_their_table(tmp_path: Path) -> None:
    map_ = np.zeros((60, 80))
    map_[10:20, 30:45] = 2

    write_candidates(candidates(map_), "film.png", tmp_path / "boxes.csv")

    (box,) = read_boxes(tmp_path / "boxes.csv")
    assert (box.image, box.x, box.y, box.w, box.h) == ("film.png", 30, 10, 15, 10)
    assert (tmp_path / "boxes.csv").read_text().splitlines()[0].endswith(",score")
