"""Windows hold what they say, and the benchmark of augmentation prints its table and goes on where it was ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from printed_tables import table_of

from benchmarks import augmentation
from benchmarks.__main__ import main
from monai_inpaint.datasets.boxed_images import read_pixels

SIDE = augmentation.SIDE


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four patients' crops: a nodule of 12 by 8 pixels in the middle of lung, beside a chest wall."""
    rows = ["path,source,modality,patient,split"]
    for n in range(4):
        folder = tmp_path / f"p{n}"
        folder.mkdir()
        grey = np.random.default_rng(n).normal(40, 6, (SIDE, SIDE))
        grey[:, :24] = 200
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[60:68, 58:70] = 255
        grey[mask > 0] = 190
        Pillow.fromarray(grey.clip(4, 255).astype(np.uint8)).save(folder / "image.png")
        Pillow.fromarray(mask).save(folder / "mask-0.png")
        rows.append(f"p{n}/image.png,lidc,CT,p{n},train")
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "index.csv"


def test_a_window_holds_its_nodule_wherever_and_however_it_is_turned(data: Path, tmp_path: Path) -> None:
    options = augmentation.Options(data, "train", tiny=True)

    images = augmentation._windows(augmentation._crops(options), tmp_path / "real", 0)

    ill = [image for image in images if image.boxes]
    assert len(ill) == len(images) - len(ill) == 4
    assert len({image.boxes for image in ill}) == 4
    for image in images:
        bright = read_pixels(image) > -300
        for x, y, width, height in image.boxes:
            inside = bright[int(y) : int(y + height), int(x) : int(x + width)]
            assert {width, height} == {8, 12}
            assert inside.all()


def test_nodules_are_put_into_lung_beside_the_real_one(data: Path) -> None:
    first, second, *_ = augmentation._crops(augmentation.Options(data, "train", tiny=True))

    pasted = augmentation._pasted(first, second, np.random.default_rng(0))

    assert pasted is not None
    made, mask = pasted
    assert mask.sum() == second.nodule.sum()
    assert first.lung[mask].all()
    np.testing.assert_array_equal(made[~mask], first.hounsfield[~mask])


def test_the_table_has_a_row_for_each_arm_beside_a_constant_box_and_chance(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torchvision", reason="needs what make setup-detection installs")
    arguments = ["augmentation", "--tiny", "--data", str(data), "--split", "train", "--output", str(tmp_path / "out")]
    arguments += ["--folds", "2", "--counts", "2", "--arms", "none,mined,pasted"]

    assert main(arguments) == 0
    first = table_of(capsys.readouterr().out)
    assert main(arguments) == 0
    second = table_of(capsys.readouterr().out)

    names = ["constant box", "chance", "retinanet, none", "retinanet, mined", "retinanet, pasted"]
    assert [row[0] for row in first] == names
    assert [row[1] for row in first] == ["-", "-", "0", "2", "2"]
    assert first == second
