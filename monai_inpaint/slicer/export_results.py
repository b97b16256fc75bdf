"""`PythonSlicer export_results.py FOLDER OUTPUT`: a filled volume as a derived DICOM series with all objects beside it.

FOLDER holds series/ (the source), image.nii (the filled volume), computed.nii, report.json, and if there are some
spread.nii and labels.nii. Run by `exports.ExportResults` in a separate process, in the Python of the package; not
imported by Slicer.
"""

import itertools
import json
import sys
from pathlib import Path


def main(folder: str, output: str) -> int:
    """Computed voxels get the value of the filled volume; all others keep those of the series, bit for bit."""
    from monai_inpaint.dicom.results import write_results
    from monai_inpaint.dicom.segmentation_writer import AFFECTED, METAL
    from monai_inpaint.io import read_image

    place = Path(folder)
    source = read_image(place / "series")

    def aligned(name):
        return on_grid_of(source, read_image(place / f"{name}.nii"))

    units, computed = aligned("image"), aligned("computed") > 0
    check_known(source, units, computed)
    stored = source.stored(units)
    voxels = source.voxels.copy(order="K")
    changed = computed & (units != source.units())
    voxels[changed] = stored[changed]
    spread = aligned("spread").astype("float32") if (place / "spread.nii").exists() else None
    regions = {}
    if (place / "labels.nii").exists():
        labels = aligned("labels")
        regions = {METAL: labels == 1, AFFECTED: labels == 2}
    report = json.loads((place / "report.json").read_text(encoding="utf-8"))
    write_results(source, source.with_voxels(voxels), computed, report, Path(output), spread, regions)
    return 0


def on_grid_of(source, volume):
    """Return the volume's units with its axes swapped and flipped to those of the source.

    Raises:
        InputError: they are not the same voxels.
    """
    import numpy as np

    from monai_inpaint.errors import InputError

    if source.voxels.ndim == 2:  # rows and columns; Slicer's volume of a film is columns, rows and one slice
        if volume.voxels.shape == (*source.voxels.shape[::-1], 1):
            return volume.units()[..., 0].T
        raise InputError("The filled volume does not have the rows and columns of its film; it cannot be exported.")
    for axes in itertools.permutations(range(min(volume.voxels.ndim, 3))):
        sizes = [volume.voxels.shape[axis] for axis in axes]
        if tuple(sizes) != source.voxels.shape:
            continue
        for flips in itertools.product((1, -1), repeat=len(axes)):
            affine = volume.affine[:, [*axes, 3]].copy()
            for axis, flip in enumerate(flips):
                if flip < 0:
                    affine[:, 3] += affine[:, axis] * (sizes[axis] - 1)
                    affine[:, axis] *= -1
            if np.allclose(affine, source.affine, atol=0.05):
                return volume.units().transpose(axes)[tuple(slice(None, None, flip) for flip in flips)]
    raise InputError("The filled volume does not lie on the grid of its DICOM series; it cannot be exported.")


def check_known(source, units, computed):
    """Refuse a volume whose other voxels are not those of the series.

    Raises:
        InputError: they differ by more than rounding.
    """
    import numpy as np

    from monai_inpaint.errors import InputError

    before = source.units()
    step = max(1e-3, 1e-5 * float(np.nanmax(np.abs(before))))
    with np.errstate(invalid="ignore"):
        differs = np.abs(units - before) > step
    if (differs & ~computed).any():
        raise InputError(
            "The volume has other values than its DICOM series where nothing was filled, so it was changed by "
            "something else; load the series again and fill that."
        )


if __name__ == "__main__":
    from monai_inpaint.failure import exit_code_of

    sys.exit(exit_code_of(lambda: main(*sys.argv[1:])))
