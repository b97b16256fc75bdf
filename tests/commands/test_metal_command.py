"""Reducing what metal did to an image: what changes and what does not, in Python and on the command line."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from cli_samples import interrupted_while_writing, json_lines, nifti, run, tree
from metal_dicom import METHODS, hip_series
from metal_scans import SHAPE, dice, head_mr, hip_scan, pelvis, scan

from monai_inpaint import read_image
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import find_metal
from monai_inpaint.metal.methods import choose
from monai_inpaint.metal.reduce import reduce_metal


@pytest.fixture(scope="module")
def hip() -> Image:
    return hip_scan()


@pytest.fixture(scope="module")
def found(hip: Image):
    return find_metal(hip)


@pytest.fixture
def hip_file(tmp_path: Path, hip: Image) -> Path:
    return nifti(tmp_path / "hip.nii.gz", hip.voxels, hip.affine)


@pytest.mark.parametrize("method", METHODS)
def test_kept_metal_comes_back_bit_for_bit_and_slices_without_it_too(method: str, hip: Image, found) -> None:
    reduced = reduce_metal(hip, method, found=found)

    assert np.array_equal(reduced.image.voxels[found.metal], hip.voxels[found.metal])
    assert dice(reduced.image.voxels >= 2500, hip.voxels >= 2500) >= 0.98
    assert np.array_equal(reduced.image.voxels[..., [0, 5]], hip.voxels[..., [0, 5]])
    assert (reduced.image.voxels != hip.voxels)[found.affected].any()
    assert reduced.image.voxels.dtype == hip.voxels.dtype
    assert np.array_equal(reduced.image.affine, hip.affine)
    assert reduced.report["changed"]["untouched_slices"] == 2


@pytest.mark.parametrize("method", METHODS)
def test_filled_metal_is_tissue(method: str, hip: Image, found) -> None:
    reduced = reduce_metal(hip, method, "fill", found=found)

    assert reduced.image.voxels.max() < 2000
    assert reduced.report["metal"] == "fill"


@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_outside_the_region(method: str, hip: Image, found) -> None:
    region = np.zeros(SHAPE, np.uint8)
    region[60:90, 40:, 2:] = 1

    reduced = reduce_metal(hip, method, "fill", region=region, found=found)

    changed = reduced.image.voxels != hip.voxels
    assert changed.any()
    assert not changed[region == 0].any()


@pytest.mark.parametrize("method", METHODS)
def test_a_slice_without_metal_does_not_change(method: str) -> None:
    clean = scan([pelvis(seed=k) for k in range(3)])

    reduced = reduce_metal(clean, method)

    assert reduced.image is clean
    assert not reduced.metal.any()
    assert reduced.report["changed"]["voxels"] == 0
    assert reduced.report["found"]["pieces"] == []


def test_inpaint_keeps_the_hole_contract(hip: Image, found) -> None:
    reduced = reduce_metal(hip, "inpaint", found=found)

    outside = ~(found.metal | found.affected)
    assert reduced.report["changed"]["elsewhere"]["voxels"] == 0
    assert np.array_equal(reduced.image.voxels[outside], hip.voxels[outside])
    untouched = reduced.report["untouched"]
    assert untouched["before"] == untouched["after"]
    assert reduced.report["bundle"]["name"] == "ct_inpainting"


def test_a_report_says_how_much_moved_where_and_how_much_of_the_streaks_is_left(hip: Image, found) -> None:
    reduced = reduce_metal(hip, found=found)

    facts = json.loads(json.dumps(reduced.report))
    moved = facts["changed"]
    assert moved["voxels"] == np.count_nonzero(reduced.image.voxels != hip.voxels)
    assert moved["voxels"] == moved["affected_region"]["voxels"] + moved["elsewhere"]["voxels"]
    assert moved["affected_region"]["mean_abs"] > moved["elsewhere"]["mean_abs"]
    streaks = facts["streaks"]
    assert streaks["affected_after"]["deviation_hu"] < streaks["affected_before"]["deviation_hu"]
    assert facts["verdict"].startswith("The artifacts are reduced") is (choose("ct", None, None)[0] == "network")
    assert facts["found"]["saturated"] is True
    assert "Research use only" in facts["notice"]


def test_a_cavity_inside_metal_that_is_kept_stays_as_it_is(hip: Image, found) -> None:
    hollow = replace(found, metal=found.metal.copy())
    hollow.metal[76, 52] = False

    reduced = reduce_metal(hip, "inpaint", found=hollow)

    assert np.array_equal(reduced.image.voxels[76, 52], hip.voxels[76, 52])


@pytest.mark.parametrize("method", METHODS)
def test_metal_gets_its_value_and_the_correction_around_it_stays_the_same(method: str, found) -> None:
    extended = hip_scan(limit=None)
    metal = find_metal(extended).metal

    plain, assigned = (reduce_metal(extended, method, metal_hu=given) for given in (None, "steel"))

    assert set(assigned.image.units()[metal]) == {13127.0}
    assert np.array_equal(assigned.image.voxels[~metal], plain.image.voxels[~metal])
    assert plain.image.voxels[metal].max() > 3071  # an extended scale is kept
    assert assigned.report["metal_hu"] == {"hu": 13127.0, "material": "steel"}
    assert assigned.report["changed"] == plain.report["changed"]
    assert assigned.hole[metal].all()
    assert "metal_hu" not in plain.report


def test_a_value_is_rounded_as_the_image_stores_it_and_assigned_in_the_region_only(hip: Image, found) -> None:
    coarse = replace(hip, voxels=(hip.voxels // 10).astype(np.int16), slope=10.0)
    region = np.zeros(SHAPE, np.uint8)
    region[:76] = 1

    reduced = reduce_metal(coarse, "inpaint", metal_hu=7144, region=region, found=found)

    assert set(reduced.image.units()[:76][found.metal[:76]]) == {7140.0}
    assert np.array_equal(reduced.image.voxels[76:], coarse.voxels[76:])
    assert reduced.report["metal_hu"] == {"hu": 7140.0, "material": None}


def test_the_voids_of_an_mr_are_filled_and_what_is_only_offered_is_not() -> None:
    head = head_mr()

    reduced = reduce_metal(head)

    void, air = reduced.image.voxels[62, 61], reduced.image.voxels[48, 22]
    assert (void > 60).all()
    assert np.array_equal(air, head.voxels[48, 22])
    assert "streaks" not in reduced.report


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magic"}, "no method 'magic'"),
        ({"metal": "melt"}, "keep or fill"),
        ({"region": np.zeros((2, 2))}, "The region has shape"),
        ({"region": np.zeros(SHAPE)}, "marks no voxel"),
        ({"metal_hu": "wood"}, "'wood', must be a number in HU or titanium, steel, cobalt-chromium"),
        ({"metal_hu": "nan"}, "must be a number"),
        ({"metal_hu": 40000}, "stores values from -32768 to 32767 HU, so its metal cannot get 40000 HU"),
        ({"metal_hu": "steel", "metal": "fill"}, "replaced with tissue gets no value"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict, words: str, hip: Image, found) -> None:
    with pytest.raises(InputError, match=words):
        reduce_metal(hip, found=found, **options)


def test_an_mr_has_no_projections_and_no_threshold() -> None:
    with pytest.raises(InputError, match="projections of a CT"):
        reduce_metal(head_mr(), "nmar")
    with pytest.raises(InputError, match="Hounsfield units, and an MR has none"):
        reduce_metal(head_mr(), threshold=2000)
    with pytest.raises(InputError, match="value of the metal is in Hounsfield units, and an MR has none"):
        reduce_metal(head_mr(), metal_hu=7000)


@pytest.mark.parametrize(
    ("method", "bundle", "chosen"),
    [
        (None, None, ("network", "ct_metal")),
        (None, "ct", ("network", "ct_metal")),
        (None, "ct_metal", ("network", "ct_metal")),
        (None, "ct_inpainting", ("inpaint", "ct_inpainting")),
        ("inpaint", "ct", ("inpaint", "ct_inpainting")),
        ("inpaint", "mr_inpainting", ("inpaint", "mr_inpainting")),
        ("nmar", "ct", ("nmar", None)),
    ],
)
@pytest.mark.skipif(find_spec("astra") is None, reason="needs astra-toolbox")
def test_a_bundle_tells_the_method_and_a_method_its_bundle(
    method: str | None, bundle: str | None, chosen: tuple[str, str | None]
) -> None:
    name, info = choose("ct", method, bundle)

    assert (name, info and info.name) == chosen


@pytest.mark.parametrize(
    ("method", "bundle", "words"),
    [
        ("inpaint", "ct_metal", "ct_metal is for network, not for inpaint"),
        (None, "artifact_segmentation", "does not reduce metal artifacts"),
        (None, "cxr", "cxr does not fill CT images; use --bundle ct"),
        (None, "magic", "no such bundle"),
    ],
)
def test_a_bundle_for_something_else_is_refused(method: str | None, bundle: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        choose("ct", method, bundle)


def test_a_film_has_no_metal_to_reduce() -> None:
    with pytest.raises(InputError, match="found in CT and MR"):
        reduce_metal(Image(np.zeros((8, 8), np.uint8), modality="cxr"))


# --- the command


@pytest.mark.parametrize(
    ("bundle", "used"), [("ct", "ct_metal"), ("ct_metal", "ct_metal"), ("ct_inpainting", "ct_inpainting")]
)
@pytest.mark.skipif(find_spec("astra") is None, reason="needs astra-toolbox")
def test_every_bundle_for_ct_takes_metal_out(bundle: str, used: str, hip_file: Path, tmp_path: Path, capfd) -> None:
    report = tmp_path / "report.json"

    ran = run(capfd, "metal", hip_file, tmp_path / "out.nii.gz", "--bundle", bundle, "--report", report)

    assert (ran.code, ran.lines) == (0, [])
    assert json.loads(report.read_text())["bundle"]["name"] == used


def test_metal_writes_the_image_and_its_report(hip_file: Path, hip: Image, found, tmp_path: Path, capfd) -> None:
    output, report = tmp_path / "reduced.nii.gz", tmp_path / "report.json"

    ran = run(capfd, "metal", hip_file, output, "--method", "inpaint", "--report", report)

    assert (ran.code, ran.lines) == (0, [])
    assert "Research use only" in ran.out
    written = read_image(output)
    assert np.array_equal(written.voxels[found.metal], hip.voxels[found.metal])
    assert written.voxels.dtype == np.int16
    facts = json.loads(report.read_text())
    assert facts["files"] == {"image": "hip.nii.gz", "output": "reduced.nii.gz"}
    assert {"read", "find", "reduce", "write", "total"} <= set(facts["seconds"])
    assert str(tmp_path) not in report.read_text()


def test_find_only_writes_labels_on_the_grid_of_the_image(
    hip_file: Path, hip: Image, found, tmp_path: Path, capfd
) -> None:
    output = tmp_path / "labels.nii.gz"

    assert run(capfd, "metal", hip_file, output, "--find-only").code == 0

    labels = read_image(output)
    assert np.allclose(labels.affine, hip.affine)
    assert np.array_equal(labels.voxels == 1, found.metal)
    assert np.array_equal(labels.voxels == 2, found.affected)


def test_metal_writes_what_it_found_and_what_it_computed_beside_the_image(
    hip_file: Path, hip: Image, found, tmp_path: Path, capfd
) -> None:
    labels, computed = tmp_path / "labels.nii.gz", tmp_path / "computed.nii.gz"
    words = ["--method", "inpaint", "--labels", labels, "--computed", computed]

    assert run(capfd, "metal", hip_file, tmp_path / "reduced.nii.gz", *words).code == 0

    assert np.array_equal(read_image(labels).voxels == 1, found.metal)
    marked, after = read_image(computed).voxels > 0, read_image(tmp_path / "reduced.nii.gz").voxels
    assert marked.any()
    assert not (marked & ~(found.affected | found.metal)).any()
    assert np.array_equal(after[~marked], hip.voxels[~marked])


def test_find_only_computes_nothing_to_write(hip_file: Path, tmp_path: Path, capfd) -> None:
    words = [hip_file, tmp_path / "labels.nii.gz", "--find-only", "--computed", tmp_path / "computed.nii.gz"]

    ran = run(capfd, "metal", *words)

    assert ran.code == 2
    assert "leave out --computed and --labels" in ran.lines[0]


def test_find_only_offers_voids_of_an_mr_under_another_label(tmp_path: Path, capfd) -> None:
    head = head_mr()
    source = nifti(tmp_path / "head.nii.gz", head.voxels, head.affine)

    assert run(capfd, "metal", source, tmp_path / "labels.nii.gz", "--find-only", "--bundle", "mr").code == 0

    labels = read_image(tmp_path / "labels.nii.gz").voxels
    assert (labels[62, 61] == 1).all()
    assert (labels[48, 22] == 3).all()


@pytest.mark.parametrize(
    ("given", "hu", "words"), [("titanium", 7140, "metal at 7140 HU, titanium"), ("-250.4", -250, "metal at -250 HU")]
)
def test_a_dicom_series_says_which_value_its_metal_got(
    given: str, hu: int, words: str, hip: Image, tmp_path: Path, capfd
) -> None:
    series, report = hip_series(tmp_path / "series", hip), tmp_path / "report.json"
    command = ["metal", series, tmp_path / "reduced", "--method", "inpaint", "--metal-hu", given, "--report", report]

    assert run(capfd, *command).code == 0

    reduced = read_image(tmp_path / "reduced")
    assert set(reduced.units()[find_metal(read_image(series)).metal]) == {hu}
    assert f"Metal artifacts reduced (inpaint, {words})" in reduced.header.datasets[0].DerivationDescription
    assert json.loads(report.read_text())["metal_hu"]["hu"] == hu


@pytest.mark.parametrize(
    ("elements", "given", "words"),
    [
        ({"BitsStored": 12, "HighBit": 11}, "titanium", "from -1024 to 3071 HU, so its metal cannot get 7140 HU"),
        ({"PixelPaddingValue": 8164}, "titanium", "marks what was not measured by 7140 HU (titanium)"),
        ({}, "copper", "'copper', must be a number in HU or titanium"),
    ],
)
def test_a_value_that_a_series_cannot_store_is_one_sentence_and_leaves_nothing(
    elements: dict, given: str, words: str, hip: Image, tmp_path: Path, capfd
) -> None:
    series = hip_series(tmp_path / "series", hip, **elements)
    before = tree(tmp_path)

    ran = run(capfd, "metal", series, tmp_path / "reduced", "--metal-hu", given)

    assert (ran.code, ran.out, len(ran.lines)) == (2, "", 1), ran.lines
    assert words in ran.lines[0]
    assert tree(tmp_path) == before


def test_a_dicom_series_gives_a_derived_dicom_series(hip: Image, tmp_path: Path, capfd) -> None:
    series = hip_series(tmp_path / "series", hip)

    assert run(capfd, "metal", series, tmp_path / "reduced", "--method", "inpaint").code == 0

    source, reduced = read_image(series), read_image(tmp_path / "reduced")
    metal = find_metal(source).metal
    assert metal.any()
    assert np.array_equal(reduced.voxels[metal], source.voxels[metal])
    assert (reduced.voxels != source.voxels).any()
    assert {str(dataset.SyntheticData) for dataset in reduced.header.datasets} == {"YES"}
    assert "Metal artifacts reduced" in reduced.header.datasets[0].DerivationDescription


def test_where_no_metal_is_found_nothing_is_written(tmp_path: Path, capfd) -> None:
    clean = scan([pelvis(seed=k) for k in range(3)])
    source = nifti(tmp_path / "clean.nii.gz", clean.voxels, clean.affine)
    before = tree(tmp_path)

    for options in ([], ["--find-only"]):
        ran = run(capfd, "metal", source, tmp_path / "out.nii.gz", *options)
        assert (ran.code, len(ran.lines)) == (2, 1)
        assert "No metal was found" in ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--region", "nowhere.nii.gz"], "nowhere.nii.gz"),
        (["--method", "magic"], "no method 'magic'"),
        (["--threshold", "bright"], "--threshold"),
        (["--report", "report.txt"], "report.txt"),
        (["--metal", "melt"], "--metal"),
        (["--metal-hu", "steel", "--metal", "fill"], "gets no value"),
        (["--metal-hu", "steel", "--find-only"], "leave out --find-only or --metal-hu"),
        (["--bundle", "magic"], "magic"),
    ],
)
def test_bad_options_are_one_sentence_and_leave_nothing(
    options: list[str], words: str, hip_file: Path, tmp_path: Path, capfd
) -> None:
    before = tree(tmp_path)

    ran = run(capfd, "metal", hip_file, tmp_path / "out.nii.gz", *options)

    assert (ran.code, ran.out, len(ran.lines)) == (2, "", 1), ran.lines
    assert words in ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize("output", ["labels.dcm", "labels", "labels.jpg"])
def test_labels_go_into_no_dicom_file(output: str, hip_file: Path, tmp_path: Path, capfd) -> None:
    ran = run(capfd, "metal", hip_file, tmp_path / output, "--find-only")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "a label map is written there" in ran.lines[0]


def test_an_image_that_does_not_tell_what_it_is_asks_for_a_bundle(tmp_path: Path, capfd) -> None:
    head = head_mr()
    source = nifti(tmp_path / "head.nii.gz", head.voxels, head.affine)

    ran = run(capfd, "metal", source, tmp_path / "out.nii.gz")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "--bundle ct or mr" in ran.lines[0]


def test_a_source_is_never_overwritten(hip_file: Path, capfd) -> None:
    before = hip_file.read_bytes()

    assert run(capfd, "metal", hip_file, hip_file, "--overwrite").code == 2
    assert hip_file.read_bytes() == before


def test_progress_tells_the_stages(hip_file: Path, tmp_path: Path, capfd) -> None:
    ran = run(capfd, "metal", hip_file, tmp_path / "out.nii.gz", "--method", "inpaint", "--progress", "json")

    steps = json_lines(ran.lines)
    assert list(dict.fromkeys(line["stage"] for line in steps)) == ["read", "find", "reduce", "write"]


def test_an_interrupt_leaves_nothing(hip_file: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    args = ["metal", hip_file, tmp_path / "labels.nii.gz", "--find-only", "--report", tmp_path / "report.json"]
    assert interrupted_while_writing("nifti", args, signal.SIGINT) == (130, "monai-inpaint: interrupted\n")
    assert tree(tmp_path) == before


def test_a_nifti_keeps_its_header(hip_file: Path, tmp_path: Path, capfd) -> None:
    assert run(capfd, "metal", hip_file, tmp_path / "out.nii.gz", "--method", "inpaint").code == 0

    source, result = nib.load(hip_file), nib.load(tmp_path / "out.nii.gz")
    assert result.header.get_data_dtype() == source.header.get_data_dtype()
    assert np.array_equal(result.affine, source.affine)
