"""Table of the protocols of `evaluate`."""

from __future__ import annotations

from functools import partial

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.ellipsoids import DIAMETERS, EACH, INSIDE, MARGIN, cut_ellipsoids
from monai_inpaint.evaluation.fill_protocol import FillProtocol
from monai_inpaint.evaluation.lung_patches import EACH_PLACE, PATCH, SQUARE, cut_lung_patches
from monai_inpaint.evaluation.protocol_interface import Protocol
from monai_inpaint.evaluation.slice_holes import (
    FILM,
    RING,
    SLICE,
    by_slice,
    cut_film_centre,
    cut_film_patches,
    cut_free_form,
    cut_lesion,
    cut_square,
)

METAL = "metal"  # corrections of metal artifacts, whose protocol is in `metal_protocol`


def find_protocol(name: str) -> Protocol:
    """Find a protocol by its name, `metal` included.

    Raises:
        InputError: there is none of that name.
    """
    if name == METAL:
        from monai_inpaint.evaluation.metal_protocol import MetalProtocol

        return MetalProtocol()
    if name not in PROTOCOLS:
        raise InputError(f"protocol {name!r} is not known; choose one of {', '.join((*PROTOCOLS, METAL))}.")
    return PROTOCOLS[name]


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        FillProtocol(
            "cxr-centre",
            f"the whole film averaged down to {FILM}x{FILM}; the centre {SQUARE}x{SQUARE} hidden, once entirely and "
            f"once with its {RING}-pixel ring visible ({SQUARE - 2 * RING}x{SQUARE - 2 * RING} hidden)",
            partial(by_slice, cut_film_centre),
            FILM,
            ("cxr",),
        ),
        FillProtocol(
            "cxr-patch",
            f"{PATCH}x{PATCH} patches of the full-resolution film, one seeded place in each lung's rough area; the "
            f"centre {SQUARE}x{SQUARE} hidden",
            partial(by_slice, cut_film_patches),
            PATCH,
            ("cxr",),
        ),
        FillProtocol(
            "cxr-lungs",
            f"{PATCH}x{PATCH} patches of the full-resolution film, {EACH_PLACE} seeded places in the lungs' boxes; "
            f"the centre {SQUARE}x{SQUARE} hidden; if the film has a lesion, as many patches whose hole lies in it "
            "(or covers as much of it as possible), and as many in the lungs' boxes that show nothing of it",
            partial(by_slice, cut_lung_patches),
            PATCH,
            ("cxr",),
            lesions=True,
        ),
        FillProtocol(
            "slice-square",
            f"slices averaged down to at most {SLICE} pixels a side; one seeded {SQUARE}x{SQUARE} square in the body",
            partial(by_slice, cut_square),
            SLICE,
        ),
        FillProtocol(
            "free-form",
            f"images averaged down to at most {SLICE} pixels a side; seeded blobs, strokes and boxes over 1-25 % of "
            "the image",
            partial(by_slice, cut_free_form),
            SLICE,
        ),
        FillProtocol(
            "lesion",
            f"slices averaged down to at most {SLICE} pixels a side; the lesion's shape mirrored to the other "
            "side (or, where that is not healthy tissue, moved, and halved until it fits); without a lesion a blob of "
            "0.5-5 % of the image; the name of a case contains it",
            partial(by_slice, cut_lesion),
            SLICE,
            lesions=True,
        ),
        FillProtocol(
            "ellipsoid",
            f"volumes at their own spacing, of each the {MARGIN:g} mm around a hole; {EACH} seeded ellipsoids each of "
            f"{' and '.join(f'{d:g}' for d in DIAMETERS)} mm mean diameter (axes 0.75 to 1.33 of it, any orientation), "
            f"at least {INSIDE:.0%} of each in the body",
            cut_ellipsoids,
            PATCH,
            ("ct", "mr"),
        ),
    )
}
