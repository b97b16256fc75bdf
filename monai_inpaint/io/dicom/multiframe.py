"""Enhanced multi-frame DICOM (CT, MR, ...) whose frames are the slices of one volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.dicom.geometry import macro_of, plane_of_frame, stack_planes
from monai_inpaint.io.dicom.header import DicomHeader, image_of, without_pixels
from monai_inpaint.io.dicom.pixels import check_pixels, decode_frame, empty_stack
from monai_inpaint.io.dicom.scale import rescale_of, together


def read_frames(dataset: Dataset, path: Path) -> Image:
    """3D (i, j, k) with frames sorted along their normal; the header remembers which frame is which slice.

    Raises:
        InputError: frames without a place in space, or not one regular stack (a film over time, several echoes).
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if not groups or len(groups) != count:
        raise InputError(
            f"{path} contains {count} frames that do not form a volume: they have no place in space; give one image."
        )
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    planes = [(f"frame {n + 1}", plane_of_frame(group, shared)) for n, group in enumerate(groups)]
    if any(plane is None for _, plane in planes):
        raise InputError(
            f"{path} contains {count} frames that do not form a volume: they have no place in space; give one image."
        )
    order, affine = stack_planes(path, planes)
    check_pixels(dataset, path)
    stack, words = np.empty(0), []
    for k, frame in enumerate(order):
        pixels, more = decode_frame(dataset, path, frame if count > 1 else None)
        if k == 0:
            stack = empty_stack(path, count, pixels)
        stack[k] = pixels
        words.append(more)
    transforms = [macro_of("PixelValueTransformationSequence", groups[n], shared) for n in order]
    scales = [rescale_of(transform if transform is not None else dataset, path) for transform in transforms]
    slope, intercept = together([s for s, _ in scales]), together([i for _, i in scales])
    header = DicomHeader((without_pixels(dataset),), tuple(order), words=tuple(words))
    return image_of(stack.transpose(2, 1, 0), affine, slope, intercept, path, header)
