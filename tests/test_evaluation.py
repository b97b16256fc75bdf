"""Classical fills, protocols, data lists, and the whole of an evaluation on small synthetic images."""

from __future__ import annotations

import csv
import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from monai_inpaint.evaluation import evaluate, methods, run
from monai_inpaint.evaluation.case import Case, intensity_window
from monai_inpaint.evaluation.classical import METHODS, fill_biharmonic, fill_ring_mean
from monai_inpaint.evaluation.datalist import in_order, read_data_list
from monai_inpaint.evaluation.measure import measure
from monai_inpaint.evaluation.protocols import PROTOCOLS, find_protocol
from monai_inpaint.evaluation.slices import body_of, resized
from monai_inpaint.evaluation.summary import Result, Summary
from monai_inpaint.reports import comparison_page, difference_png, grey_png

CLASSICAL = list(METHODS)


def smooth(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Smooth random values from 0 to 255."""
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4)
    return 255 * (values - values.min()) / (values.max() - values.min())


def square_hole(shape: tuple[int, int], top: int, left: int, side: int) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[top : top + side, left : left + side] = True
    return hole


def phantom_ct(shape: tuple[int, int] = (300, 280)) -> np.ndarray:
    """A body of water with some texture in air, Hounsfield units."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    inside = ((rows - shape[0] / 2) / (0.45 * shape[0])) ** 2 + ((columns - shape[1] / 2) / (0.45 * shape[1])) ** 2 < 1
    return np.where(inside, smooth(shape) - 100, -1000).astype(np.float32)


@pytest.fixture
def films(tmp_path) -> Path:
    """A data list of six 8-bit films, two of one patient, and one list entry that is no image."""
    from PIL import Image as Picture

    folder = tmp_path / "data"
    (folder / "films").mkdir(parents=True)
    lines = ["path,patient,split,modality,source"]
    for index in range(6):
        pixels = np.rint(smooth((150, 140), index)).astype(np.uint8)
        Picture.fromarray(pixels).save(folder / "films" / f"{index}.png")
        split = "val" if index < 4 else "train"
        lines.append(f"films/{index}.png,P{max(index, 1)},{split},{'DX' if index % 2 else 'CR'},here")
    (folder / "notes.txt").write_text("no image")
    lines += ["notes.txt,P9,val,CR,here", "films/none.png,P9,val,CT,there"]
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder / "list.csv"


# Classical fills


@pytest.mark.parametrize("name", CLASSICAL)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), top=st.integers(0, 30), left=st.integers(0, 30), side=st.integers(1, 18))
def test_classical_fills_leave_known_pixels_untouched_and_ignore_hidden_ones(name, seed, top, left, side):
    image = (smooth((48, 50), seed) * 8 - 1000).astype(np.float32)
    hole = square_hole(image.shape, top, left, side)
    hidden = np.where(hole, np.nan, image).astype(np.float32)
    filled = METHODS[name](hidden, hole)
    assert filled.dtype == np.float32
    assert filled.shape == image.shape
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled, METHODS[name](np.where(hole, 1e6, image).astype(np.float32), hole))
    np.testing.assert_array_equal(image[~hole], hidden[~hole])


@pytest.mark.parametrize("name", CLASSICAL)
def test_scaling_and_shifting_the_image_scales_and_shifts_its_classical_fill(name):
    image, hole = smooth((48, 50)).astype(np.float32), square_hole((48, 50), 10, 12, 20)
    moved = METHODS[name](8 * image - 1000, hole)
    np.testing.assert_allclose(moved, 8 * METHODS[name](image, hole) - 1000, atol=0.5)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_flat_image_is_filled_flat(name):
    hole = square_hole((40, 40), 10, 10, 15)
    np.testing.assert_allclose(METHODS[name](np.full((40, 40), -37.5, np.float32), hole), -37.5, atol=1e-3)


def test_ring_mean_is_the_mean_of_the_four_pixels_around():
    image = np.arange(400, dtype=np.float32).reshape(20, 20) ** 1.5
    hole = square_hole((20, 20), 8, 6, 3)
    wide = square_hole((20, 20), 4, 2, 11)
    assert fill_ring_mean(image, hole)[9, 7] == pytest.approx(image[wide & ~hole].mean(), rel=1e-6)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (40, 30), (76, 84), (0, 84), (50, 0)])
def test_biharmonic_on_a_crop_is_that_of_the_whole_image(top, left):
    from skimage.restoration import inpaint_biharmonic

    image = smooth((100, 108)).astype(np.float32)
    hole = square_hole(image.shape, top, left, 24)
    expected = inpaint_biharmonic(np.where(hole, 0, image).astype(np.float64), hole)
    np.testing.assert_allclose(fill_biharmonic(image, hole), expected, atol=1e-2)


def test_biharmonic_is_limited_by_the_range_of_the_whole_image_not_of_its_crop():
    from skimage.restoration import inpaint_biharmonic

    rows, columns = np.ogrid[:80, :80]
    image = ((rows - 40.0) ** 2 + (columns - 40.0) ** 2).astype(np.float32)
    image[0, 0] = -10000
    hole = square_hole(image.shape, 30, 30, 20)
    expected = inpaint_biharmonic(image.astype(np.float64), hole)
    assert expected[40, 40] < image[26:54, 26:54][~hole[26:54, 26:54]].min()
    np.testing.assert_allclose(fill_biharmonic(image, hole), expected, atol=0.1)


# Cases and protocols


def test_the_window_follows_modality_and_depth():
    truth = np.arange(1000, dtype=np.float32).reshape(20, 50)
    hole = np.zeros(truth.shape, bool)
    hole[-1] = True
    assert intensity_window(truth, hole, "cxr", True) == (0, 255)
    assert intensity_window(truth, hole, "ct", False) == (-1000, 1000)
    assert intensity_window(truth, hole, "ct", True) == (-1000, 1000)
    expected = tuple(np.percentile(truth[:-1], (0.5, 99.5)))
    assert intensity_window(truth, hole, "mr", True) == pytest.approx(expected)
    assert intensity_window(truth, hole, "cxr", False) == pytest.approx(expected)


def test_a_case_hides_the_truth_and_maps_its_window_to_255():
    truth = np.array([[-2000, -1000], [0, 1000]], np.float32)
    case = Case("a", "p", truth, np.array([[0, 0], [0, 1]], bool), -1000, 1000, "ct", "v")
    np.testing.assert_allclose(case.grey(truth), [[0, 0], [127.5, 255]])
    assert case.voided[1, 1] == -1000
    np.testing.assert_array_equal(case.voided[~case.hole], truth[~case.hole])


def test_measures_are_taken_on_the_clipped_window():
    truth = np.full((40, 40), 500, np.float32)
    hole = square_hole(truth.shape, 10, 10, 20)
    case = Case("a", "p", truth, hole, -1000, 1000, "ct", "v")
    figures = measure(case, np.where(hole, 3000, truth).astype(np.float32))
    assert figures["mae"] == pytest.approx(63.75)
    assert figures["mae_units"] == pytest.approx(500)
    assert figures["psnr"] == pytest.approx(20 * np.log10(4))


@pytest.mark.parametrize("spoil", ["known", "nan", "shape"])
def test_a_fill_that_breaks_the_contract_is_not_measured(spoil):
    truth, hole = smooth((40, 40)).astype(np.float32), square_hole((40, 40), 10, 10, 20)
    case = Case("a", "p", truth, hole, 0, 255, "mr", "v")
    filled = truth.copy()
    filled[0, 0] += spoil == "known"
    filled[20, 20] = np.nan if spoil == "nan" else 0
    with pytest.raises(ValueError, match="fill"):
        measure(case, filled[1:] if spoil == "shape" else filled)


def cases_of(protocol: str, image: Image, modality: str, *, seed: int = 0, lesion: np.ndarray | None = None):
    return find_protocol(protocol).cases(image, lesion, modality=modality, name="a.nii", patient="", seed=seed)[0]


@pytest.fixture
def image_for():
    film = Image(np.rint(smooth((600, 560))).astype(np.uint8))
    slice_ct = Image(phantom_ct())
    return {"cxr-centre": (film, "cxr"), "cxr-patch": (film, "cxr")} | {
        name: (slice_ct, "ct") for name in ("slice-square", "free-form", "lesion")
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_seeded_protocol_repeats_itself(protocol, image_for):
    image, modality = image_for[protocol]
    first, second = (cases_of(protocol, image, modality, seed=7) for _ in range(2))
    assert [case.name for case in first] == [case.name for case in second]
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.truth, other.truth)
        np.testing.assert_array_equal(one.hole, other.hole)


@pytest.mark.parametrize("protocol", ["cxr-patch", "slice-square", "free-form", "lesion"])
def test_another_seed_gives_another_case(protocol, image_for):
    image, modality = image_for[protocol]
    one, other = (cases_of(protocol, image, modality, seed=seed)[0] for seed in (0, 1))
    assert not (np.array_equal(one.hole, other.hole) and np.array_equal(one.truth, other.truth))


def test_cxr_centre_hides_the_centre_with_and_without_its_ring(image_for):
    hidden, ring = cases_of("cxr-centre", *image_for["cxr-centre"])
    assert hidden.truth.shape == ring.truth.shape == (128, 128)
    np.testing.assert_array_equal(hidden.hole, square_hole((128, 128), 32, 32, 64))
    np.testing.assert_array_equal(ring.hole, square_hole((128, 128), 36, 36, 56))
    assert (hidden.low, hidden.high) == (0, 255)


def test_cxr_patches_are_pieces_of_the_film_at_full_resolution(image_for):
    film, modality = image_for["cxr-patch"]
    for case in cases_of("cxr-patch", film, modality):
        places = np.lib.stride_tricks.sliding_window_view(film.voxels, (128, 128))
        corner = np.argwhere(places[..., 0, 0] == case.truth[0, 0])
        assert any(np.array_equal(places[row, column], case.truth) for row, column in corner)


def test_slice_square_lies_in_the_body_of_a_slice_of_at_most_256_pixels():
    (case,) = cases_of("slice-square", Image(phantom_ct()), "ct")
    assert case.truth.shape == (256, 239)
    assert case.hole.sum() == 64 * 64
    assert (case.truth[case.hole] > -500).mean() > 0.97


def test_slices_are_never_enlarged_and_small_ones_are_refused_with_a_reason():
    (case,) = cases_of("slice-square", Image(phantom_ct((150, 140))), "ct")
    assert case.truth.shape == (150, 140)
    cases, reasons = find_protocol("slice-square").cases(
        Image(phantom_ct((150, 100))), None, modality="ct", name="a", patient="", seed=0
    )
    assert cases == []
    assert reasons == ["150x100 pixels, and the protocol needs at least 128 a side."]


@pytest.mark.parametrize("seed", range(8))
def test_free_form_holes_cover_one_to_twenty_five_percent(seed):
    (case,) = cases_of("free-form", Image(phantom_ct()), "ct", seed=seed)
    assert 0.01 <= case.hole.mean() <= 0.25


def test_a_lesion_on_one_side_is_mirrored_to_the_other():
    lesion = square_hole((200, 200), 80, 50, 20)
    (case,) = cases_of("lesion", Image(phantom_ct((200, 200))), "ct", lesion=lesion)
    assert case.name.endswith("@mirrored")
    np.testing.assert_array_equal(case.hole, lesion[:, ::-1])


@pytest.mark.parametrize("side", [20, 110])
def test_a_lesion_in_the_middle_is_moved_and_made_smaller_where_it_must(side):
    lesion = square_hole((200, 200), 100 - side // 2, 100 - side // 2, side)
    (case,) = cases_of("lesion", Image(phantom_ct((200, 200))), "ct", lesion=lesion)
    assert case.name.endswith("@moved")
    assert not (case.hole & lesion).any()
    assert body_of(phantom_ct((200, 200)), "ct")[case.hole].all()
    assert 20 <= case.hole.sum() <= lesion.sum()


def test_slices_of_a_volume_hold_body_and_are_shown_from_the_front():
    volume = np.full((140, 150, 9), -1000, np.float32)
    volume[..., 3:7] = phantom_ct((140, 150))[..., None]
    volume[10:20, 60:90, 3:7] = 1000  # towards the first of axis 0
    affine = np.diag([-0.7, -0.8, 2.0, 1.0])  # axis 0 runs to the left, axis 1 to the back
    cases = cases_of("free-form", Image(volume, affine), "ct")
    assert [re.fullmatch(r"a\.nii#[3-6]", case.name) is not None for case in cases] == [True] * 3
    for case in cases:
        assert case.truth.shape == (150, 140)
        assert case.spacing == pytest.approx((0.8, 0.7))
        assert (case.truth[60:90, 10:20] == 1000).all()


def test_a_mask_is_no_anatomy():
    with pytest.raises(InputError, match="grey values"):
        cases_of("free-form", Image(square_hole((200, 200), 10, 10, 50).astype(np.uint8)), "ct")


@pytest.mark.parametrize("protocol", ["slice-square", "free-form", "lesion"])
def test_an_8_bit_picture_of_ct_holds_no_hounsfield_units(protocol):
    grey = np.clip(phantom_ct() / 8 + 128, 0, 255).astype(np.uint8)
    with pytest.raises(InputError, match="Hounsfield"):
        cases_of(protocol, Image(grey), "ct")
    assert cases_of(protocol, Image(grey), "mr")
    scaled = cases_of(protocol, Image(grey, slope=8.0, intercept=-1024.0), "ct")  # units stored in 8 bits
    assert [(case.low, case.high) for case in scaled] == [(-1000, 1000)] * len(scaled) != []


def test_unknown_voxels_in_the_truth_are_a_reason_not_to_measure():
    pixels = phantom_ct()
    pixels[3, 3] = np.nan
    cases, reasons = find_protocol("free-form").cases(Image(pixels), None, modality="ct", name="a", patient="", seed=0)
    assert cases == []
    assert "NaN" in reasons[0]


def test_reducing_averages_over_areas():
    pixels = np.arange(64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_allclose(resized(pixels, (4, 2)), pixels.reshape(4, 2, 2, 4).mean((1, 3)))


# Data lists


def test_a_data_list_is_filtered_and_its_paths_start_at_its_folder(films):
    entries = read_data_list(films, split="val", modality="CR")
    assert [entry.name for entry in entries] == [
        "films/0.png",
        "films/1.png",
        "films/2.png",
        "films/3.png",
        "notes.txt",
    ]
    assert entries[0].path == films.parent / "films" / "0.png"
    assert entries[0].kind == "cxr"


def test_masks_of_other_rows_are_no_images(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("path,mask,modality\na.nii,a_mask.nii,CT\na_mask.nii,,CT\n")
    (entry,) = read_data_list(path)
    assert entry.lesion == tmp_path / "a_mask.nii"


def test_images_are_taken_in_a_seeded_order_until_enough_are_usable(films):
    entries = read_data_list(films)
    order = in_order(entries, 3, 5)
    assert order == in_order(entries, 3, 5)
    assert sorted(order, key=entries.index) == entries
    assert in_order(entries, None, 5) == entries


def test_an_image_that_cannot_be_used_does_not_count_against_the_limit(films, tmp_path):
    rows = films.read_text().splitlines()
    films.write_text(
        "\n".join([rows[0], *(f"missing{n}.png," + ",".join(rows[1].split(",")[1:]) for n in range(20)), *rows[1:]])
    )
    summary = evaluate(films, "cxr-centre", ["ring"], tmp_path / "out", limit=2)
    assert len({result.case for result in summary.results}) == 2


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (None, {}, "CSV"),
        ("", {}, "'path'"),
        ("image,patient\na.png,1\n", {}, "'path'"),
        ("path,patient\n", {}, "no images"),
        ("path,patient\n,1\n", {}, "has no path"),
        ("path,patient\na.png\n", {}, "line 2"),
        ("path,patient\na.png,1,2\n", {}, "line 2"),
        ("path,patient\na.png,1\n", {"split": "val"}, "no column 'split'"),
        ("path,split\na.png,train\n", {"split": "val"}, "the list then holds train"),
        (b"\xff\xfe\x00path", {}, "CSV"),
    ],
    ids=[
        "missing",
        "empty",
        "no path column",
        "no rows",
        "empty path",
        "short",
        "long",
        "no split",
        "no match",
        "binary",
    ],
)
def test_a_bad_data_list_is_the_users_fault_in_one_sentence(tmp_path, text, options, words):
    path = tmp_path / "list.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        read_data_list(path, **options)
    assert "list.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


# The whole


def test_an_evaluation_writes_tables_and_a_page_with_pictures(films, tmp_path):
    steps = []
    summary = evaluate(
        films, "cxr-centre", CLASSICAL, tmp_path / "out", split="val", progress=lambda *step: steps.append(step)
    )
    out = tmp_path / "out"
    written = sorted(path.name for path in out.iterdir())
    assert written == ["cases.csv", "index.html", "skipped.csv", "summary.csv", "summary.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]
    assert steps[0] == (0, 5)
    assert steps[-1] == (5, 5)

    rows = list(csv.DictReader(io.StringIO((out / "cases.csv").read_text())))
    assert len(rows) == 4 * 2 * len(CLASSICAL)
    assert {row["method"] for row in rows} == set(CLASSICAL)
    mean = np.mean([float(r["psnr"]) for r in rows if r["method"] == "telea" and r["variant"] == "all hidden"])
    assert summary.average("telea", "psnr", "all hidden").mean == pytest.approx(mean)

    text = (out / "summary.md").read_text()
    for words in (
        "cxr-centre",
        "seed 0",
        "split val",
        "8 of 3 patients",
        "0-255",
        "telea",
        "hardware",
        "date",
        "numpy",
    ):
        assert words in text
    assert "Not measured (1)" in text
    assert str(tmp_path) not in text
    assert [name for name, _ in summary.skipped] == ["notes.txt"]

    page = (out / "index.html").read_text()
    assert "Research use only" in page
    assert "best of telea" in page
    assert "worst of ring" in page
    assert page.count("data:image/png;base64,") >= 2 * (2 + 2 * len(CLASSICAL))
    assert 'src="http' not in page


def test_the_same_evaluation_gives_the_same_figures(films, tmp_path):
    first, second = (
        evaluate(films, "free-form", ["ring"], tmp_path / name, modality="CR", limit=3, seed=2) for name in ("a", "b")
    )
    assert [r.figures for r in first.results] == [r.figures for r in second.results]


def test_the_figures_of_an_image_do_not_depend_on_the_rest_of_the_list(films, tmp_path):
    every = evaluate(films, "free-form", ["ring"], tmp_path / "a", modality="CR")
    some = evaluate(films, "free-form", ["ring"], tmp_path / "b", modality="CR", split="train")
    psnr = {result.case: result.figures["psnr"] for result in every.results}
    assert all(psnr[result.case] == result.figures["psnr"] for result in some.results)


def test_a_method_that_fails_on_a_case_is_reported_and_the_rest_goes_on(films, tmp_path, monkeypatch):
    def moody(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if image.shape == (128, 128) and hole.sum() < 4000:
            raise RuntimeError("no mood for rings")
        return fill_ring_mean(image, hole)

    monkeypatch.setitem(methods.METHODS, "moody", moody)
    summary = evaluate(films, "cxr-centre", ["ring", "moody"], tmp_path / "out", source="here", split="train")
    assert len(summary.failed) == 2
    assert len(summary.of("moody")) == 2
    assert len(summary.of("ring")) == 4
    assert "RuntimeError: no mood for rings" in (tmp_path / "out" / "cases.csv").read_text()
    assert "Failed (2)" in (tmp_path / "out" / "summary.md").read_text()


def test_a_bundle_is_given_the_voided_slice_its_hole_and_spacing(monkeypatch):
    seen = {}

    class FakeFiller:
        def __init__(self, bundle, engine):
            seen["made"] = (bundle, engine)

        def __call__(self, image, hole, *, spacing):
            seen["called"] = (image, hole, spacing)
            return SimpleNamespace(image=np.where(hole, 7, image))

    monkeypatch.setitem(sys.modules, "monai_inpaint.fill.filler", SimpleNamespace(Filler=FakeFiller))
    info = SimpleNamespace(name="cxr_inpainting", version="0.1.0", modality="cxr")
    monkeypatch.setattr("monai_inpaint.registry.find_bundle", lambda _: info)
    truth, hole = smooth((40, 40)).astype(np.float32), square_hole((40, 40), 10, 10, 20)
    case = Case("a", "p", truth, hole, 0, 255, "mr", "v", (0.5, 0.6))
    (contender,) = methods.find_methods(["cxr"], "openvino")
    filled = contender.fill(case)
    assert seen["made"] == ("cxr", "openvino")
    assert (contender.version, contender.modality, contender.classical) == ("cxr_inpainting 0.1.0", "cxr", False)
    np.testing.assert_array_equal(seen["called"][0], case.voided)
    assert seen["called"][2] == (0.5, 0.6)
    assert filled.dtype == np.float32
    assert (filled[hole] == 7).all()


@pytest.fixture
def small_bundles(monkeypatch):
    """Bundles "cxr", "ct" and "mr" that fill with the mean of the image they see."""

    class FakeFiller:
        def __init__(self, bundle, engine):
            del bundle, engine

        def __call__(self, image, hole, *, spacing):
            del spacing
            return SimpleNamespace(image=np.where(hole, image[~hole].mean(), image))

    def find(name):
        return SimpleNamespace(name=f"{name}_inpainting", version="0", modality=name)

    monkeypatch.setitem(sys.modules, "monai_inpaint.fill.filler", SimpleNamespace(Filler=FakeFiller))
    monkeypatch.setattr("monai_inpaint.registry.find_bundle", find)


@pytest.fixture
def mixed(tmp_path) -> Path:
    """A film, an MR slice, a CT slice in Hounsfield units and one as an 8-bit picture."""
    from monai_inpaint import write_image

    folder = tmp_path / "data"
    folder.mkdir()
    grey = np.rint(smooth((200, 200))).astype(np.uint8)
    for name in ("film.png", "head.png", "grey.png"):
        write_image(Image(grey), folder / name)
    write_image(Image(phantom_ct((200, 200)).astype(np.int16)), folder / "body.mha")
    (folder / "list.csv").write_text("path,modality\nfilm.png,CR\nhead.png,MR\ngrey.png,CT\nbody.mha,CT\n")
    return folder / "list.csv"


@pytest.mark.usefixtures("small_bundles")
def test_images_that_a_bundle_is_not_for_are_left_out_for_all_methods_with_the_reason(mixed, tmp_path):
    summary = evaluate(mixed, "free-form", ["ring", "ct"], tmp_path / "out")
    assert [(r.case, r.method, r.error) for r in summary.results] == [("body.mha", "ring", ""), ("body.mha", "ct", "")]
    reasons = dict(row for row in csv.reader((tmp_path / "out" / "skipped.csv").read_text().splitlines()[1:]))
    assert reasons == {
        "film.png": "it is cxr, the bundle among the methods is for ct.",
        "head.png": "it is mr, the bundle among the methods is for ct.",
        "grey.png": "an 8-bit picture of CT holds no Hounsfield units.",
    }


def test_without_bundles_every_modality_is_measured_but_8_bit_ct(mixed, tmp_path):
    summary = evaluate(mixed, "free-form", ["ring"], tmp_path / "out")
    assert {result.case for result in summary.results} == {"film.png", "head.png", "body.mha"}
    assert [name for name, _ in summary.skipped] == ["grey.png"]


@pytest.mark.usefixtures("small_bundles")
@pytest.mark.parametrize(
    ("protocol", "names", "words"),
    [
        ("cxr-centre", ["ring", "ct"], "protocol cxr-centre is for cxr, and the bundle ct is for ct"),
        ("free-form", ["ct", "mr"], "ct (ct) and mr (mr)"),
    ],
)
def test_bundles_that_cannot_be_compared_are_refused_before_the_work(mixed, tmp_path, protocol, names, words):
    with pytest.raises(InputError, match=re.escape(words)):
        evaluate(mixed, protocol, names, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_whose_own_modality_is_not_the_protocols_is_left_out(films, tmp_path, monkeypatch):
    rows = films.read_text().splitlines()
    films.write_text("\n".join(["path", *(row.partition(",")[0] for row in rows[1:4])]))
    as_read = run.read_image

    def read(path):
        return replace(as_read(path), modality="ct" if path.name == "0.png" else "cxr")

    monkeypatch.setattr(run, "read_image", read)
    summary = evaluate(films, "cxr-centre", ["ring"], tmp_path / "out")
    assert summary.skipped == [("films/0.png", "it is ct, protocol cxr-centre is for cxr.")]


def test_a_smaller_limit_takes_some_of_the_same_cases(films, tmp_path):
    few, more = (
        {r.case: r.figures for r in evaluate(films, "free-form", ["ring"], tmp_path / str(n), limit=n).results}
        for n in (2, 4)
    )
    assert (len(few), len(more)) == (2, 4)
    assert few.items() <= more.items()


def test_a_limit_reads_no_more_images_than_it_needs(films, tmp_path, monkeypatch):
    read = []
    as_read = run.read_image
    monkeypatch.setattr(run, "read_image", lambda path: read.append(path) or as_read(path))
    summary = evaluate(films, "cxr-centre", ["ring"], tmp_path / "out", limit=2, split="train")
    assert len(set(read)) == 2 == len({result.case for result in summary.results})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "circle"}, "cxr-centre"),
        ({"methods": []}, "telea"),
        ({"methods": ["ring", "ring"]}, "twice"),
        ({"limit": 0}, "limit"),
        ({"source": "there", "protocol": "slice-square"}, "none.png"),
        ({"source": "there"}, "is for cxr"),
        ({"features": "none.safetensors"}, "none.safetensors"),
        ({"output": "data"}, "exists"),
        ({"output": "missing/out"}, "does not exist"),
    ],
)
def test_bad_arguments_are_the_users_fault_and_leave_nothing_behind(films, tmp_path, options, words):
    if "features" in options:
        pytest.importorskip("torch")
    given = {"protocol": "cxr-centre", "methods": ["ring"], "output": "out"} | options
    given["output"] = tmp_path / given["output"]
    with pytest.raises(InputError, match=words) as caught:
        evaluate(films, given.pop("protocol"), given.pop("methods"), given.pop("output"), **given)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_gain_compares_images_that_both_methods_filled():
    def result(case: str, method: str, psnr: float | None) -> Result:
        figures = {} if psnr is None else {"psnr": psnr}
        return Result(case, case, "mr", "v", 0, 1, 9, method, 0.1, figures, "" if figures else "failed")

    results = [result("a", "ring", 10), result("b", "ring", 20), result("a", "net", 13), result("b", "net", None)]
    summary = Summary({}, results, ["ring", "net"], ["ring"], [], Path())
    assert summary.best_classical() == "ring"
    assert summary.gain("net", "ring").mean == 3
    assert summary.gain("net", "ring").count == 1
    assert summary.average("ring", "psnr").deviation == 5


# Pictures and pages


def opened(png: bytes) -> np.ndarray:
    from PIL import Image as Picture

    return np.asarray(Picture.open(io.BytesIO(png)))


def test_grey_pictures_show_the_window_from_black_to_white():
    pixels = np.array([[-2000.0, -1000.0, 0.0, 1000.0, np.nan]])
    np.testing.assert_array_equal(opened(grey_png(pixels, -1000, 1000)), [[0, 0, 128, 255, 0]])


def test_the_outline_colours_known_pixels_only():
    hole = square_hole((12, 14), 4, 5, 4)
    plain, outlined = (
        opened(grey_png(np.full(hole.shape, 100.0), 0, 255, outline=o)) for o in (np.zeros_like(hole), hole)
    )
    coloured = (outlined != 100).any(axis=-1)
    assert plain.shape == outlined.shape == (12, 14, 3)
    np.testing.assert_array_equal(coloured, square_hole((12, 14), 3, 4, 6) & ~hole)


def test_differences_are_blue_below_white_at_and_red_above_zero():
    low, zero, high = opened(difference_png(np.array([[-50.0, 0.0, 50.0]]), 10))[0].astype(int)
    assert low[2] > low[0]
    assert zero.min() > 240
    assert high[0] > high[2]


def test_a_page_escapes_what_it_is_given():
    page = comparison_page("<b>&", [], facts={"<i>": "<script>"}, intro="a < b")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;&amp;" in page
