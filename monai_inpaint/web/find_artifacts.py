"""`python -m monai_inpaint.web.find_artifacts IMAGE OUTPUT`: write where a network sees artifacts, and fill nothing.

Run by `fill_steps.FindJob` in a process of its own, which can be cancelled.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.progress import make_progress


def main(source: str, output: str) -> int:
    """Read, find and write a label map of 1 where something was found."""
    from monai_inpaint.io import write_image
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded
    from monai_inpaint.regions.sources import FoundArtifacts

    progress = make_progress("json")
    fork_reader(Path(source))  # before an engine starts threads
    image = read_image_guarded(source)
    found = FoundArtifacts().hole_in(image, progress.stage("find"))
    write_image(found.map_of(found.voxels * np.uint8(1)), output)
    return DONE


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(*sys.argv[1:])))
