"""Small studies, and answers to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from evaluation_samples import list_of_films

from monai_inpaint.evaluation.reader_study import make_study
from monai_inpaint.evaluation.study_files import PICTURES, READERS, SIDES, answers_text
from monai_inpaint.evaluation.study_pictures import levels_of

Says = Callable[[dict[str, Any]], bool]  # of a trial and its pair, as one: whether the answer is right


def small_study(folder: Path, pairs: int = 20, **options: Any) -> tuple[Path, dict[str, Any]]:
    """A study of made-up films, each in two variants, filled by two classical methods: its folder and its key."""
    films = list_of_films(folder / "data")
    return folder / "study", make_study(
        films, None, "cxr-centre", ["ring", "telea"], folder / "study", pairs=pairs, modality="CR", **options
    )


def answered(key: dict[str, Any], path: Path, reader: str, says: Says, ms: float = 1000) -> Path:
    """A file of answers, each right or wrong by `says`."""
    answers = []
    for number, trial in enumerate(key["trials"]):
        right = says({**key["pairs"][trial["pair"]], **trial})
        side = trial["filled"] if right else SIDES[1 - SIDES.index(trial["filled"])]
        answers.append({"trial": number, "side": side, "ms": ms + number})
    path.write_text(answers_text(key["study"], reader, answers))
    return path


def page_data(study: Path) -> dict[str, Any]:
    """The data that the page of a study contains."""
    page = (study / "for-readers" / "index.html").read_text(encoding="utf-8")
    return json.loads(page.partition("const STUDY = ")[2].partition(";\n")[0])


def picture_of(study: Path, trial: dict[str, Any], side: str) -> np.ndarray:
    """The picture of one side, in levels, from the files of the study; of a trial and its pair, as one."""
    pictures = study / READERS / PICTURES
    shared, boxes = (
        levels_of((pictures / f"{trial['number']:03d}{end}.webp").read_bytes(), trial["bits"]) for end in ("", "-boxes")
    )
    left, top, right, bottom = trial["box"]
    upper = (side == trial["filled"]) == (trial["upper"] == "filled")
    shared[top:bottom, left:right] = np.split(boxes, 2)[0 if upper else 1]
    return shared


def films_of_16_bits(folder: Path, count: int = 2) -> None:
    """TIFF films of values beyond 8 bits, and a folder with a hole of each."""
    import tifffile
    from evaluation_samples import smooth
    from PIL import Image

    (folder / "films").mkdir()
    (folder / "holes").mkdir()
    for number in range(count):
        tifffile.imwrite(
            folder / "films" / f"{number}.tif", np.rint(smooth((150, 120), number) * 200).astype(np.uint16)
        )
        hole = np.zeros((150, 120), np.uint8)
        hole[40 + number : 80, 30:70] = 255
        Image.fromarray(hole).save(folder / "holes" / f"{number}.png")
