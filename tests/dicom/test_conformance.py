"""What other programs say of the results: no error that the source did not have, equal places, equal voxels."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_samples import KINDS, errors_in, hole_in, program, results_of, source_of

from monai_inpaint import read_image
from monai_inpaint.dicom.results import Results
from monai_inpaint.imaging.image import Image

pytest.importorskip("highdicom")

import highdicom as hd  # noqa: E402


@pytest.fixture(scope="module", params=KINDS)
def filled(request, tmp_path_factory) -> tuple[str, Path, Results]:
    """A source of each kind, and its results."""
    folder = tmp_path_factory.mktemp(request.param)
    source = source_of(request.param, folder)
    return request.param, source, results_of(source, folder / "results", samples=2)


def files_of(source: Path) -> list[Path]:
    return sorted(source.iterdir()) if source.is_dir() else [source]


def test_dciodvfy_finds_no_error_that_the_source_did_not_have(filled) -> None:
    _, source, results = filled
    had = set().union(*map(errors_in, files_of(source)))
    found = {path.name: errors_in(path) - had for path in results.files}
    assert {name: errors for name, errors in found.items() if errors} == {}


def test_dcmtk_renders_the_derived_images_the_hole_and_the_overview(filled, tmp_path: Path) -> None:
    _, _, results = filled
    for n, path in enumerate([*results.derived.iterdir(), results.hole, results.overview]):
        picture = tmp_path / f"{n}.ppm"
        subprocess.run([program("dcm2pnm"), "--quiet", str(path), str(picture)], check=True)
        assert picture.stat().st_size > 1000


def test_highdicom_reads_the_derived_volume_where_the_source_lies_and_equal_outside_the_hole(filled) -> None:
    kind, source, results = filled
    if kind in ("cr", "dx"):
        assert outside_is_equal(source, results)  # a film has no place in space
        return
    before, after = (volume(files_of(path)) for path in (source, results.derived))
    image = read_image(source)
    assert np.array_equal(before.affine, after.affine)
    assert before.frame_of_reference_uid == after.frame_of_reference_uid
    inside = placed(image, hole_in(image).astype(np.uint8)).match_geometry(before, tol=1e-3).array > 0
    assert np.array_equal(before.array[~inside], after.array[~inside])
    assert (before.array[inside] != after.array[inside]).any()


def test_highdicom_reads_hole_difference_and_spread_where_the_image_has_them(filled) -> None:
    kind, source, results = filled
    image = read_image(source)
    hole = hole_in(image)
    change = read_image(results.derived).units() - image.units()
    if kind in ("cr", "dx"):
        assert np.array_equal(hd.imread(results.hole).get_frames()[0] > 0, hole)
        assert np.array_equal(hd.imread(results.difference).get_frames()[0], change)
        return
    segment = hd.seg.segread(results.hole).get_volume(combine_segments=True)
    expected = placed(image, hole.astype(np.uint8)).match_geometry(segment, tol=1e-3)
    assert np.array_equal(segment.array, expected.array)
    assert segment.array.sum() == hole.sum()
    difference, spread = (hd.imread(path).get_volume() for path in (results.difference, results.spread))
    assert np.allclose(difference.array, placed(image, change).match_geometry(difference, tol=1e-3).array)
    assert difference.geometry_equal(spread)
    assert (spread.array[segment.array > 0] > 0).all()
    assert (spread.array[segment.array == 0] == 0).all()


def volume(files: list[Path]) -> hd.Volume:
    """As highdicom sees a series or a multi-frame file, in stored values."""
    plain = {"apply_real_world_transform": False, "apply_modality_transform": False}
    if len(files) > 1:
        return hd.get_volume_from_series([pydicom.dcmread(path) for path in files], **plain)
    return hd.imread(files[0]).get_volume(**plain)


def placed(image: Image, values: np.ndarray) -> hd.Volume:
    """Values of an image's shape where the image lies."""
    return hd.Volume(values, np.diag([-1.0, -1, 1, 1]) @ image.affine, "PATIENT")


def outside_is_equal(source: Path, results: Results) -> bool:
    before, after = read_image(source), read_image(results.derived)
    outside = ~hole_in(before)
    return np.array_equal(before.voxels[outside], after.voxels[outside])
