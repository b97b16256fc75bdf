"""`synthesize mine`: the boxes of any detector decide which nodules are made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_samples import run, tree
from nodule_samples import film
from PIL import Image as Picture

from monai_inpaint.datasets.boxed_images import read_truth
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.imaging.bounding_box import extent

SIZES = (14, 22, 30, 22)  # of the nodules in the truth; the first and the third are missed


pytestmark = pytest.mark.usefixtures("nodule_home")


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Detections as COCO lists them, their truth, and films without a nodule."""
    truth, films = tmp_path / "truth", tmp_path / "films"
    (truth / "images").mkdir(parents=True)
    films.mkdir()
    boxes: list[tuple[int, int, int, int]] = [(150, 200, size, size) for size in SIZES]
    for n in range(4):
        Picture.fromarray(film(n)).save(truth / "images" / f"{n}.png")
    write_node21([BoxedImage(f"{n}.png", 512, 512, (boxes[n],)) for n in range(4)], truth)
    Picture.fromarray(film(9)).save(films / "healthy.png")
    found = [{"image_id": f"{n}.png", "bbox": boxes[n], "score": 0.9} for n in (1, 3)]
    (tmp_path / "found.json").write_text(json.dumps(found))
    return tmp_path / "found.json", truth, films


def pictures(folder: Path) -> dict[str, Any]:
    return {name: content for name, content in tree(folder).items() if name.startswith(("images/", "masks/"))}


def test_diameters_are_those_of_missed_nodules_and_the_reason_to_stop_is_reported(
    capfd: Any, given: tuple[Path, Path, Path]
) -> None:
    out = given[0].parent / "out"

    ran = run(capfd, "synthesize", "mine", *given, out, "--count", 10, "--pairs")

    assert (ran.code, ran.lines) == (0, [])
    assert "2 of 4 nodules are missed at 0.25 false positives per image" in ran.out
    assert "Stopped at 2: 4 real images with a nodule bear 2 synthetic ones of the 10 asked for" in ran.out
    assert "2 made" in ran.out
    facts = json.loads((out / "mining.json").read_text())
    assert facts["missed_diameters"] == [14, 30]
    assert {size for size, *_ in facts["drawn"]} <= {14, 30}
    made = read_truth(out)
    assert [len(image.boxes) for image in made] == [1, 0, 1, 0]
    for image in made:
        for _, _, width, height in image.boxes:
            assert min(abs((width + height) / 2 - size) for size in (14, 30)) < 5


def test_the_same_detections_and_seed_give_the_same_images(capfd: Any, given: tuple[Path, Path, Path]) -> None:
    first, second, other = (given[0].parent / name for name in ("first", "second", "other"))

    for out, seed in ((first, 1), (second, 1), (other, 2)):
        assert run(capfd, "synthesize", "mine", *given, out, "--count", 1, "--seed", seed).code == 0

    assert pictures(first) == pictures(second) != pictures(other)


def test_outlines_are_chosen_by_the_width_over_height_of_missed_nodules(
    capfd: Any, given: tuple[Path, Path, Path]
) -> None:
    out = given[0].parent / "out"

    ran = run(capfd, "synthesize", "mine", *given, out, "--count", 1, "--by", "shape")

    assert ran.code == 0
    (outline,) = (out / "outlines").iterdir()
    box = extent(np.asarray(Picture.open(outline)) > 0)
    assert box is not None
    rows, columns = (side.stop - side.start for side in box)
    assert rows / columns == pytest.approx(1, abs=0.15)


def test_a_run_goes_on_only_with_the_same_detections(capfd: Any, given: tuple[Path, Path, Path]) -> None:
    out = given[0].parent / "out"
    run(capfd, "synthesize", "mine", *given, out, "--count", 2)
    before = pictures(out)
    next(path for path in (out / "images").iterdir() if "mined0002" in path.name).unlink()

    again = run(capfd, "synthesize", "mine", *given, out, "--count", 2, "--resume")
    given[0].write_text("[]")
    other = run(capfd, "synthesize", "mine", *given, out, "--count", 2, "--resume")

    assert (again.code, other.code) == (0, 2)
    assert "1 skipped, 1 made" in again.out
    assert pictures(out) == before
    assert "begun with other arguments" in other.lines[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--count", 0), "not a number of images"),
        (("--count", 1, "--by", "density"), "states no density"),
        (("--count", 1, "--iou", 1), "not an overlap"),
    ],
)
def test_what_cannot_be_mined_is_one_sentence_and_leaves_nothing(
    capfd: Any, given: tuple[Path, Path, Path], arguments: tuple[object, ...], said: str
) -> None:
    out = given[0].parent / "out"

    ran = run(capfd, "synthesize", "mine", *given, out, *arguments)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert said in ran.lines[0]
    assert not out.exists()


def test_no_training_library_is_needed(given: tuple[Path, Path, Path], nodule_home: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules.update({name: None for name in ('torch', 'monai', 'torchvision')})\n"
        "from monai_inpaint.registry import bundle_info\n"
        "from pathlib import Path\n"
        f"bundle_info._home = lambda: Path({str(nodule_home)!r})\n"
        "from monai_inpaint.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    out = given[0].parent / "out"
    commands = (("detect", "score", *given[:2]), ("synthesize", "mine", *given, out, "--count", "1"))
    for command in commands:
        ran = subprocess.run([sys.executable, "-c", code, *map(str, command)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
