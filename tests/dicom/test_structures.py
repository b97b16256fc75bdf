"""Structure sets: what they refer to, and that other programs find the very regions in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import run
from dicom_samples import errors_in, filler, film, hole_in, results_of, series, source_of
from metal_dicom import METHODS, hip_series, rois_in, segments_in
from metal_scans import hip_scan

from monai_inpaint import read_image
from monai_inpaint.dicom.results import Results, write_results
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import find_metal

pytest.importorskip("highdicom")
pytest.importorskip("shapely")

HOLE, METAL, AFFECTED = "Computed, not measured", "Metal", "Affected by metal"


def square(hip: Image) -> Image:
    """With as many rows as columns: rt-utils mixes them up."""
    missing = hip.voxels.shape[0] - hip.voxels.shape[1]
    voxels = np.pad(hip.voxels, ((0, 0), (0, missing), (0, 0)), constant_values=-1000)
    return Image(voxels, hip.affine, hip.modality)


@pytest.fixture(scope="module")
def reduced(tmp_path_factory) -> tuple[Path, Path]:
    """A series with an implant on an extended scale, and the results of filling around it."""
    from monai_inpaint.cli import main

    folder = tmp_path_factory.mktemp("metal")
    source = hip_series(folder / "hip", square(hip_scan(limit=None)))
    command = ["metal", source, folder / "out", "--method", "inpaint", "--metal-hu", "titanium", "--dicom-results"]
    assert main([*map(str, command), "--progress", "none"]) == 0
    return source, folder / "out"


@pytest.fixture(scope="module")
def marked(reduced) -> dict[str, np.ndarray]:
    """What was marked, bool by name."""
    source, out = reduced
    found = find_metal(read_image(source))
    hole = segments_in(out / "hole.dcm", read_image(source))[HOLE]
    return {HOLE: hole, METAL: found.metal, AFFECTED: found.affected}


@pytest.fixture(scope="module", params=["ct", "mr", "oblique", "legacy", "enhanced"])
def filled(request, tmp_path_factory) -> tuple[Path, Results]:
    """A source of each kind that has a place in space, and its results."""
    folder = tmp_path_factory.mktemp(request.param)
    source = source_of(request.param, folder)
    return source, results_of(source, folder / "results")


def test_a_structure_set_is_drawn_on_the_derived_images_in_their_frame_of_reference(filled) -> None:
    source, results = filled
    assert results.structures is not None
    structures = pydicom.dcmread(results.structures)
    derived = {str(head.SOPInstanceUID): head for head in map(pydicom.dcmread, sorted(results.derived.iterdir()))}
    first = next(iter(derived.values()))
    (frame,) = structures.ReferencedFrameOfReferenceSequence
    (listed,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert frame.FrameOfReferenceUID == structures.FrameOfReferenceUID == first.FrameOfReferenceUID
    assert listed.SeriesInstanceUID == first.SeriesInstanceUID
    assert {item.ReferencedSOPInstanceUID for item in listed.ContourImageSequence} == set(derived)
    assert structures.StructureSetROISequence[0].ReferencedFrameOfReferenceUID == first.FrameOfReferenceUID
    for contour in structures.ROIContourSequence[0].ContourSequence:
        (item,) = contour.ContourImageSequence
        image = derived[str(item.ReferencedSOPInstanceUID)]
        place = image
        if "PerFrameFunctionalGroupsSequence" in image:
            place = image.PerFrameFunctionalGroupsSequence[item.ReferencedFrameNumber - 1].PlanePositionSequence[0]
        read = read_image(results.derived)
        normal = read.affine[:3, 2] / np.linalg.norm(read.affine[:3, 2]) * [-1, -1, 1]
        away = np.reshape(contour.ContourData, (-1, 3)).astype(float) - np.array(place.ImagePositionPatient, float)
        assert np.abs(away @ normal).max() < 1e-3
    assert read_image(source).header.of_slice(0).SOPInstanceUID not in derived


def test_our_reader_finds_the_hole_in_it_voxel_for_voxel(filled) -> None:
    source, results = filled

    (region,) = rois_in(results.structures, read_image(results.derived)).values()

    assert np.array_equal(region, hole_in(read_image(source)))


def test_the_areas_of_its_contours_add_up_to_the_volume_of_the_hole(filled) -> None:
    source, results = filled
    image = read_image(source)
    between, volume = float(np.linalg.norm(image.affine[:3, 2])), 0.0

    for contour in pydicom.dcmread(results.structures).ROIContourSequence[0].ContourSequence:
        corners = np.reshape(contour.ContourData, (-1, 3)).astype(float)
        corners -= corners[0]
        volume += np.linalg.norm(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)) / 2 * between

    assert volume == pytest.approx(np.count_nonzero(hole_in(image)) * np.prod(image.spacing), rel=0.01)


def test_metal_what_it_affects_and_what_was_filled_are_regions_of_both_objects(reduced, marked) -> None:
    source, out = reduced

    segments = segments_in(out / "hole.dcm", read_image(source))
    rois = rois_in(out / "structures.dcm", read_image(out / "derived"))

    assert list(segments) == list(rois) == list(marked)
    for name, region in marked.items():
        assert region.any()
        assert np.array_equal(segments[name], region)
        assert np.array_equal(rois[name], region)
    assert marked[HOLE][marked[METAL]].all()  # which got a value


def test_dciodvfy_finds_no_error_in_regions_of_metal(reduced) -> None:
    _, out = reduced

    assert {name: errors_in(out / name) for name in ("hole.dcm", "structures.dcm")} == {
        "hole.dcm": set(), "structures.dcm": set()}  # fmt: skip


def test_rt_utils_finds_the_same_regions(reduced, marked) -> None:
    rt_utils = pytest.importorskip("rt_utils")
    _, out = reduced

    structures = rt_utils.RTStructBuilder.create_from(str(out / "derived"), str(out / "structures.dcm"))

    assert structures.get_roi_names() == list(marked)
    for name, region in marked.items():
        assert np.array_equal(structures.get_roi_mask_by_name(name), region.transpose(1, 0, 2))


def test_plastimatch_finds_the_same_volumes(reduced, marked, tmp_path: Path) -> None:
    _, out = reduced
    if (plastimatch := shutil.which("plastimatch", path=Path(sys.executable).parent)) is None:
        pytest.skip("plastimatch is not installed")
    command = [plastimatch, "convert", "--input", out / "structures.dcm"]
    command += ["--referenced-ct", out / "derived", "--output-prefix", tmp_path, "--prefix-format", "nii.gz"]

    subprocess.run(command, check=True, capture_output=True)

    for name, region in marked.items():
        (path,) = tmp_path.glob(f"*{name}.nii.gz")
        found = read_image(path)
        volume = np.count_nonzero(found.voxels) * np.prod(found.spacing)
        assert volume == pytest.approx(np.count_nonzero(region) * 12.0, rel=0.01)  # mm3


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_correction_of_whole_slices_is_no_region_to_draw(method: str, tmp_path: Path, capfd) -> None:
    source = hip_series(tmp_path / "hip", hip_scan())

    assert run(capfd, "metal", source, tmp_path / "out", "--method", method, "--dicom-results").code == 0

    assert list(rois_in(tmp_path / "out" / "structures.dcm", read_image(tmp_path / "out" / "derived"))) == [
        METAL, AFFECTED]  # fmt: skip
    assert list(segments_in(tmp_path / "out" / "hole.dcm", read_image(source))) == [HOLE, METAL, AFFECTED]


def test_one_slice_with_a_place_has_contours(tmp_path: Path) -> None:
    source = series(tmp_path / "source", slices=1)
    results = results_of(source, tmp_path / "results")

    (region,) = rois_in(results.structures, read_image(results.derived)).values()

    assert np.array_equal(region, hole_in(read_image(source)))


def test_a_contour_may_be_longer_than_an_element_with_explicit_vr_holds(tmp_path: Path) -> None:
    source = series(tmp_path / "source", slices=2)
    image = read_image(source)
    comb = np.zeros(image.voxels.shape, bool)
    comb[4:120, 4:120:4, 0] = comb[4, 4:120, 0] = comb[6:120:2, 5:120:4, 0] = True  # jagged teeth
    fill = filler("ct")(image, comb)

    results = write_results(image, fill.image, fill.hole, fill.report, tmp_path / "results")

    (contours,) = pydicom.dcmread(results.structures).ROIContourSequence
    assert max(len("\\".join(map(str, item.ContourData))) for item in contours.ContourSequence) > 2**16
    (region,) = rois_in(results.structures, read_image(results.derived)).values()
    assert np.array_equal(region, comb)


def test_films_and_images_without_a_frame_of_reference_have_no_structures(tmp_path: Path) -> None:
    lost = series(tmp_path / "lost", FrameOfReferenceUID="")

    for source in (film(tmp_path / "film.dcm"), lost):
        results = results_of(source, tmp_path / f"{source.stem} results")
        assert results.structures is None
        assert not (results.folder / "structures.dcm").exists()
