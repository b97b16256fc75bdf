"""`PythonSlicer make_sample.py film|hip FOLDER`: an image of no patient, with what there is to fill in it.

Writes image.nii, hole.nii and place.json (indices to mm). Run by `sample_data.MakeSample` in a separate process, in the
Python of the package; not imported by Slicer.
"""

import json
import sys
from pathlib import Path


def main(kind: str, folder: str) -> int:
    """Write the sample of this kind."""
    import numpy as np

    from monai_inpaint.imaging.image import Image
    from monai_inpaint.io import write_image

    voxels, hole, affine, modality = {"film": film, "hip": hip}[kind]()
    place = Path(folder)
    write_image(Image(np.asfortranarray(voxels), affine, modality), place / "image.nii")
    write_image(Image(np.asfortranarray(hole.astype(np.uint8)), affine, None), place / "hole.nii")
    (place / "place.json").write_text(json.dumps(affine.tolist()), encoding="utf-8")
    return 0


def film():
    """A computed chest film with a painted pacemaker and its wire: columns, rows, one slice."""
    import numpy as np
    from scipy.ndimage import binary_dilation

    from monai_inpaint.demo.painted import paint_pacemaker
    from monai_inpaint.demo.phantom import FIELD, SIDE, chest_film

    painted, device = paint_pacemaker(chest_film())
    step = FIELD / SIDE
    # columns run to the patient's left, rows to the feet
    affine = np.array([[-step, 0, 0, step * SIDE / 2], [0, 0, 1, 0], [0, -step, 0, step * SIDE / 2], [0, 0, 0, 1.0]])
    grown = binary_dilation(device, iterations=3)  # blur at the edge is to go too
    return painted.T[..., None].astype(np.int16), grown.T[..., None], affine, "cxr"


def hip():
    """A computed slice through both hips with the simulated artifacts of an artificial one; needs ASTRA."""
    from monai_inpaint.demo.pelvis import pelvis_slice
    from monai_inpaint.synthesis.metal.simulate import simulate_metal

    slice_ = pelvis_slice()
    pair = simulate_metal(slice_, "hip", seed=3)
    return pair.artifact.voxels, pair.metal, slice_.affine, "ct"


if __name__ == "__main__":
    from monai_inpaint.failure import exit_code_of

    sys.exit(exit_code_of(lambda: main(*sys.argv[1:])))
