"""Protocol of a reader study whose holes are given as files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from monai_inpaint.evaluation.ellipsoids import FEWEST_SLICES, MARGIN
from monai_inpaint.evaluation.fill_protocol import FillProtocol
from monai_inpaint.evaluation.image_region import ImageRegion, MarkedRegion, check_anatomy, slices_of
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image

VARIANT = "given hole"


def cut_given_hole(
    image: Image, lesion: np.ndarray | None, modality: str, rng: np.random.Generator
) -> Iterator[MarkedRegion | str]:
    """Cut the image around its hole: a 2D image as it is, of a volume the part within `MARGIN` mm of the hole.

    Volumes of few slices, or without a spacing, contribute up to three slices.

    Args:
        image: 2D or 3D.
        lesion: the hole, on the image's grid.
        modality: "cxr", "ct" or "mr".
        rng: draws slices.
    """
    box = None if lesion is None else extent(lesion)
    if lesion is None or box is None:
        yield "its hole is empty."
        return
    if image.voxels.ndim == 2 or image.voxels.shape[2] < FEWEST_SLICES or image.affine is None or image.inverted:
        for part in slices_of(image, lesion, modality, rng):
            assert part.lesion is not None
            yield part, part.lesion, VARIANT, "" if part.index is None else f"#{part.index}"
        return
    check_anatomy(image, modality)
    assert image.spacing is not None
    margins = [int(np.ceil(MARGIN / step)) for step in image.spacing]
    kept = tuple(
        slice(max(side.start - more, 0), min(side.stop + more, size))
        for side, more, size in zip(box, margins, image.voxels.shape, strict=True)
    )
    values = image.units(kept)
    if not np.isfinite(values).all():
        yield "around its hole it contains NaN or infinite values."
        return
    moved = image.affine.copy()
    moved[:3, 3] += moved[:3, :3] @ [side.start for side in kept]
    yield ImageRegion(values, None, None, image.spacing, False, moved), lesion[kept], VARIANT, ""


GIVEN_HOLES = FillProtocol(
    "given holes", "images with the holes that were given; of volumes three planes", cut_given_hole, 128, lesions=True
)
