"""Read and write boxes in the JSON of NODE21 and Grand Challenge: "Multiple 2D bounding boxes", corners in mm."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage, check_boxes
from monai_inpaint.datasets.named_images import Found, NamedImages
from monai_inpaint.inputs import read_json
from monai_inpaint.io.atomic import staged


def write_node21_json(images: Sequence[BoxedImage], path: Path) -> None:
    """Write nodules.json for a stack of films: their numbers, from 0, are the third coordinate of the corners.

    Each box also has the film's `name`, so that its images need not be stacked.
    """
    boxes: list[dict[str, Any]] = []
    for number, image in enumerate(images):
        across, down = image.spacing or (1.0, 1.0)
        for n, (x, y, width, height) in enumerate(image.boxes):
            left, right, top, below = x * across, (x + width) * across, y * down, (y + height) * down
            corners = [[right, below, number], [left, below, number], [left, top, number], [right, top, number]]
            entry: dict[str, Any] = {"name": image.name, "corners": corners}
            boxes.append({**entry, "probability": image.scores[n]} if image.scores else entry)
    content = {"type": "Multiple 2D bounding boxes", "boxes": boxes, "version": {"major": 1, "minor": 0}}
    with staged(path, overwrite=True) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def node21_boxes(content: Any, named: NamedImages, *, scored: bool = True) -> Found:
    """The boxes of one nodules.json, each as detections of an image.

    Args:
        content: of the file.
        named: the images that it may refer to.
        scored: each box must have a probability; otherwise it may be missing and the score is 1, as in the boxes that
            NODE21 passes to a generator of nodules.

    Raises:
        InputError: not of this form.
    """
    boxes = content.get("boxes") if isinstance(content, dict) else None
    if not isinstance(boxes, list):
        raise named.error('contains no list "boxes"; give the JSON that NODE21 asks of a detector')
    return [_box(number, entry, named, scored) for number, entry in enumerate(boxes, start=1)]


def node21_places(path: Path, images: Sequence[BoxedImage]) -> list[tuple[Box, ...]]:
    """Read the boxes that NODE21 passes to generators, where nodules are wanted: those of each image in pixels.

    Args:
        path: nodules.json; the third coordinate of corners is the number of the image, or a box has the image's `name`.
        images: in the order of their numbers.

    Raises:
        InputError: another format, or a box of another image or outside its own.
    """
    content = read_json(path, "give the JSON of boxes that NODE21 gives generators")
    found: dict[str, list[Box]] = {image.name: [] for image in images}
    for image, boxes, _ in node21_boxes(content, NamedImages(images, path), scored=False):
        found[image.name] += check_boxes(replace(image, boxes=tuple(boxes)), path).boxes
    return [tuple(found[image.name]) for image in images]


def node21_cases(content: Any, named: NamedImages) -> Found:
    """The boxes of a list of results of Grand Challenge, each with inputs and outputs.

    Raises:
        InputError: not of this form.
    """
    found: Found = []
    for case in content:
        try:
            name = next(entry["image"]["name"] for entry in case["inputs"] if entry.get("image"))
            values = [entry["value"] for entry in case["outputs"] if "boxes" in (entry.get("value") or {})]
        except (TypeError, KeyError, AttributeError, StopIteration):
            raise named.error("a result has no inputs with an image's name; give it as Grand Challenge does") from None
        alone = NamedImages([named.by_name(str(name))], named.table)
        for value in values:
            found += node21_boxes(value, alone)
    return found


def _box(number: int, entry: Any, named: NamedImages, scored: bool) -> tuple[BoxedImage, list[Box], list[float]]:
    try:
        corners = [[float(value) for value in corner] for corner in entry["corners"]]
        score = float(entry["probability"] if scored else entry.get("probability", 1.0))
        xs, ys, zs = zip(*corners, strict=True)
        if not all(math.isfinite(value) for corner in corners for value in corner) or len(set(zs)) != 1:
            raise ValueError
    except (TypeError, KeyError, ValueError):
        wanted = "four corners [x, y, slice] in one slice" + scored * " and a probability"
        raise named.error(f"box {number} must have {wanted}") from None
    name = entry.get("name")
    image = named.by_name(str(name)) if name and len(named.images) > 1 else named.by_number(zs[0])
    across, down = image.spacing or (1.0, 1.0)
    left, top = min(xs) / across, min(ys) / down
    return image, [(left, top, max(xs) / across - left, max(ys) / down - top)], [score]
