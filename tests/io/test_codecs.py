"""What is read and written without the extra `codecs`, and what is said of the rest."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import tifffile

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image

VOXELS = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40)


@pytest.fixture
def without_imagecodecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if imagecodecs were not installed."""
    found = util.find_spec
    absent = lambda name, *more: None if name == "imagecodecs" else found(name, *more)  # noqa: E731
    for module in ("monai_inpaint.io.tiff", "monai_inpaint.io.stored"):
        __import__(module)
        monkeypatch.setattr(sys.modules[module], "find_spec", absent)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)


@pytest.mark.usefixtures("without_imagecodecs")
@pytest.mark.parametrize("more", [{"compression": "lzw"}, {"compression": "zlib", "predictor": 3}])
def test_a_tiff_that_needs_imagecodecs_names_the_extra(tmp_path: Path, more: dict) -> None:
    path = tmp_path / "packed.tif"
    sys.modules.pop("imagecodecs")  # the file comes from elsewhere
    tifffile.imwrite(path, VOXELS.astype(np.float32), **more)
    sys.modules["imagecodecs"] = None  # type: ignore[assignment]

    with pytest.raises(InputError, match=r"packed\.tif is packed .* pip install 'monai-inpaint\[codecs\]'"):
        read_image(path)


@pytest.mark.usefixtures("without_imagecodecs")
@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.nii.gz", "a.mha"])
def test_what_is_written_without_imagecodecs_is_read_back(tmp_path: Path, name: str) -> None:
    flat = name.endswith((".tif", ".png"))
    image = Image(VOXELS if flat else VOXELS[..., None], None if flat else np.eye(4))

    write_image(image, tmp_path / name)

    np.testing.assert_array_equal(read_image(tmp_path / name).voxels, image.voxels)


@pytest.mark.usefixtures("without_imagecodecs")
def test_the_same_voxels_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_image(Image(VOXELS[..., None], np.eye(4)), tmp_path / name)

    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
