"""Malformed DICOM: one sentence, exit code 2, nothing left behind, in bounded memory and time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_samples import picture_hole, run, tree
from io_samples import dicom_dataset, save
from limited_process import command, limited
from malformed_dicom import CASES, ODD, PIXELS
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_inpaint import read_image
from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom import file as dicom_file

MEGABYTES = 300  # of memory in use, of which the libraries alone take 100


@pytest.fixture
def hole(tmp_path_factory) -> Path:
    return picture_hole(tmp_path_factory.mktemp("hole") / "hole.png")


@pytest.mark.parametrize("name", CASES)
def test_malformed_input_gets_one_sentence_in_bounded_memory_and_time(tmp_path: Path, hole: Path, name: str) -> None:
    source = CASES[name](tmp_path)
    before = tree(tmp_path)
    ended = limited(command, "fill", str(source), str(hole), str(hole.parent / "out"))
    assert ended.returned == 2, ended.stderr
    assert ended.stderr.startswith("monai-inpaint: ")
    assert ended.stderr.count("\n") == 1
    assert str(tmp_path) in ended.stderr
    assert len(ended.stderr) < 700
    assert ended.megabytes < MEGABYTES
    assert tree(tmp_path) == before
    assert sorted(path.name for path in hole.parent.iterdir()) == ["hole.png"]


@pytest.mark.parametrize("name", ODD)
def test_what_is_only_odd_is_filled_and_reported_to_the_archive(tmp_path: Path, hole: Path, capfd, name: str) -> None:
    pytest.importorskip("highdicom")
    ran = run(capfd, "fill", ODD[name](tmp_path), hole, tmp_path / "out", "--dicom-results")
    assert (ran.code, ran.lines) == (0, [])
    outside = read_image(hole).voxels == 0
    assert np.array_equal(read_image(tmp_path / "out" / "derived").voxels[outside], PIXELS[outside])


def test_there_are_forty_of_them() -> None:
    assert len(CASES) >= 40


def test_a_deflated_file_may_unpack_to_what_images_take() -> None:
    assert dicom_file.INFLATED >= 2 * 10_000 * 12_000


def test_a_deflated_file_that_unpacks_to_far_more_than_images_do_is_refused(tmp_path: Path) -> None:
    dataset = dicom_dataset(np.zeros((6_000, 6_000), np.int16))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(InputError, match="unpacks to more than 64 MB"):
        dicom_file.load(save(dataset, tmp_path / "bomb.dcm"))


def test_a_header_of_thousands_of_frames_is_read(tmp_path: Path) -> None:
    dataset = dicom_dataset(PIXELS)
    dataset.PerFrameFunctionalGroupsSequence = [_frame(number) for number in range(2_000)]
    read = dicom_file.load(save(dataset, tmp_path / "frames.dcm"))
    assert read == dataset
    assert read.PerFrameFunctionalGroupsSequence[-1].FrameContentSequence[0].DimensionIndexValues == [1, 1_999]


def _frame(number: int) -> Dataset:
    frame, content, place, source = Dataset(), Dataset(), Dataset(), Dataset()
    content.DimensionIndexValues = [1, number]
    place.ImagePositionPatient = [0, 0, number]
    source.ReferencedSOPInstanceUID = f"1.2.826.0.1.{number}"
    frame.FrameContentSequence, frame.PlanePositionSequence = [content], [place]
    frame.SourceImageSequence = [source]
    return frame
