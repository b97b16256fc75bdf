"""Nodules in films and CT: where they are asked for, as large, as dense, and nothing else changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lung_samples import LEFT, RIGHT, ellipse
from nodule_samples import FILM, ct, film
from scipy.ndimage import binary_erosion

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import untouched_hash
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.synthesis.nodules.synthesize import synthesize_nodule
from monai_inpaint.synthesis.nodules.texture import grain

pytestmark = pytest.mark.usefixtures("nodule_home")


@pytest.fixture(scope="module")
def chest() -> Image:
    return Image(film(), np.diag([-0.8, -0.8, 1.0, 1.0])[[1, 0, 2, 3]], "cxr")


def lungs() -> np.ndarray:
    return ellipse(FILM, RIGHT) | ellipse(FILM, LEFT)


def test_outside_the_mask_every_voxel_is_the_source(chest: Image) -> None:
    made = synthesize_nodule(chest, diameter=24, seed=3)

    np.testing.assert_array_equal(made.image.voxels[~made.mask], chest.voxels[~made.mask])
    assert (made.image.voxels[made.mask] != chest.voxels[made.mask]).mean() > 0.9
    untouched = made.report["untouched"]
    assert untouched["before"] == untouched["after"] == untouched_hash(chest.voxels, made.mask)
    assert made.image.voxels.dtype == chest.voxels.dtype
    assert made.report["synthetic"] is True


def test_the_same_seed_gives_the_same_voxels_and_another_one_others(chest: Image) -> None:
    first, again, other = (synthesize_nodule(chest, diameter=20, density="random", seed=seed) for seed in (5, 5, 6))

    np.testing.assert_array_equal(first.image.voxels, again.image.voxels)
    assert first.report["nodule"] == again.report["nodule"]
    assert first.report["nodule"]["place"] != other.report["nodule"]["place"]


@pytest.mark.parametrize("diameter", [8.0, 16.0, 40.0])
def test_the_diameter_is_met_in_mm(chest: Image, diameter: float) -> None:
    made = synthesize_nodule(chest, diameter=diameter, seed=1)

    assert equivalent_diameter(made.mask, (0.8, 0.8)) == pytest.approx(diameter, rel=0.02)
    assert made.report["nodule"]["unit"] == "mm"


def test_without_pixel_size_the_diameter_is_in_pixels() -> None:
    made = synthesize_nodule(Image(film()), diameter=31, seed=1)

    assert equivalent_diameter(made.mask) == pytest.approx(31, rel=0.02)
    assert made.report["nodule"]["unit"] == "pixels"


@pytest.mark.parametrize("seed", range(12))
def test_nodules_lie_in_the_lungs_and_touch_no_other_one(chest: Image, seed: int) -> None:
    first = synthesize_nodule(chest, diameter=16, seed=seed)
    second = synthesize_nodule(first.image, diameter=16, seed=seed + 100, taken=first.mask)

    for made in (first, second):
        assert (made.mask & lungs()).sum() > 0.98 * made.mask.sum()
    assert not (first.mask & second.mask).any()


def test_the_heart_only_when_asked_for(chest: Image) -> None:
    made = synthesize_nodule(chest, "heart", 16, seed=0)

    _, column = made.report["nodule"]["place"]
    assert 0.38 * FILM[1] < column < 0.62 * FILM[1]


def test_a_place_is_the_middle_and_the_box_surrounds_it(chest: Image) -> None:
    made = synthesize_nodule(chest, (230, 150), 20, seed=2)

    (row, height), (column, width) = made.box
    assert abs(row + height // 2 - 230) <= 1
    assert abs(column + width // 2 - 150) <= 1
    inside = np.zeros(FILM, bool)
    inside[row : row + height, column : column + width] = True
    assert not made.mask[~inside].any()
    assert made.mask[row].any()
    assert made.mask[:, column + width - 1].any()


def test_a_mask_says_where(chest: Image) -> None:
    allowed = np.zeros(FILM, bool)
    allowed[150:260, 330:400] = True

    assert not synthesize_nodule(chest, allowed, 20, seed=2).mask[~allowed].any()


def test_the_shape_of_a_mask_is_taken(chest: Image) -> None:
    bar = np.zeros((30, 60), bool)
    bar[10:20, 5:55] = True

    made = synthesize_nodule(chest, (230, 150), 20, shape=bar)

    (_, height), (_, width) = made.box
    assert width / height == pytest.approx(5, rel=0.15)


def test_density_reaches_the_network(chest: Image) -> None:
    means = []
    for density in ("ground-glass", "part-solid", "solid", 1.0):
        made = synthesize_nodule(chest, (230, 150), 20, density=density, seed=2)
        means.append(made.image.voxels[made.mask].mean())

    assert means[0] < means[1] < means[2] == means[3]


def test_a_large_nodule_keeps_the_grain_of_the_film(chest: Image) -> None:
    large = np.kron(chest.voxels, np.ones((3, 3), np.uint8))
    noise = np.random.default_rng(0).integers(-8, 9, large.shape)
    fine = replace(chest, voxels=(large + noise).clip(0, 255).astype(np.uint8), affine=None)

    made = synthesize_nodule(fine, (690, 450), 150, seed=2)

    inner = made.mask & np.roll(made.mask, 1, axis=1)
    grain = np.diff(made.image.voxels.astype(float), axis=1, prepend=0)[inner].std()
    assert grain > 0.7 * np.diff(fine.voxels.astype(float), axis=1, prepend=0)[inner].std()


def test_films_that_show_low_values_bright_get_the_same_nodule(chest: Image) -> None:
    turned = replace(chest, voxels=255 - chest.voxels, inverted=True)

    plain, inverted = (synthesize_nodule(one, (230, 150), 20, seed=2).image.voxels for one in (chest, turned))

    assert plain[230, 150] > chest.voxels[230, 150]
    assert inverted[230, 150] < turned.voxels[230, 150]


def test_in_a_slice_of_ct_it_lies_in_the_lung() -> None:
    image = ct()

    made = synthesize_nodule(image, diameter=12, seed=4)

    assert (image.voxels[made.mask] < -600).mean() > 0.98
    assert made.image.voxels[made.mask].mean() > -600


def test_in_a_volume_it_is_round_in_all_directions() -> None:
    image = ct(slices=9)

    made = synthesize_nodule(image, (58, 96, 4), 12, seed=4)

    areas = made.mask.sum(axis=(0, 1))
    assert areas[4] == areas.max()
    assert np.flatnonzero(areas).tolist() == [2, 3, 4, 5, 6]
    assert areas[2] == areas[6] < areas[3]
    np.testing.assert_array_equal(made.image.voxels[~made.mask], image.voxels[~made.mask])
    assert made.box[2] == (2, 5)


def test_a_slice_with_lungs_is_found_in_a_volume() -> None:
    image = ct(slices=6)
    voxels = image.voxels.copy()
    voxels[..., :4] = np.where(voxels[..., :4] > -900, 40, voxels[..., :4])

    made = synthesize_nodule(replace(image, voxels=voxels), diameter=6, seed=1)

    assert made.report["nodule"]["place"][2] >= 4


def no_lungs() -> Image:
    return Image(np.full((256, 256), 100, np.uint8), None, "cxr")


@pytest.mark.parametrize(
    ("image", "arguments", "said"),
    [
        (no_lungs(), {}, "No lung was found"),
        (Image(film(), None, "mr"), {}, "neither a chest film nor a CT"),
        (Image(np.zeros((40, 40, 40), np.int16), np.eye(4)), {}, "neither a chest film nor a CT"),
        (Image(film()), {"diameter": 400}, "no room for a nodule of 400 pixels"),
        (Image(film()), {"diameter": -1}, "positive"),
        (Image(film()), {"place": (5, 5)}, "reaches outside the image"),
        (Image(film()), {"place": (600, 5)}, "lies outside the image"),
        (Image(film()), {"place": (5, 5, 5)}, "give one for each"),
        (Image(film()), {"place": np.ones((5, 5), bool)}, "must be the same"),
        (Image(film()), {"place": np.zeros(FILM, bool)}, "does not fit into the mask"),
        (Image(film()), {"place": "liver"}, "There is no region"),
        (Image(film()), {"density": 2.0}, "between 0"),
        (Image(film()), {"density": "hard"}, "There is no density"),
        (Image(film()), {"shape": "round"}, "There is no shape"),
        (Image(film()), {"shape": np.zeros((5, 5), bool)}, "shape is empty"),
        (Image(film()), {"bundle": "nodule_shape"}, "no texture"),
        (Image(film()), {"shape_bundle": "nodule_texture_ct"}, "draws no outlines"),
        (ct(), {"place": "ribs"}, "one of films"),
        (ct(), {"diameter": 150}, "no room for a nodule of 150 mm in the lungs"),
        (Image(np.full((64, 64, 6), 40, np.int16), np.eye(4), "ct"), {}, "no room for a nodule of 20 mm in the lungs"),
        (Image(np.full((64, 64, 6), 40000, np.uint16), np.eye(4), "ct"), {}, "Hounsfield"),
        (ct(), {"place": np.ones((5, 5), bool)}, "must be the same"),
    ],
)
def test_bad_input_is_one_sentence(image: Image, arguments: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        synthesize_nodule(image, **{"diameter": 20, **arguments})


@pytest.mark.parametrize("noise", [0.0, 60.0])
def test_a_nodule_in_ct_has_the_noise_of_the_image(noise: float) -> None:
    image = ct()
    rough = np.random.default_rng(1).normal(0, noise, image.voxels.shape)
    image = replace(image, voxels=np.where(image.voxels < -700, -850 + rough, image.voxels).astype(np.int16))

    made = synthesize_nodule(image, (58, 96), 24, seed=4)

    values = made.image.voxels.astype(float)
    inner = binary_erosion(made.mask, iterations=5)  # where the network of the tests draws nearly one value
    fine = np.diff(values, axis=0, append=0)[inner]
    assert fine.std() == pytest.approx(noise * 2**0.5, rel=0.2, abs=12)


def test_a_vessel_leaves_no_edge_of_its_own_in_a_nodule() -> None:
    image = np.random.default_rng(0).normal(-850, 20, (64, 64)).astype(np.float32)
    region = np.zeros(image.shape, bool)
    region[20:44, 20:44] = True
    plain = grain(image, region)
    image[:, 30:33] = 40

    crossed = grain(image, region)

    assert not plain[~region].any()
    assert not crossed[~region].any()
    assert plain[region].std() == pytest.approx(17, rel=0.2)  # of the 20 HU, what a Gaussian of a pixel takes away
    assert np.abs(crossed).max() < 1.5 * np.abs(plain).max()
    assert np.abs(crossed[20:44, 28:35]).max() < 100  # where the vessel's edges are, of 890 HU


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_engines_draw_alike_in_ct(engine: str) -> None:
    plain, made = (synthesize_nodule(ct(), (58, 96), 20, seed=2, engine=one) for one in ("onnxruntime", engine))

    np.testing.assert_array_equal(made.mask, plain.mask)
    np.testing.assert_allclose(made.image.voxels.astype(int), plain.image.voxels.astype(int), atol=1)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_engines_draw_alike(chest: Image, engine: str, nodule_home: Path) -> None:
    plain = synthesize_nodule(chest, (230, 150), 20, seed=2, engine="onnxruntime")
    made = synthesize_nodule(chest, (230, 150), 20, seed=2, engine=engine)

    np.testing.assert_array_equal(made.mask, plain.mask)
    np.testing.assert_allclose(made.image.voxels.astype(int), plain.image.voxels.astype(int), atol=2)
