"""Boxes as COCO has them: one JSON file (Lin et al., Microsoft COCO: Common Objects in Context, 2014)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.io.atomic import staged


def write_coco(images: Sequence[BoxedImage], folder: Path, category: str = "nodule") -> Path:
    """Write annotations.json for images that lie in images/; returns its path.

    Boxes are left, top, width and height in pixels; images without a box are listed too, as negatives.
    """
    annotations = [
        {
            "id": number,
            "image_id": image_number,
            "category_id": 1,
            "bbox": list(box),
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for number, (image_number, box) in enumerate(
            ((n, box) for n, image in enumerate(images, start=1) for box in image.boxes), start=1
        )
    ]
    listed = [
        {"id": number, "file_name": f"images/{image.file}", "width": image.columns, "height": image.rows}
        for number, image in enumerate(images, start=1)
    ]
    content = {"images": listed, "annotations": annotations, "categories": [{"id": 1, "name": category}]}
    path = folder / "annotations.json"
    with staged(path, overwrite=True) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
