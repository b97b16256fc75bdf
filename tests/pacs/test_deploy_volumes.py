"""Volumes as the operators of MONAI Deploy pass them on: filled, and written as series. Runs without the SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from cli_samples import smooth
from dicom_hole_samples import sources
from io_samples import dicom_series
from pydicom.dataset import Dataset
from pydicom.pixels import apply_rescale
from study_samples import cr

from monai_inpaint import Filler, InputError, read_image
from monai_inpaint.pacs.deploy_volumes import derivation_by, fill_volume, write_volume

BY = derivation_by("Example Ltd", "denoiser", "1.2")
SCALES: dict[str, Any] = {"RescaleSlope": (0.37, 1.0, 0.52, 0.37), "RescaleIntercept": (-1000, -1000, -999, -1024)}
PADDING: dict[str, Any] = {"PixelPaddingValue": 0, "BitsStored": 12, "HighBit": 11}


def loaded(folder: Path) -> tuple[np.ndarray, dict[str, Any], list[Dataset]]:
    """What the SDK's operators make of a series: the values in units, the attributes and the instances."""
    instances = sources(folder)
    volume = np.stack([apply_rescale(instance.pixel_array, instance) for instance in instances])
    whole = volume.astype(np.int16)
    attributes = {
        "SeriesInstanceUID": str(instances[0].SeriesInstanceUID), "Modality": str(instances[0].Modality),
        "row_pixel_spacing": instances[0].PixelSpacing[0], "col_pixel_spacing": instances[0].PixelSpacing[1],
        "depth_pixel_spacing": 2.5, "row_direction_cosine": [1.0, 0, 0], "col_direction_cosine": [0, 1.0, 0],
    }  # fmt: skip
    return (whole if np.array_equal(whole, volume) else volume), attributes, instances


def ct(folder: Path, slices: int = 4, **elements: Any) -> Path:
    volume = (4000 * smooth((slices, 48, 64))).astype(np.uint16)
    volume[:, :4] = 0  # padding
    elements = {"RescaleSlope": 1, "RescaleIntercept": -1000, **PADDING, **elements}
    return dicom_series(folder, volume, **elements)


@pytest.mark.parametrize("slices", [4, 1])
def test_a_fill_is_that_of_the_series_read_by_the_package(tmp_path: Path, slices: int) -> None:
    volume, attributes, instances = loaded(ct(tmp_path / "ct", slices))
    hole = np.zeros(volume.shape, bool)
    hole[-1, 20:30, 12:33] = True
    filler = Filler("ct")

    filled, derived = fill_volume(volume, hole, attributes, filler)
    write_volume(filled, attributes, instances, tmp_path / "new" / "filled", derived)

    assert filled.dtype == volume.dtype
    assert np.array_equal(filled[~hole], volume[~hole])
    image = read_image(tmp_path / "ct")
    expected = filler(image, hole[0] if slices == 1 else hole.transpose(2, 1, 0)).image
    written = read_image(tmp_path / "new" / "filled")
    assert np.array_equal(written.voxels, expected.voxels)
    assert np.array_equal(written.affine, image.affine)
    head = pydicom.dcmread(next((tmp_path / "new" / "filled").iterdir()))
    assert head.SeriesDescription == "AI-filled: Thorax"
    assert head.ContributingEquipmentSequence[-1].ManufacturerModelName.startswith("ct_inpainting ")


def test_a_film_without_orientation_is_filled_too(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    film = cr(tmp_path / "film" / "film.dcm")
    instance = pydicom.dcmread(film)
    volume, spacing = instance.pixel_array[None], instance.PixelSpacing
    attributes = {"Modality": "CR", "row_pixel_spacing": spacing[0], "col_pixel_spacing": spacing[1]}
    hole = np.zeros(volume.shape, np.uint8)
    hole[0, 20:40, 30:50] = 1
    filler = Filler("cxr")

    filled, derived = fill_volume(volume, hole, attributes, filler)
    write_volume(filled, attributes, [instance], tmp_path / "out", derived)

    expected = filler(read_image(film), hole[0]).image.voxels
    assert np.array_equal(read_image(tmp_path / "out" / "slice_0001.dcm").voxels, expected)


def test_what_is_equal_keeps_its_stored_values_whatever_the_rescaling(tmp_path: Path) -> None:
    volume, attributes, instances = loaded(ct(tmp_path / "ct", **SCALES))
    changed = volume.astype(np.float32)
    changed[2, 10:20, 10:20] += 30.0

    write_volume(changed, attributes, instances, tmp_path / "out", BY)

    before, after = read_image(tmp_path / "ct"), read_image(tmp_path / "out")
    there = np.zeros(volume.shape, bool)
    there[2, 10:20, 10:20] = True
    there = there.transpose(2, 1, 0)
    assert (before.voxels == 0).any()  # padding, which no computed value may take, is kept outside
    assert np.array_equal(after.voxels[~there], before.voxels[~there])
    assert np.abs(after.units()[there] - before.units()[there] - 30).max() <= 0.27  # half a step of slope 0.52


def test_the_new_series_says_what_computed_it(tmp_path: Path) -> None:
    volume, attributes, instances = loaded(ct(tmp_path / "ct"))

    write_volume(volume + np.int16(1), attributes, instances, tmp_path / "out", BY)

    head, source = pydicom.dcmread(tmp_path / "out" / "slice_0001.dcm"), instances[0]
    made = head.ContributingEquipmentSequence[-1]
    assert (made.Manufacturer, made.ManufacturerModelName, made.SoftwareVersions) == ("Example Ltd", "denoiser", "1.2")
    assert (head.SeriesDescription, head.DerivationDescription) == ("denoiser: Thorax", "Computed by denoiser")
    assert head.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert head.SeriesInstanceUID != source.SeriesInstanceUID
    assert (head.StudyInstanceUID, head.PatientID) == (source.StudyInstanceUID, source.PatientID)


def test_an_image_of_the_package_is_written_as_it_is(tmp_path: Path) -> None:
    image = read_image(ct(tmp_path / "ct", **SCALES))
    voxels = image.voxels.copy()
    voxels[5:9, 5:9, 1] = 77

    write_volume(image.with_voxels(voxels), {}, loaded(tmp_path / "ct")[2], tmp_path / "out", BY)

    assert np.array_equal(read_image(tmp_path / "out").voxels, voxels)


@pytest.mark.parametrize(
    ("elements", "keep", "change", "why"),
    [
        ({}, {}, lambda v: v[:2], "has shape"),
        ({}, {}, lambda v: v, "is equal to series"),
        ({}, {}, lambda v: v * np.float32(np.nan), "not finite"),
        ({}, {"SeriesInstanceUID": "1.2.9"}, lambda v: v + 1, "of another series"),
        ({"PresentationLUTShape": "INVERSE"}, {}, lambda v: v + 1, "lookup table"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path, elements: dict, keep: dict, change: Any, why: str
) -> None:
    volume, attributes, instances = loaded(ct(tmp_path / "ct", **elements))

    with pytest.raises(InputError, match=why):
        write_volume(change(volume), attributes | keep, instances, tmp_path / "out", BY)

    assert not (tmp_path / "out").exists()


def test_what_computed_an_image_must_be_known(tmp_path: Path) -> None:
    volume, attributes, instances = loaded(ct(tmp_path / "ct"))

    with pytest.raises(InputError, match="does not say what computed it"):
        write_volume(volume + 1, attributes, instances, tmp_path / "out", None)
    with pytest.raises(InputError, match="model_info of the writer is not complete"):
        derivation_by("", "denoiser", "1")


def test_instances_that_are_in_memory_only_are_refused(tmp_path: Path) -> None:
    volume, attributes, instances = loaded(ct(tmp_path / "ct"))
    instances[1].filename = None

    with pytest.raises(InputError, match="was not read from files"):
        write_volume(volume + 1, attributes, instances, tmp_path / "out", BY)
    with pytest.raises(InputError, match="No series with images was selected"):
        write_volume(volume + 1, attributes, [], tmp_path / "out", BY)


def test_a_volume_without_geometry_or_with_a_hole_of_another_shape_is_refused(tmp_path: Path) -> None:
    volume, attributes, _ = loaded(ct(tmp_path / "ct"))
    filler, hole = Filler("ct"), np.zeros(volume.shape, bool)
    hole[1, 5:9, 5:9] = True

    with pytest.raises(InputError, match="does not state its spacing and orientation"):
        fill_volume(volume, hole, {}, filler)
    with pytest.raises(InputError, match=r"The hole has shape \(3, 48, 64\), the image \(4, 48, 64\)"):
        fill_volume(volume, hole[1:], attributes, filler)
