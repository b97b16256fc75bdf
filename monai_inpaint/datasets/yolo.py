"""Boxes in the format of YOLO: a text file for each image, and one with the paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage
from monai_inpaint.datasets.named_images import Found, NamedImages, image_path, stem_of
from monai_inpaint.errors import InputError
from monai_inpaint.io import read_image, suffix_of
from monai_inpaint.io.atomic import staged


def write_yolo(images: Sequence[BoxedImage], folder: Path, category: str = "nodule") -> Path:
    """Write labels/NAME.txt for the images in images/, and data.yaml; return the path of the latter.

    A line of a label contains the class, then the box's middle, width and height as fractions of the image. An image
    without a box gets an empty file, which trainers treat as a negative.
    """
    (folder / "labels").mkdir(exist_ok=True)
    for image in images:
        lines = [
            f"0 {(x + width / 2) / image.columns:.6f} {(y + height / 2) / image.rows:.6f} "
            f"{width / image.columns:.6f} {height / image.rows:.6f}\n"
            for x, y, width, height in image.boxes
        ]
        with staged(folder / "labels" / f"{Path(image.file).stem}.txt", overwrite=True) as part:
            part.write_text("".join(lines), encoding="utf-8")
    path = folder / "data.yaml"
    with staged(path, overwrite=True) as part:
        part.write_text(f"path: .\ntrain: images\nval: images\nnames:\n  0: {category}\n", encoding="utf-8")
    return path


def read_yolo(folder: Path) -> list[BoxedImage]:
    """The images of images/ with the boxes of labels/; an image whose text is empty or missing is a negative.

    Raises:
        InputError: images/ is missing, a text has no image, or a line is not of five numbers.
    """
    places = sorted(path for path in (folder / "images").glob("*") if suffix_of(path))
    if not places:
        raise InputError(f"{folder / 'images'} contains no images, and boxes of YOLO are shares of them; add them.")
    stems = {stem_of(path.name) for path in places}
    alone = [path for path in sorted((folder / "labels").glob("*.txt")) if path.stem not in stems]
    if alone:
        raise InputError(f"{alone[0]} has no image in {folder / 'images'}; add it, or remove the text.")
    images: list[BoxedImage] = []
    for path in places:
        shape = read_image(path).voxels.shape
        columns, rows = (shape[1], shape[0]) if len(shape) == 2 else shape[:2]
        text = folder / "labels" / f"{stem_of(path.name)}.txt"
        boxes = [_box(line, columns, rows, text)[0] for line in _lines(text)] if text.is_file() else []
        images.append(BoxedImage(path.name, columns, rows, tuple(boxes), path=image_path(folder, path.name)))
    return images


def yolo_results(folder: Path, named: NamedImages) -> Found:
    """Detections of a folder with a text for each image, whose lines end with a score.

    Raises:
        InputError: there is no text, one belongs to no image, or a line does not have six numbers.
    """
    texts = sorted(folder.glob("*.txt"))
    if not texts:
        raise InputError(f"{folder} contains no detections: neither .json nor .txt; name the folder of a detector.")
    found: Found = []
    for text in texts:
        image = named.by_name(text.stem)
        if not image.columns:
            raise InputError(
                f"{text}: boxes of YOLO are shares of the image, whose size is not known; add {image.file}."
            )
        some = [_box(line, image.columns, image.rows, text, scored=True) for line in _lines(text)]
        found.append((image, [box for box, _ in some], [score for _, score in some]))
    return found


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _box(line: str, columns: int, rows: int, text: Path, *, scored: bool = False) -> tuple[Box, float]:
    try:
        _, across, down, wide, high, *rest = map(float, line.split())
        (score,) = rest if scored else (0.0,)
    except ValueError:
        what = "class, four numbers of the box and a score" if scored else "class and four numbers of the box"
        raise InputError(f"{text}: the line {line.strip()!r} must be of {what}; correct it.") from None
    width, height = wide * columns, high * rows
    return (across * columns - width / 2, down * rows - height / 2, width, height), score
