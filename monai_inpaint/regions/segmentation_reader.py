"""Read a hole from a DICOM segmentation (SEG): its frames, placed on the slices they were drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import HALF, Hole
from monai_inpaint.io.checks import check_affine, parsing
from monai_inpaint.io.dicom.compressed_size import check_size
from monai_inpaint.io.dicom.file import load
from monai_inpaint.io.dicom.geometry import Plane, macro_of, plane_affine, plane_of_frame
from monai_inpaint.regions.references import check_drawn_on, check_frame, chosen

_OFF = 0.05  # slices that a frame may lie beside a slice and still be on it
# those of JPEG 2000 may be lossless, which their name does not show
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
_MOST = 2**30  # voxels that frames may span


def read_segmentation(path: Path, image: Image, segment: str | None) -> Hole:
    """Read the chosen segments of a SEG, united.

    Frames that were drawn on the image's own slices, which is usual, are placed on those; otherwise on slices at the
    spacing of the frames, which are resampled later like any hole on another grid. A fractional segment is thresholded
    at one half. Frames without a position, of films, are applied pixel by pixel.

    Args:
        path: a SEG of the kinds BINARY, FRACTIONAL or LABELMAP.
        image: the series it refers to.
        segment: see `read_hole`.

    Raises:
        InputError: see `read_hole`; or frames that are not slices of one stack.
    """
    with parsing(path, "a DICOM segmentation"):
        dataset = load(path)
        check_drawn_on(dataset, image, path)
        if dataset.file_meta.get("TransferSyntaxUID") in _LOSSY:
            raise InputError(
                f"{path} is compressed with loss, whose noise would be filled as well; save it without loss."
            )
        segments = segments_of(dataset)
        names = [str(item.get("SegmentLabel") or "") for item in segments]
        listed = [int(item.SegmentNumber) for item in segments]
        numbers = {listed[n] for n in chosen(names, listed, segment, path, "segments")}
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        groups = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
        if len(groups) != int(dataset.get("NumberOfFrames") or 1):
            raise InputError(f"{path} does not state where its frames lie; write it again.")
        check_size(dataset, path)
        labels = str(dataset.get("SegmentationType", "")) == "LABELMAP"
        wanted = [n for n, group in enumerate(groups) if labels or _number(group, shared) in numbers]
        if not wanted:
            raise InputError(f"{path} has no frame of the segment to fill: the segment is empty.")
        planes = [plane_of_frame(groups[n], shared) for n in wanted]
        threshold = HALF if str(dataset.get("SegmentationType", "")) == "FRACTIONAL" else None
        if all(plane is None for plane in planes):
            return Hole(_by_pixels(dataset, wanted, numbers, image, path), threshold)
        check_frame(dataset.get("FrameOfReferenceUID"), image, path)
        return Hole(_stacked(dataset, wanted, planes, numbers, image, path), threshold)


def segments_of(dataset: Dataset) -> list[Dataset]:
    """Return the segments of a SEG, without the background that a label map may list as one."""
    segments = list(dataset.get("SegmentSequence") or [])
    if str(dataset.get("SegmentationType", "")) != "LABELMAP":
        return segments
    background = int(dataset.get("PixelPaddingValue") or 0)
    return [item for item in segments if int(item.SegmentNumber) != background]


def _stacked(
    dataset: Dataset,
    wanted: Sequence[int],
    planes: Sequence[Plane | None],
    numbers: set[int],
    image: Image,
    path: Path,
) -> Image:
    """Frames with a place: (i across, j down, k along the normal)."""
    placed = [plane for plane in planes if plane is not None]
    first = placed[0]
    if len(placed) < len(planes) or any(_turned(plane, first) for plane in placed):
        raise InputError(f"{path} has frames that are not parallel, or have no place; give one stack of frames.")
    origin, step, count = _slices(placed, image, path)
    size = float(np.linalg.norm(step))
    where = [float((plane.origin - origin) @ step) / size**2 for plane in placed]
    lateral = max(np.linalg.norm(plane.origin - origin - k * step) for plane, k in zip(placed, where, strict=True))
    if lateral > 0.5 * np.linalg.norm(first.across):
        raise InputError(f"{path} has frames that lie beside each other, not behind each other; give one stack.")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns * count > _MOST:
        raise InputError(f"{path} spans {count} slices of {columns} x {rows} voxels, more than can be held.")
    stack = np.zeros((count, rows, columns), bool)
    for n, k in zip(wanted, where, strict=True):
        stack[round(k)] |= _marked(dataset, n, numbers)
    affine = plane_affine(Plane(origin, first.across, first.down, size))[:, [1, 0, 2, 3]]
    affine[:3, 2] = step * np.array([-1.0, -1.0, 1.0])
    return Image(stack.transpose(2, 1, 0), check_affine(path, affine), path=path)


def _slices(planes: Sequence[Plane], image: Image, path: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """The stack that frames belong to, in LPS mm: where it begins, its step, and how many slices it has.

    The image's own slices, in their order, if all frames are on those; else the frames' own.
    """
    assert image.affine is not None
    solid = image.voxels.shape if image.voxels.ndim == 3 else (*image.voxels.shape, 1)
    step = image.affine[:3, 2] * [-1.0, -1.0, 1.0]
    start = image.affine[:3, 3] * [-1.0, -1.0, 1.0]
    normal, size = step / np.linalg.norm(step), float(np.linalg.norm(step))
    if abs(normal @ planes[0].normal) > 1 - 1e-4:
        depth = np.array([(plane.origin - start) @ normal / size for plane in planes])
        on = np.abs(depth - np.rint(depth)).max() < _OFF and depth.min() > -0.5 and depth.max() < solid[2] - 0.5
        if on:
            # frames may begin at another pixel than the image does: their own corner, on the image's first slice
            return planes[0].origin - np.rint(depth[0]) * step, step, solid[2]
    normal = planes[0].normal
    depth = np.array([plane.origin @ normal for plane in planes])
    levels = _levels(depth)
    size = float(np.diff(levels).min()) if len(levels) > 1 else planes[0].thickness
    corner = planes[int(np.argmin(depth))].origin
    steps = (levels - levels[0]) / size
    if np.abs(steps - np.rint(steps)).max() > _OFF:
        raise InputError(f"{path} has frames at uneven distances that are not on the slices of {image.path}.")
    return corner, normal * size, int(np.rint(steps[-1])) + 1


def _levels(depth: np.ndarray) -> np.ndarray:
    """Depths in mm, sorted; those that agree but for rounding count once."""
    ordered = np.sort(depth)
    return ordered[np.concatenate([[True], np.diff(ordered) > 1e-2])]


def _by_pixels(dataset: Dataset, wanted: Sequence[int], numbers: set[int], image: Image, path: Path) -> Image:
    """Frames without a place on a film: pixel by pixel."""
    if image.voxels.ndim != 2 or image.voxels.shape != (int(dataset.Rows), int(dataset.Columns)):
        raise InputError(f"{path} has frames without a place, and of another size than {image.path}.")
    marked = np.zeros(image.voxels.shape, bool)
    for n in wanted:
        marked |= _marked(dataset, n, numbers)
    return Image(marked, image.affine, path=path, placed=image.placed)


def _marked(dataset: Dataset, frame: int, numbers: set[int]) -> np.ndarray:
    """(rows, columns) bool: what a frame marks of the chosen segments."""
    if int(dataset.get("BitsAllocated") or 0) == 1 and not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return _bits(dataset, frame)
    values = np.asarray(pixel_array(dataset, index=frame, raw=True))
    kind = str(dataset.get("SegmentationType", "BINARY"))
    if kind == "LABELMAP":
        return np.isin(values, sorted(numbers))
    if kind == "FRACTIONAL":
        return values >= HALF * float(dataset.get("MaximumFractionalValue") or 255)
    return values != 0


def _bits(dataset: Dataset, frame: int) -> np.ndarray:
    """Unpack a frame of single bits, which starts within a byte unless rows x columns is a multiple of 8 (PS3.5)."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    first = frame * rows * columns
    last = first + rows * columns
    part = np.frombuffer(dataset.PixelData, np.uint8)[first // 8 : -(-last // 8)]
    bits = np.unpackbits(part, bitorder="little")[first % 8 :][: rows * columns]
    return bits.reshape(rows, columns) != 0


def _number(group: Dataset, shared: Dataset) -> int:
    item = macro_of("SegmentIdentificationSequence", group, shared) or Dataset()
    return int(item.get("ReferencedSegmentNumber") or 0)


def _turned(plane: Plane, other: Plane) -> bool:
    steps = np.concatenate([plane.across - other.across, plane.down - other.down])
    return bool(np.abs(steps).max() > 1e-3 * np.linalg.norm(other.across))
