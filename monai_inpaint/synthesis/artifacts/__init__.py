"""Seeded makers of simulated artifacts, to train and test networks that detect them.

Each is a pair: `random_X` draws JSON-able parameters, `draw_X` draws the artifact into a clean image (rows, columns)
in units, and returns the image and the region of the artifact (bool). Outside the region nothing changes, except by
streaks of metal in CT.
"""

from monai_inpaint.synthesis.artifacts.artifact_mixture import KINDS, draw_artifact, random_artifact
from monai_inpaint.synthesis.artifacts.bars import draw_bars, random_bars
from monai_inpaint.synthesis.artifacts.contrast import contrast_of
from monai_inpaint.synthesis.artifacts.metal_artifacts import draw_metal, random_metal
from monai_inpaint.synthesis.artifacts.text import draw_text, random_text
from monai_inpaint.synthesis.artifacts.voids import draw_voids, random_voids

__all__ = [
    "KINDS",
    "contrast_of",
    "draw_artifact",
    "draw_bars",
    "draw_metal",
    "draw_text",
    "draw_voids",
    "random_artifact",
    "random_bars",
    "random_metal",
    "random_text",
    "random_voids",
]
