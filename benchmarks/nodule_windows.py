"""Windows with and without a nodule: of LIDC's crops, and of healthy films with projected nodules.

A whole crop is no task for a detector, as its nodule lies in the middle; so its windows lie anywhere around the nodule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from benchmarks.nodule_pictures import enlarged_projection
from benchmarks.outpainting import film_at
from benchmarks.setting import Options
from monai_inpaint.datasets.boxed_images import read_truth
from monai_inpaint.datasets.finding_boxes import Box, BoxedImage
from monai_inpaint.datasets.lidc_crops import read_lidc_crop
from monai_inpaint.datasets.lidc_outlines import NoduleReading, read_lidc_outlines
from monai_inpaint.datasets.listing import is_healthy
from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.lung_mask import film_regions
from monai_inpaint.io import read_image, write_image
from monai_inpaint.synthesis.nodules.displayed_slice import CT, FILM, DisplayedSlice
from monai_inpaint.synthesis.nodules.places import corner_of, draw_place
from monai_inpaint.synthesis.nodules.projection import film_contrast

CROP, FILM_SIDE = 128, 512  # pixels
MARGIN = 2  # pixels between a nodule and the edge of its window
_LUNG = -500.0  # HU, below which a pixel is lung
_APART = 4  # pixels between a nodule and the lung that another one may lie in
_SLICES = 6  # of a nodule that is projected; the outlines of fewer look like a stack of discs


@dataclass(frozen=True)
class Kind:
    """What windows are cut from.

    Attributes:
        modality: as images state it.
        pixel: mm; 1 where it is not known and lengths are in pixels.
        window: pixels of a side of a window.
        diameters: of nodules, all equally likely, in mm or pixels.
        turned: whether windows are turned by quarters.
    """

    modality: str
    pixel: float
    window: int
    diameters: tuple[float, float]
    turned: bool


LIDC_CROPS = Kind(CT, 1.0, 48, (4.0, 24.0), turned=True)
FILMS = Kind(FILM, 360.0 / FILM_SIDE, 128, (8.0, 30.0), turned=False)  # films of adults are about 360 mm wide


@dataclass(frozen=True, eq=False)
class Source:
    """An image with a nodule that windows are cut from.

    Attributes:
        patient, kind: of the image.
        values: int16 (rows, columns), HU or grey levels.
        nodule: bool.
        lung: bool, where synthetic nodules may lie.
        middles: bool, where the middle of a window may lie.
        water: of a projected nodule, mm of water in its box.
        contrast: grey levels for each mm of water.
    """

    patient: str
    kind: Kind
    values: np.ndarray
    nodule: np.ndarray
    lung: np.ndarray
    middles: np.ndarray
    water: np.ndarray | None = None
    contrast: float = 0.0

    def pasted(self, other: Source, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
        """The values with another's nodule somewhere in the lung, and where it is; None where there is no room."""
        box = extent(other.nodule)
        assert box is not None
        shape = other.nodule[box]
        for row, column in rng.permutation(np.argwhere(self.lung))[:200]:
            top, left = corner_of((int(row), int(column)), shape)
            bottom, right = top + shape.shape[0], left + shape.shape[1]
            if top < 0 or left < 0 or bottom > self.lung.shape[0] or right > self.lung.shape[1]:
                continue
            index = slice(top, bottom), slice(left, right)
            if self.lung[index][shape].all():
                made, mask = self.values.copy(), np.zeros(self.lung.shape, bool)
                if other.water is None:
                    made[index] = np.where(shape, other.values[box], made[index])
                else:
                    made[index] = np.rint(made[index] + self.contrast * other.water)
                mask[index] = shape
                return made, mask
        return None


def read_sources(options: Options) -> list[Source]:
    """The images of the list that windows are cut from.

    Raises:
        InputError: the list or an image is at fault, or for films pylidc is not installed.
    """
    assert options.data is not None
    limit = 4 if options.tiny else options.limit
    return _crops(options, limit) if options.source == "lidc" else _films(options, limit)


def _crops(options: Options, limit: int | None) -> list[Source]:
    assert options.data is not None
    sources: list[Source] = []
    for entry in read_data_list(options.data, split=options.split, source=options.source):
        crop = read_lidc_crop(entry.path)
        nodule = crop.agreement if crop.agreement.any() else crop.readers[0]
        if max(_box(nodule)[2:]) > LIDC_CROPS.window - 2 * MARGIN or nodule.shape != (CROP, CROP):
            continue
        lung = binary_erosion(crop.hounsfield < _LUNG, iterations=2) & _away_from(nodule)
        values = np.rint(crop.hounsfield).clip(-1024, 3071).astype(np.int16)
        sources.append(Source(entry.patient, LIDC_CROPS, values, nodule, lung, np.ones(nodule.shape, bool)))
        if len(sources) == limit:
            break
    return sources


def _films(options: Options, limit: int | None) -> list[Source]:
    """A healthy film of each patient, with a nodule of a patient of LIDC that no other film has one of.

    Left out are films in which no lung is found or the nodule finds no room.
    """
    assert options.data is not None
    readings: dict[str, list[NoduleReading]] = defaultdict(list)
    for reading in read_lidc_outlines(options.split, options.data):
        if len({outline.z for outline in reading.outlines}) >= _SLICES:
            readings[reading.patient].append(reading)
    order = np.random.default_rng(options.seed).permutation(sorted(readings))
    entries = read_data_list(options.data, split=options.split, source=options.source)
    films = {entry.patient or entry.path.stem: entry for entry in entries if is_healthy(entry.note)}
    sources: list[Source] = []
    for (patient, entry), other in zip(films.items(), order, strict=False):
        rng = np.random.default_rng([options.seed, crc32(patient.encode())])
        source = _with_projection(patient, film_at(read_image(entry.path), FILM_SIDE), readings[str(other)], rng)
        sources += [source] if source else []
        if len(sources) == limit:
            break
    if not sources:
        raise InputError(f"{options.data} must name healthy films of {options.source} in split {options.split}.")
    return sources


def _with_projection(
    patient: str, film: np.ndarray, readings: Sequence[NoduleReading], rng: np.random.Generator
) -> Source | None:
    try:
        lungs = film_regions(film).lungs
    except InputError:  # no lung was found
        return None
    diameter = float(rng.uniform(*FILMS.diameters))
    water, shape = enlarged_projection(readings[int(rng.integers(len(readings)))], diameter, FILMS.pixel)
    plane = DisplayedSlice(Image(film, None, FILM), None)
    placed = draw_place([plane], lambda _: (lungs, lungs), shape, rng)
    if placed is None:
        return None
    index = tuple(slice(at, at + size) for at, size in zip(corner_of(placed[1], shape), shape.shape, strict=True))
    contrast, values, nodule = film_contrast(plane.units), film.astype(np.int16), np.zeros(film.shape, bool)
    values[index] = np.rint(values[index] + contrast * water)
    nodule[index] = shape
    return Source(patient, FILMS, values, nodule, lungs & _away_from(nodule), lungs, water, contrast)


def _away_from(nodule: np.ndarray) -> np.ndarray:
    return ~binary_dilation(nodule, iterations=_APART)


def write_windows(sources: Sequence[Source], folder: Path, seed: int) -> list[BoxedImage]:
    """A window with and one without its nodule of each, written once."""
    if not (folder / "metadata.csv").exists():
        images: list[BoxedImage] = []
        for source in sources:
            rng = np.random.default_rng([seed, crc32(source.patient.encode())])
            for name, with_it in (("with", True), ("without", False)):
                mask = source.nodule if with_it else None
                image = cut_window(source, source.values, mask, rng, f"{source.patient}_{name}", folder)
                images += [image] if image else []
        write_node21(images, folder)
    return read_truth(folder)


def cut_window(
    source: Source,
    values: np.ndarray,
    nodule: np.ndarray | None,
    rng: np.random.Generator,
    name: str,
    folder: Path,
) -> BoxedImage | None:
    """Draw a window, turn it, and write it into images/.

    Args:
        source: that it is cut from.
        values: of the source, or those with a synthetic nodule.
        nodule: what the window shows, and none other of the source; None: no nodule.
        rng: the source of chance.
        name: of the file.
        folder: of the data set.

    Returns:
        The image with its box, or None where no window is possible.
    """
    own, side = _box(source.nodule), source.kind.window
    inside = None if nodule is None else _box(nodule)
    starts = _starts(source.middles, side, inside, None if nodule is source.nodule else own)
    if not len(starts):
        return None
    left, top = (int(n) for n in starts[rng.integers(len(starts))])
    pixels, turns = values[top : top + side, left : left + side], int(rng.integers(4)) * source.kind.turned
    turned = [] if inside is None else [(inside[0] - left, inside[1] - top, *inside[2:])]
    for _ in range(turns):  # against the clock: a column becomes the row counted from below
        pixels = np.rot90(pixels)
        turned = [(y, side - x - width, height, width) for x, y, width, height in turned]
    path = folder / "images" / f"{name}.mha"
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([source.kind.pixel, source.kind.pixel, 1.0, 1.0])
    write_image(Image(np.ascontiguousarray(pixels), affine, source.kind.modality), path, overwrite=True)
    return BoxedImage(path.name, side, side, tuple(turned), patient=source.patient, path=path)


def _box(mask: np.ndarray) -> Box:
    found = extent(mask)
    assert found is not None
    rows, columns = found
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


def _starts(middles: np.ndarray, side: int, inside: Box | None, outside: Box | None) -> np.ndarray:
    """First columns and rows (n, 2) of all windows that hold one box with a margin, and touch none of another."""
    half = side // 2
    rows, columns = (size - side + 1 for size in middles.shape)
    places = np.argwhere(middles[half : half + rows, half : half + columns])[:, ::-1]
    kept = np.ones(len(places), bool)
    if inside is not None:
        low, high = np.array(inside[:2]), np.array(inside[:2]) + inside[2:]
        kept &= ((places + MARGIN <= low) & (places + side - MARGIN >= high)).all(axis=1)
    if outside is not None:
        low, high = np.array(outside[:2]), np.array(outside[:2]) + outside[2:]
        kept &= ((places + side <= low) | (places >= high)).any(axis=1)
    return places[kept]
