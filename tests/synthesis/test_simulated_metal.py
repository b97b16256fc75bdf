"""Simulated metal against physics, and the command that writes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_samples import json_lines, nifti, run
from io_samples import dicom_series
from metal_dicom import segments_in
from metal_samples import MM, SIDE, centres, disc, pelvis, rod

from monai_inpaint import InputError, read_image
from monai_inpaint.ct.attenuation import attenuation
from monai_inpaint.ct.projector import fan_beam, project, reconstruct
from monai_inpaint.ct.scanner import Scanner, counted, relative_to_water, spectrum, transmitted, water_thickness
from monai_inpaint.imaging.image import Image
from monai_inpaint.synthesis.metal.implants import KINDS, Implant, draw_implant
from monai_inpaint.synthesis.metal.scan import clean_slice, with_metal
from monai_inpaint.synthesis.metal.simulate import simulate_metal

pytest.importorskip("astra")
pytest.importorskip("xraydb")
SPACING, QUIET = (MM, MM), Scanner(photons=1e12, scatter=0.0)


def volume(slices: int = 5) -> Image:
    """The pelvis in slices 3 mm apart, stored as int16."""
    hu = np.repeat(np.rint(pelvis()).astype(np.int16)[..., None], slices, axis=2)
    return Image(hu, np.diag([-MM, -MM, 3.0, 1.0]), "ct")


def scanned(paths: dict[str, np.ndarray], scanner: Scanner) -> np.ndarray:
    """HU of what is measured behind some materials."""
    beam = fan_beam((SIDE, SIDE), SPACING)
    rows = {name: project(image, SPACING, beam) for name, image in paths.items()}
    thickness = water_thickness(transmitted(rows, scanner.kvp), scanner)
    return 1000.0 * reconstruct(thickness, beam, (SIDE, SIDE), SPACING) - 1000.0


# --- tables


@pytest.mark.parametrize(("kev", "known"), [(40, 0.2683), (60, 0.2059), (80, 0.1837), (100, 0.1707)])
def test_water_attenuates_as_nist_says(kev: float, known: float) -> None:
    assert 10 * attenuation("water", [kev])[0] == pytest.approx(known, rel=0.005)


@pytest.mark.parametrize(
    ("material", "known"), [("bone", 0.3148 * 1.92), ("iron", 1.205 * 7.874), ("titanium", 0.741 * 4.43)]
)
def test_bone_and_metal_attenuate_as_nist_says(material: str, known: float) -> None:
    assert 10 * attenuation(material, [60.0])[0] == pytest.approx(known, rel=0.02)


def test_half_of_the_beam_is_left_behind_its_half_value_layer() -> None:
    energies, signal = spectrum(120)
    # NIST: energy absorbed by air (cm2/g) and attenuation by aluminium (1/mm), for the unit of exposure
    known = [20, 30, 40, 50, 60, 80, 100, 150]
    air = [0.539, 0.1537, 0.0683, 0.0410, 0.0304, 0.0241, 0.0233, 0.0250]
    aluminium = [0.929, 0.3046, 0.1535, 0.0994, 0.0750, 0.0545, 0.0460, 0.0372]
    absorbed, attenuated = (np.exp(np.interp(np.log(energies), np.log(known), np.log(row))) for row in (air, aluminium))
    exposure = signal * absorbed

    assert (exposure * np.exp(-8.1 * attenuated)).sum() / exposure.sum() == pytest.approx(0.5, abs=0.01)


def test_an_unknown_material_or_voltage_is_refused() -> None:
    with pytest.raises(InputError, match="titanium"):
        attenuation("wood", [60.0])
    with pytest.raises(InputError, match="120"):
        spectrum(110)


# --- physics


def test_a_beam_hardens_behind_water() -> None:
    paths = np.array([0.0, 10.0, 100.0, 300.0])
    depth = -np.log(transmitted({"water": paths}, 120))

    per_mm = depth[1:] / paths[1:]

    assert (np.diff(per_mm) < 0).all()
    assert 0.017 < per_mm[-1] < per_mm[0] < 0.025
    assert np.allclose(water_thickness(np.exp(-depth), Scanner()), paths, atol=0.05)


def test_water_is_cupped_without_its_correction_and_flat_with_it() -> None:
    water = {"water": disc(100)}
    y, x = centres()
    middle, edge = np.hypot(y, x) < 15, (np.hypot(y, x) > 75) & (np.hypot(y, x) < 85)

    cupped, flat = scanned(water, Scanner(water_corrected=False)), scanned(water, Scanner())

    assert cupped[edge].mean() - cupped[middle].mean() > 10
    assert abs(flat[edge].mean() - flat[middle].mean()) < 3
    assert abs(flat[middle].mean()) < 5


def test_bone_in_water_has_its_own_value() -> None:
    bone = disc(10)

    hu = scanned({"water": disc(100) - bone, "bone": bone}, Scanner())

    y, x = centres()
    known = 1000.0 * (relative_to_water("bone", 120) - 1)
    assert hu[np.hypot(y, x) < 5].mean() == pytest.approx(known, rel=0.05)
    assert 1200 < known < 1700


def test_noise_is_that_of_the_photons_counted() -> None:
    signal = np.full(20000, 0.01)

    noisy = counted(signal, 1e5, np.random.default_rng(0))

    assert noisy.mean() == pytest.approx(0.01, rel=0.01)
    assert noisy.std() == pytest.approx(np.sqrt(0.01 / 1e5), rel=0.03)


def test_between_two_implants_it_is_dark() -> None:
    slice_ = 1000.0 * disc(120) - 1000.0
    placed = [(rod(10.0, 0.0, right)[0], "iron") for right in (-50.0, 50.0)]

    artifact = with_metal(clean_slice(slice_, SPACING), placed, QUIET, np.random.default_rng(0))

    y, x = centres()
    between = (np.abs(y) < 6) & (np.abs(x) < 25)
    aside = (np.abs(x) < 6) & (np.abs(y) > 40) & (np.abs(y) < 60)
    assert artifact[between].mean() < -100
    assert artifact[between].mean() < artifact[aside].mean() - 100


def test_metal_as_dense_as_water_leaves_no_streaks() -> None:
    slice_ = (1000.0 * disc(120) - 1000.0).astype(np.float32)

    artifact = with_metal(
        clean_slice(slice_, SPACING), [(rod(10.0, 0.0, 30.0)[0], "water")], QUIET, np.random.default_rng(0)
    )

    assert np.abs(artifact - slice_).max() < 40  # at the rod's edges, which are finer than the slice
    assert np.abs(artifact - slice_).mean() < 1


def test_fewer_photons_make_more_noise() -> None:
    clean = clean_slice(pelvis(), SPACING)
    cover, metal = rod(10.0, 10.0, -85.0)

    few, many, none = (
        with_metal(clean, [(cover, "titanium")], Scanner(photons=photons), np.random.default_rng(0))
        for photons in (1e4, 1e5, 1e12)
    )

    assert np.std((few - none)[~metal]) > 2 * np.std((many - none)[~metal])


# --- implants and pairs


@pytest.mark.parametrize("kind", KINDS)
def test_implants_are_drawn_by_their_seed(kind: str) -> None:
    first, again, other = (draw_implant(kind, np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert first == again != other
    low, high = first.ends()
    assert 1 < (high - low).max() < 220


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_differs_in_artifacts_only(kind: str) -> None:
    image = Image(volume().voxels[..., 2], np.diag([-MM, -MM, 1.0, 1.0]), "ct")

    pair = simulate_metal(image, kind, seed=3)

    metal = pair.metal.voxels > 0
    assert metal.any()
    assert np.array_equal(pair.truth.voxels[~metal], image.voxels[~metal])
    assert (pair.truth.voxels[metal] > image.voxels[metal]).all()
    assert pair.truth.voxels.max() <= 3071
    assert (pair.artifact.voxels[~metal] != image.voxels[~metal]).any()
    assert pair.artifact.voxels.dtype == np.int16
    assert pair.facts["implant"]["kind"] == kind
    json.dumps(pair.facts)


def test_several_implants_lie_in_one_slice_and_do_not_overlap() -> None:
    source = Image(np.rint(pelvis()).astype(np.int16), np.diag([-MM, -MM, 3.0, 1.0]), "ct")

    pair = simulate_metal(source, ["screw", "filling", "clip"], seed=4)

    metal, placed = pair.metal.voxels > 0, pair.facts["implant"]
    down, right = np.arange(SIDE)[:, None] * MM, np.arange(SIDE) * MM
    masks = [Implant(one["kind"], one["material"], one["rods_mm"]).holds(down, right, 0.0) for one in placed]
    assert [one["kind"] for one in placed] == ["screw", "filling", "clip"]
    assert sum(masks).max() == 1
    assert all(mask.any() and (mask & metal).sum() >= 0.95 * mask.sum() for mask in masks)
    assert (pair.truth.voxels[sum(masks) == 1] > 2000).all()
    assert np.array_equal(pair.truth.voxels[~metal], source.voxels[~metal])


def test_the_same_seed_gives_the_same_voxels_and_another_one_others() -> None:
    image = Image(volume().voxels[..., 2], np.diag([-MM, -MM, 1.0, 1.0]), "ct")

    first, again, other = (simulate_metal(image, "screw", seed=seed) for seed in (5, 5, 6))

    assert np.array_equal(first.artifact.voxels, again.artifact.voxels)
    assert not np.array_equal(first.artifact.voxels, other.artifact.voxels)


def test_slices_that_hold_no_metal_stay_as_they_are() -> None:
    image = volume(9)

    pair = simulate_metal(image, "clip", seed=1)

    held = pair.metal.voxels.any(axis=(0, 1))
    assert held.any()
    assert not held.all()
    assert list(np.flatnonzero(held)) == pair.facts["slices"]["numbers"]
    assert np.array_equal(pair.artifact.voxels[..., ~held], image.voxels[..., ~held])


def test_a_rod_runs_through_several_slices() -> None:
    assert len(simulate_metal(volume(6), "hip", seed=2).facts["slices"]["numbers"]) == 6


def test_without_a_patient_there_is_no_room() -> None:
    with pytest.raises(InputError, match="no room"):
        simulate_metal(Image(np.full((64, 64), -1000, np.int16), np.eye(4), "ct"), "hip")


# --- the command


def test_the_command_writes_the_pair_and_what_was_done(tmp_path: Path, capfd) -> None:
    source = nifti(tmp_path / "ct.nii.gz", volume(2).voxels, volume(2).affine)

    ran = run(
        capfd, "simulate-metal", source, tmp_path / "out", "--implant", "screw", "--seed", 4, "--progress", "json"
    )

    assert ran.code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"artifact.nii.gz", "truth.nii.gz", "metal.nii.gz", "simulation.json"}
    artifact, metal = (read_image(tmp_path / "out" / f"{name}.nii.gz") for name in ("artifact", "metal"))
    assert artifact.affine is not None
    assert np.allclose(artifact.affine, volume().affine)
    assert artifact.voxels.dtype == np.int16
    assert set(np.unique(metal.voxels)) == {0, 1}
    facts = json.loads((tmp_path / "out" / "simulation.json").read_text())
    assert (facts["seed"], facts["implant"]["kind"], facts["source"]) == (4, "screw", "ct.nii.gz")
    assert {line["stage"] for line in json_lines(ran.lines)} == {"read", "simulate", "write"}


def ct_series(folder: Path, slices: int = 3, **elements) -> Path:
    """The pelvis as a DICOM series of unsigned values."""
    stored = (volume(slices).voxels + 1024).astype(np.uint16).transpose(2, 1, 0)
    scale = {"PixelSpacing": [MM, MM], "RescaleSlope": 1, "RescaleIntercept": -1024}
    return dicom_series(folder, np.ascontiguousarray(stored), spacing=3.0, **scale, **elements)


def test_of_a_dicom_series_two_derived_series_and_a_segmentation_are_written(tmp_path: Path, capfd) -> None:
    pytest.importorskip("highdicom")
    source = ct_series(tmp_path / "ct")

    ran = run(capfd, "simulate-metal", source, tmp_path / "out", "--implant", "screw", "--seed", 4)

    assert (ran.code, ran.lines) == (0, [])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"artifact", "truth", "metal.dcm", "simulation.json"}
    clean, artifact, truth = (read_image(path) for path in (source, tmp_path / "out/artifact", tmp_path / "out/truth"))
    again = simulate_metal(clean, "screw", 4)
    assert np.array_equal(artifact.voxels, again.artifact.voxels)
    assert np.array_equal(truth.voxels, again.truth.voxels)
    assert truth.units().max() == 3071
    assert np.allclose(artifact.affine, clean.affine)
    series = [image.header.datasets for image in (clean, artifact, truth)]
    assert len({dataset.SeriesInstanceUID for datasets in series for dataset in datasets}) == 3
    assert len({dataset.SOPInstanceUID for datasets in series for dataset in datasets}) == 9
    assert [datasets[0].SeriesNumber for datasets in series] == [4, 1004, 2004]
    assert [datasets[0].SeriesDescription for datasets in series[1:]] == [
        "Simulated metal, artifact: Thorax", "Simulated metal, truth: Thorax"]  # fmt: skip
    assert len({dataset.FrameOfReferenceUID for datasets in series for dataset in datasets}) == 1
    for datasets in series[1:]:
        for dataset, original in zip(datasets, series[0], strict=True):
            assert (dataset.SyntheticData, dataset.ImageType[0]) == ("YES", "DERIVED")
            assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == original.SOPInstanceUID
    metal = segments_in(tmp_path / "out/metal.dcm", artifact)["Metal"]
    assert np.array_equal(metal, again.metal.voxels > 0)


def test_of_one_dicom_file_two_files_and_a_segmentation_are_written(tmp_path: Path, capfd) -> None:
    pytest.importorskip("highdicom")
    (source,) = ct_series(tmp_path / "ct", slices=1).iterdir()

    assert run(capfd, "simulate-metal", source, tmp_path / "out", "--implant", "clip").code == 0

    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "artifact.dcm", "truth.dcm", "metal.dcm", "simulation.json"}  # fmt: skip
    artifact = read_image(tmp_path / "out/artifact.dcm")
    assert artifact.voxels.shape == read_image(source).voxels.shape
    assert segments_in(tmp_path / "out/metal.dcm", artifact)["Metal"].any()


@pytest.mark.parametrize(
    ("elements", "words"), [({"SOPInstanceUID": "none"}, "SOPInstanceUID"), ({"SeriesInstanceUID": "none"}, "UID")]
)
def test_a_series_to_which_nothing_could_refer_is_one_sentence_and_leaves_nothing(
    elements: dict, words: str, tmp_path: Path, capfd
) -> None:
    source = ct_series(tmp_path / "ct", slices=1, **elements)

    ran = run(capfd, "simulate-metal", source, tmp_path / "out")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert words in ran.lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


def test_the_folder_of_the_results_does_not_lie_in_the_source(tmp_path: Path, capfd) -> None:
    source = ct_series(tmp_path / "ct")

    ran = run(capfd, "simulate-metal", source, source / "out")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "lies inside the input" in ran.lines[0]


@pytest.mark.parametrize("what", ["grey", "raw", "taken"])
def test_bad_input_gets_one_sentence_and_leaves_nothing(tmp_path: Path, capfd, what: str) -> None:
    voxels = {"grey": np.full((64, 64, 2), 90, np.uint8), "raw": np.full((64, 64, 2), 900, np.uint16)}
    source = nifti(tmp_path / "ct.nii.gz", voxels.get(what, volume(2).voxels))
    if what == "taken":
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "kept.txt").write_text("kept")

    ran = run(capfd, "simulate-metal", source, tmp_path / "out")

    assert ran.code == 2
    assert len(ran.lines) == 1
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == (["ct.nii.gz", "kept.txt", "out"] if what == "taken" else ["ct.nii.gz"])
