"""Seeded hole makers. Each is a pair: `random_X` draws JSON-able parameters, `draw_X` replays them to a boolean array.

Arrays have the image's shape, 2D (rows, columns) or 3D (i, j, k), and are True in the hole.
"""

from monai_inpaint.holes.blobs import draw_blobs, random_blobs
from monai_inpaint.holes.boxes import draw_boxes, random_boxes
from monai_inpaint.holes.free_form import draw_free_form, random_free_form
from monai_inpaint.holes.lesions import draw_moved_lesion, random_moved_lesion
from monai_inpaint.holes.mixture import KINDS, draw_hole, random_hole
from monai_inpaint.holes.square import centre_square, draw_square, random_square
from monai_inpaint.holes.strokes import draw_strokes, random_strokes

__all__ = [
    "KINDS",
    "centre_square",
    "draw_blobs",
    "draw_boxes",
    "draw_free_form",
    "draw_hole",
    "draw_moved_lesion",
    "draw_square",
    "draw_strokes",
    "random_blobs",
    "random_boxes",
    "random_free_form",
    "random_hole",
    "random_moved_lesion",
    "random_square",
    "random_strokes",
]
