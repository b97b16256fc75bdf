"""`python -m monai_inpaint.demo.computed_sample film|hip FOLDER`: an image of no patient, and what to fill in it.

Writes image.nii, hole.nii and place.json (indices to mm), for the samples of the 3D Slicer module.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from monai_inpaint.demo.painted import paint_pacemaker
from monai_inpaint.demo.pelvis import pelvis_slice
from monai_inpaint.demo.phantom import FIELD, SIDE, chest_film
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.morphology import grown
from monai_inpaint.io import write_image
from monai_inpaint.synthesis.metal.simulate import simulate_metal

_GROWN = 2.0  # mm that the hole reaches beyond the wire: blur at the edge is to go too


def film() -> tuple[Image, np.ndarray]:
    """Return a computed chest film with a painted pacemaker and its wire, as a volume of one slice, and where they are.

    The axes are columns (to the patient's left), rows (to the feet) and the slice.
    """
    painted, device = paint_pacemaker(chest_film())
    step = FIELD / SIDE
    affine = np.array([[-step, 0, 0, FIELD / 2], [0, 0, 1, 0], [0, -step, 0, FIELD / 2], [0, 0, 0, 1.0]])
    hole = grown(device, _GROWN, (step, step))
    return Image(np.asfortranarray(painted.T[..., None], np.int16), affine, "cxr"), hole.T[..., None]


def hip() -> tuple[Image, np.ndarray]:
    """Return a computed slice through both hips with the simulated artifacts of an artificial one, and its metal.

    Raises:
        InputError: ASTRA is not installed.
    """
    pair = simulate_metal(pelvis_slice(), "hip", seed=3)
    return pair.artifact, pair.metal.voxels > 0


_KINDS = {"film": film, "hip": hip}


def main(kind: str, folder: str) -> int:
    """Write the sample of this kind into a folder; returns the exit code of `monai-inpaint`."""
    if kind not in _KINDS:
        raise InputError(f"There is no sample {kind!r}; known are {', '.join(_KINDS)}.")
    image, hole = _KINDS[kind]()
    place = Path(folder)
    write_image(image, place / "image.nii")
    write_image(image.map_of(np.asarray(hole, np.uint8)), place / "hole.nii")
    assert image.affine is not None
    (place / "place.json").write_text(json.dumps(image.affine.tolist()), encoding="utf-8")
    return DONE


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(*sys.argv[1:])))
