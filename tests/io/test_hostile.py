"""Headers that claim what is not there: one sentence, before memory is taken for the claim; and no special files."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hostile_files import HOSTILE, ODD_PLACES, READ, compressed, jpeg_2000_code
from io_samples import dicom_dataset, random_voxels, save
from limited_process import limited
from PIL import Image as Pillow
from pydicom.uid import JPEG2000Lossless

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image
from monai_inpaint.io.codestream import claim_of
from monai_inpaint.io.limits import check_claim
from monai_inpaint.regions.hole_file import read_hole

MEGABYTES, SECONDS = 300, 10


def outcomes(names: list[str], folder: Path) -> dict[str, tuple[str, float, float]]:
    """Of each file what came of it, the most memory held until then in MB, and seconds of the processor."""
    measured = {}
    for number, name in enumerate(names):
        place = folder / str(number)
        place.mkdir()
        path, start = HOSTILE[name](place), time.process_time()
        try:
            said = f"read {read_image(path).voxels.shape}"
        except InputError as error:
            said = str(error).replace(str(path), "PATH")
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        measured[name] = (said, held, time.process_time() - start)
    return measured


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP", "TIFF", "big", "DICOM"])
def test_a_claim_is_refused_before_memory_is_taken_for_it(tmp_path: Path, kind: str) -> None:
    names = [name for name in HOSTILE if name.split()[0] == kind]
    ended = limited(outcomes, names, tmp_path)
    assert isinstance(ended.returned, dict)
    for name, (said, megabytes, seconds) in ended.returned.items():
        if name in READ:
            assert said == "read (16, 16)", name
        else:
            assert said.startswith("PATH "), name
            assert len(said) < 300
            assert "\n" not in said
        assert megabytes < MEGABYTES, name
        assert seconds < SECONDS, name
    assert ended.stderr == ""


@pytest.mark.parametrize("name", ODD_PLACES)
def test_only_regular_files_are_opened(tmp_path: Path, name: str) -> None:
    path = ODD_PLACES[name](tmp_path)
    for read in (read_image, lambda path: read_hole(path, Image(np.zeros((4, 4))))):
        with pytest.raises(InputError, match="pipe|device|loop"):
            read(path)


def test_a_pipe_among_the_slices_of_a_series_is_named_and_not_opened(tmp_path: Path) -> None:
    save(dicom_dataset(random_voxels((8, 9), "int16")), tmp_path / "a.dcm")
    ODD_PLACES["pipe.dcm"](tmp_path)
    with pytest.raises(InputError, match=r"pipe\.dcm cannot be read"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_black_pictures_are_small_and_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"black.{suffix}"
    if suffix == "tif":
        tifffile.imwrite(path, np.zeros((4_000, 4_000), np.uint8), compression="zstd")
    else:
        Pillow.new("L", (4_000, 4_000)).save(path, lossless=True)
    assert path.stat().st_size < 50_000
    assert read_image(path).voxels.shape == (4_000, 4_000)


def test_black_slices_in_jpeg_2000_are_small_and_read(tmp_path: Path) -> None:
    dataset = dicom_dataset(np.zeros((512, 512), np.int16))
    dataset.compress(JPEG2000Lossless)
    assert len(dataset.PixelData) < 1_000
    assert not read_image(save(dataset, tmp_path / "a.dcm")).voxels.any()


@pytest.mark.parametrize("shape", [(), (0, 4), (-1, -4), (2**70, 2**70), (5,) * 300, (np.int16(200), np.int16(300))])
def test_shapes_that_no_file_holds_are_refused(tmp_path: Path, shape: tuple) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(4_000))
    with pytest.raises(InputError, match=str(path)):
        check_claim(path, shape, 1)
    check_claim(path, (40, 100), 1)
    check_claim(path, (40, 800), 1 / 8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "JPEG2000"])
def test_what_a_code_claims_is_what_pillow_reads(tmp_path: Path, kind: str) -> None:
    for lossless in (True, False):
        path = tmp_path / "x"
        Pillow.fromarray(random_voxels((33, 70, 3), "uint8")).save(
            path, format=kind, lossless=lossless, irreversible=not lossless
        )
        claim = claim_of(path.read_bytes())
        assert claim is not None
        assert (claim.rows, claim.columns) == (33, 70)
        assert claim.lossy == (kind == "JPEG" or (kind != "PNG" and not lossless))


def test_what_is_cut_within_its_claim_claims_nothing() -> None:
    code = jpeg_2000_code(16, 16)
    claims = [claim_of(code[:length]) for length in range(len(code))]
    assert claims[10] is None
    assert claims[-1] == claim_of(code)


def test_pictures_in_other_files_are_lossy_where_their_coding_is(tmp_path: Path) -> None:
    voxels = random_voxels((32, 48), "uint8")
    for coding, more, lossy in (
        ("jpeg", {"level": 90}, True),
        ("webp", {"level": 80, "lossless": False}, True),
        ("jpeg2000", {"reversible": True}, False),
        ("jpeg2000", {"level": 20}, True),
        ("png", {}, False),
        ("lzw", {}, False),
        ("zstd", {}, False),
        (None, {}, False),
    ):
        pixels = np.full((32, 48, 3), 128, np.uint8) if coding == "webp" else voxels
        tifffile.imwrite(tmp_path / "a.tif", pixels, compression=coding, compressionargs=more)
        assert read_image(tmp_path / "a.tif").lossy == lossy, coding


def test_a_slice_that_was_compressed_with_loss_is_lossy(tmp_path: Path) -> None:
    pixels = random_voxels((32, 40), "uint8")
    plain = dicom_dataset(pixels)
    assert not read_image(save(plain, tmp_path / "a.dcm")).lossy
    plain.LossyImageCompression = "00"
    assert not read_image(save(plain, tmp_path / "a.dcm")).lossy
    plain.LossyImageCompression = "01"
    assert read_image(save(plain, tmp_path / "a.dcm")).lossy
    exact = dicom_dataset(pixels)
    exact.compress(JPEG2000Lossless)
    assert not read_image(save(exact, tmp_path / "a.dcm")).lossy


def test_a_compressed_file_that_is_cut_short_says_so(tmp_path: Path) -> None:
    path = compressed(JPEG2000Lossless, bytes(range(256)) * 40)(tmp_path)
    path.write_bytes(path.read_bytes()[:-3_000])
    with pytest.raises(InputError, match=r"x\.dcm is cut short; copy it again\.$"):
        read_image(path)
