"""Read the boxes of a data set, and the detections of a detector, in the formats of NODE21, COCO and YOLO."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_inpaint.datasets.coco import coco_results, read_coco
from monai_inpaint.datasets.finding_boxes import Box, BoxedImage, check_boxes
from monai_inpaint.datasets.named_images import Found, NamedImages
from monai_inpaint.datasets.node21 import read_node21_boxes
from monai_inpaint.datasets.node21_json import node21_boxes, node21_cases
from monai_inpaint.datasets.yolo import read_yolo, yolo_results
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.io import read_image
from monai_inpaint.progress import Steps

_ADVICE = "give the JSON of COCO or of NODE21"


def read_truth(path: str | Path, progress: Steps | None = None) -> list[BoxedImage]:
    """Read the images of a data set with their boxes; images without a box are negatives.

    Args:
        path: for NODE21, metadata.csv or its folder, with the films in images/; for COCO, the JSON, or a folder with
            annotations.json; for YOLO, a folder with labels/ and images/.
        progress: called with images read and their number.

    Raises:
        InputError: none of these, it is empty, an image is missing, or a box is outside its image.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_dir():
        readers: dict[str, Callable[[Path], list[BoxedImage]]] = {
            "metadata.csv": lambda folder: read_node21_boxes(folder / "metadata.csv"),
            "annotations.json": lambda folder: read_coco(folder / "annotations.json"),
            "labels": read_yolo,
        }
        read = next((read for name, read in readers.items() if (path / name).exists()), None)
        if read is None:
            raise InputError(f"{path} contains no metadata.csv (NODE21), annotations.json (COCO) or labels/ (YOLO).")
        images = read(path)
    elif path.suffix.lower() == ".csv":
        images = read_node21_boxes(path)
    else:
        images = read_coco(path)
    if not images:
        raise InputError(f"{path} names no image; give a data set with images.")
    twice = [name for name, count in Counter(image.name for image in images).items() if count > 1]
    if twice:
        raise InputError(f"{path}: {twice[0]} is the name of more than one image; names must differ.")
    measured: list[BoxedImage] = []
    for number, image in enumerate(images):
        if progress:
            progress(number, len(images))
        measured.append(check_boxes(_measured(image), path))
    return measured


def read_detections(path: str | Path, truth: Sequence[BoxedImage]) -> list[BoxedImage]:
    """Read the detections in the images of a truth; images that are not listed have none.

    Args:
        path: for NODE21, the JSON of boxes with corners in mm: of one stack, whose slices are the images of the truth
            in its order (a box may also have the image's `name`), a list of results in the format of Grand Challenge,
            or a folder with a file for each image. For COCO, the list of results, or its JSON with a score in each
            annotation. For YOLO, a folder with a text for each image: class, box, score.
        truth: see `read_truth`.

    Returns:
        An image for each of the truth, in its order, with boxes and scores.

    Raises:
        InputError: none of these, or an image that is not in the truth.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    named = NamedImages(truth, path)
    found: Found = []
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        for file in files:
            image = named.by_name(file.stem)
            found += node21_boxes(read_json(file, _ADVICE), NamedImages([image], file))
        if not files:
            folder = path / "labels" if (path / "labels").is_dir() else path
            found = yolo_results(folder, named)
    else:
        content = read_json(path, _ADVICE)
        first = content[0] if isinstance(content, list) and content else None
        if isinstance(content, dict) and "boxes" in content:
            found = node21_boxes(content, named)
        elif isinstance(first, dict) and "outputs" in first:
            found = node21_cases(content, named)
        elif content == [] or (isinstance(content, dict) and "annotations" in content) or isinstance(first, dict):
            found = coco_results(content, named)
        else:
            raise InputError(f"{path} contains no boxes; {_ADVICE}.")
    boxes: dict[str, tuple[list[Box], list[float]]] = {image.name: ([], []) for image in truth}
    for image, some, scores in found:
        boxes[image.name][0].extend(some)
        boxes[image.name][1].extend(scores)
    results = [
        replace(image, boxes=tuple(boxes[image.name][0]), scores=tuple(boxes[image.name][1]), densities=())
        for image in truth
    ]
    return [check_boxes(image, path) for image in results]


def read_boxed(path: Path) -> BoxedImage:
    """An image without boxes, with its columns, rows and spacing.

    Raises:
        InputError: it cannot be read.
    """
    return _measured(BoxedImage(path.name, 0, 0, path=path))


def _measured(image: BoxedImage) -> BoxedImage:
    """With the columns, rows and spacing of its file."""
    if image.path is None:
        return image
    read = read_image(image.path)
    sizes, spacing = list(read.voxels.shape), list(read.spacing or ())
    if len(sizes) == 2:  # rows come first
        sizes, spacing = sizes[::-1], spacing[::-1]
    if image.columns and [image.columns, image.rows] != sizes[:2]:
        raise InputError(
            f"{image.path} has {sizes[0]} columns and {sizes[1]} rows, its data set states {image.columns} and "
            f"{image.rows}; give the image that the boxes are of."
        )
    return replace(image, columns=sizes[0], rows=sizes[1], spacing=(spacing[0], spacing[1]) if spacing else None)


def read_pixels(image: BoxedImage) -> np.ndarray:
    """The pixels of an image with boxes: float32 (rows, columns) in units, dense bright.

    Raises:
        InputError: it is not at hand, or no single slice.
    """
    if image.path is None:
        raise InputError(f"{image.file} is not there; put the images beside their boxes.")
    read = read_image(image.path)
    units = read.units()
    if units.ndim == 3 and units.shape[2] == 1:
        units = units[..., 0].T
    if units.ndim != 2:
        raise InputError(f"{image.path} has {units.shape[2]} slices; boxes are of films and single slices.")
    return (-units if read.inverted else units).astype(np.float32)
