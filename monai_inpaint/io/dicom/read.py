"""Read DICOM: one file (a slice, a film, an enhanced multi-frame volume) or a folder with one series."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.modality import FILMS
from monai_inpaint.io.checks import check_affine, parsing
from monai_inpaint.io.dicom.file import load
from monai_inpaint.io.dicom.folder import note_part, slices_in
from monai_inpaint.io.dicom.geometry import film_affine, plane_affine, plane_of, stack_planes
from monai_inpaint.io.dicom.header import BAD_VALUES, DicomHeader, image_of, without_pixels
from monai_inpaint.io.dicom.mosaic import check_no_mosaic
from monai_inpaint.io.dicom.multiframe import read_frames
from monai_inpaint.io.dicom.pixels import decode, empty_stack
from monai_inpaint.io.dicom.scale import rescale_of, together


def read(path: Path) -> Image:
    """Read one DICOM file: 2D (rows, columns), or 3D (i, j, k) from an enhanced multi-frame file."""
    with parsing(path, "DICOM", BAD_VALUES), _without_warnings():
        return _read(path)


def read_folder(folder: Path) -> Image:
    """The one series in a folder (not in its subfolders): 3D (i, j, k), i along rows, j down, k along the normal.

    Its slices are what `slices_in` finds; what it leaves out is stated in the image's notes.
    """
    with parsing(folder, "a DICOM series", BAD_VALUES), _without_warnings():
        return _read_folder(folder)


def _read(path: Path) -> Image:
    dataset = load(path)
    check_no_mosaic(dataset, path)
    if int(dataset.get("NumberOfFrames") or 1) > 1 or "PerFrameFunctionalGroupsSequence" in dataset:
        return replace(read_frames(dataset, path), notes=note_part(dataset))
    voxels, words = decode(dataset, path)
    plane = plane_of(dataset)
    if plane is not None:
        affine = plane_affine(plane)
    else:
        affine = film_affine(dataset) if dataset.get("Modality") in FILMS else None
    if affine is not None:
        check_affine(path, affine)
    slope, intercept = rescale_of(dataset, path)
    image = image_of(voxels, affine, slope, intercept, path, DicomHeader((without_pixels(dataset),), words=(words,)))
    return replace(image, placed=plane is not None)


def _read_folder(folder: Path) -> Image:
    slices = slices_in(folder)
    if len(slices.heads) == 1:
        image = _read(slices.heads[0][0])
        return replace(image, notes=(*slices.notes, *image.notes))
    order, affine = stack_planes(folder, [(path, plane_of(head)) for path, head in slices.heads])
    paths = [slices.heads[n][0] for n in order]

    stack, datasets, words = np.empty(0), [], []
    for k, path in enumerate(paths):
        dataset = load(path)
        pixels, more = decode(dataset, path)
        if k == 0:
            stack = empty_stack(folder, len(paths), pixels)
        stack[k] = pixels
        datasets.append(without_pixels(dataset))
        words.append(more)
    scales = [rescale_of(dataset, path) for dataset, path in zip(datasets, paths, strict=True)]
    slope, intercept = together([s for s, _ in scales]), together([i for _, i in scales])
    header = DicomHeader(tuple(datasets), words=tuple(words), left_out=slices.left_out)
    return replace(image_of(stack.transpose(2, 1, 0), affine, slope, intercept, folder, header), notes=slices.notes)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """pydicom warns of values that break a rule of the standard; they are kept as they are, or refused by us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
