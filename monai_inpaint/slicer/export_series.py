"""`PythonSlicer export_series.py SERIES FILLED.nii REPORT.json OUTPUT`: a filled volume as a derived DICOM series.

Run by `jobs.ExportSeries` in a separate process, in the Python of the package; not imported by Slicer.
"""

import itertools
import json
import sys
from pathlib import Path


def main(series: str, filled: str, report: str, output: str) -> int:
    """Changed voxels get the value of the filled volume; all others keep those of the series, bit for bit."""
    from monai_inpaint.io import read_image, write_image
    from monai_inpaint.io.provenance import derivation_of

    source, volume = read_image(series), read_image(filled)
    units = on_grid_of(source, volume)
    stored = source.stored(units)
    changed = units != source.units()
    voxels = source.voxels.copy(order="K")
    voxels[changed] = stored[changed]
    derived = derivation_of(json.loads(Path(report).read_text(encoding="utf-8")))
    write_image(source.with_voxels(voxels), f"{output}/", derived=derived)
    return 0


def on_grid_of(source, volume):
    """Return the volume's units with its axes swapped and flipped to those of the source.

    Raises:
        InputError: they are not the same voxels.
    """
    import numpy as np

    from monai_inpaint.errors import InputError

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


if __name__ == "__main__":
    from monai_inpaint.failure import exit_code_of

    sys.exit(exit_code_of(lambda: main(*sys.argv[1:])))
