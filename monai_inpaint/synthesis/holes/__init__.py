"""Seeded hole makers. Each is a pair: `random_X` draws JSON-able parameters, `draw_X` replays them to a boolean array.

Arrays have the image's shape, 2D (rows, columns) or 3D (i, j, k), and are True in the hole.
"""

from monai_inpaint.synthesis.holes.blobs import draw_blobs, random_blobs
from monai_inpaint.synthesis.holes.boxes import draw_boxes, random_boxes
from monai_inpaint.synthesis.holes.free_form import draw_free_form, random_free_form
from monai_inpaint.synthesis.holes.hole_mixture import DEVICES, KINDS, SHARES, draw_hole, random_hole
from monai_inpaint.synthesis.holes.lesions import draw_moved_lesion, random_moved_lesion
from monai_inpaint.synthesis.holes.metal_shapes import draw_metal, random_metal
from monai_inpaint.synthesis.holes.scattered import draw_scattered, random_scattered
from monai_inpaint.synthesis.holes.square import centre_square, draw_square, random_square, square_centres
from monai_inpaint.synthesis.holes.strokes import draw_strokes, random_strokes
from monai_inpaint.synthesis.holes.wires import draw_wires, random_wires

__all__ = [
    "DEVICES",
    "KINDS",
    "SHARES",
    "centre_square",
    "draw_blobs",
    "draw_boxes",
    "draw_free_form",
    "draw_hole",
    "draw_metal",
    "draw_moved_lesion",
    "draw_scattered",
    "draw_square",
    "draw_strokes",
    "draw_wires",
    "random_blobs",
    "random_boxes",
    "random_free_form",
    "random_hole",
    "random_metal",
    "random_moved_lesion",
    "random_scattered",
    "random_square",
    "random_strokes",
    "random_wires",
    "square_centres",
]
