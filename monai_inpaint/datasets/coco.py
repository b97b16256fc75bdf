"""Read and write boxes of COCO: one JSON file (Lin et al., Microsoft COCO: Common Objects in Context, 2014)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage
from monai_inpaint.datasets.named_images import Found, NamedImages, image_path
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.io.atomic import staged


def write_coco(images: Sequence[BoxedImage], folder: Path, category: str = "nodule") -> Path:
    """Write annotations.json for the images in images/; return its path.

    Boxes are left, top, width and height in pixels; images without a box are listed too, as negatives. Patients and
    densities of nodules are added where they are known.
    """
    annotations = [
        {
            "id": number,
            "image_id": image_number,
            "category_id": 1,
            "bbox": list(box),
            "area": box[2] * box[3],
            "iscrowd": 0,
            **({"density": image.densities[n]} if image.densities else {}),
        }
        for number, (image_number, image, n, box) in enumerate(
            ((i, image, n, box) for i, image in enumerate(images, start=1) for n, box in enumerate(image.boxes)), 1
        )
    ]
    listed = [
        {
            "id": number,
            "file_name": f"images/{image.file}",
            "width": image.columns,
            "height": image.rows,
            **({"patient": image.patient} if image.patient else {}),
        }
        for number, image in enumerate(images, start=1)
    ]
    content = {"images": listed, "annotations": annotations, "categories": [{"id": 1, "name": category}]}
    path = folder / "annotations.json"
    with staged(path, overwrite=True) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def read_coco(path: Path) -> list[BoxedImage]:
    """The images of a COCO JSON with all boxes of all its categories; crowds are left out.

    An image may also have a `patient`, and an annotation a `density`, 0 ground-glass to 1 solid.

    Raises:
        InputError: not such a file, or an image is missing.
    """
    content = read_json(path, "give the annotations of COCO")
    boxes: dict[Any, list[tuple[Box, float | None]]] = {}
    images: list[BoxedImage] = []
    try:
        for entry in content["annotations"]:
            if not entry.get("iscrowd"):
                density = None if entry.get("density") is None else float(entry["density"])
                boxes.setdefault(entry["image_id"], []).append((_box(entry), density))
        for entry in content["images"]:
            name, some = str(entry["file_name"]), boxes.pop(entry["id"], [])
            densities = [density for _, density in some if density is not None]
            images.append(
                BoxedImage(
                    name,
                    int(entry["width"]),
                    int(entry["height"]),
                    tuple(box for box, _ in some),
                    densities=tuple(densities) if len(densities) == len(some) else (),
                    patient=str(entry.get("patient", "")),
                    path=image_path(path.parent, name),
                    key=str(entry["id"]),
                )
            )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not a file of COCO annotations ({type(error).__name__}: {error}); give one."
        ) from None
    if boxes:
        raise InputError(f"{path}: annotations name the image {next(iter(boxes))}, which is not among its images.")
    return images


def coco_results(content: Any, named: NamedImages) -> Found:
    """Detections of COCO's list of results, or of its JSON where each annotation has a score.

    Raises:
        InputError: not of this form.
    """
    names: dict[Any, str] = {}
    try:
        if isinstance(content, dict):
            names = {entry["id"]: str(entry["file_name"]) for entry in content.get("images", ())}
            content = content["annotations"]
        return [
            (
                named.by_name(names[entry["image_id"]]) if names else named.by_key(entry["image_id"]),
                [_box(entry)],
                [float(entry["score"])],
            )
            for entry in content
        ]
    except (TypeError, KeyError, ValueError, AttributeError):
        raise named.error('a detection must have "image_id", "bbox" of four numbers and "score"') from None


def _box(entry: dict[str, Any]) -> Box:
    x, y, width, height = map(float, entry["bbox"])
    return x, y, width, height
