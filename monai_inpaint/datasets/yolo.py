"""Boxes as YOLO has them: a text file beside each image, and one that says where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.io.atomic import staged


def write_yolo(images: Sequence[BoxedImage], folder: Path, category: str = "nodule") -> Path:
    """Write labels/NAME.txt for images that lie in images/, and data.yaml, whose path is returned.

    A line of a label is the class, then the box's middle, width and height in shares of the image. An image without a
    box gets an empty file, which trainers take for a negative.
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
