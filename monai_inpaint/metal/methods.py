"""Methods of metal artifact reduction; a new one is added to `METHODS`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.modality import MODALITIES
from monai_inpaint.metal.by_inpainting import inpaint
from monai_inpaint.metal.by_projection import li_method, network_method, nmar_method
from monai_inpaint.metal.network_prior import BUNDLE
from monai_inpaint.metal.task import Correction, Task
from monai_inpaint.registry import KINDS, BundleInfo, find_bundle

METHODS: dict[str, Callable[[Task], Correction]] = {
    "inpaint": inpaint,
    "li": li_method,
    "nmar": nmar_method,
    "network": network_method,
}


# What a bundle is for, by its kind; each of these methods has a default one too, all others run no network.
_NETWORKS = {"inpainting": "inpaint", "correction": "network"}


def choose(
    modality: str,
    method: str | None,
    bundle: str | Path | None,
    find: Callable[[str | Path], BundleInfo] = find_bundle,
) -> tuple[str, BundleInfo | None]:
    """Choose the method and its bundle (None where it runs no network), where either is left open.

    Args:
        modality: "ct" or "mr".
        method: one of `METHODS`; None: what the bundle is for, else `network` for a CT where ASTRA is installed, else
            `inpaint`.
        bundle: a bundle's name or folder; None or the modality: the method's own.
        find: finds a bundle by its name.

    Raises:
        InputError: an unknown method, one that does not apply to MR, or a bundle of another kind or modality.
    """
    if bundle in MODALITIES and bundle != modality:
        raise InputError(
            f"The bundle {bundle} does not fill {modality.upper()} images; use --bundle {modality}, or leave it out."
        )
    named = None if bundle in (None, modality) else find(bundle)
    if named and named.kind not in _NETWORKS:
        raise InputError(
            f"The bundle {named.name} does not reduce metal artifacts, {KINDS[named.kind]}; use {BUNDLE}, ct or mr."
        )
    if method is None:
        projecting = modality == "ct" and find_spec("astra")
        method = _NETWORKS[named.kind] if named else "network" if projecting else "inpaint"
    if method not in METHODS:
        raise InputError(f"There is no method {method!r}; known are {', '.join(METHODS)}.")
    if modality == "mr" and method != "inpaint":
        raise InputError(f"The method {method} works on the projections of a CT; an MR has none: use inpaint.")
    if method not in _NETWORKS.values():
        return method, None
    if named and _NETWORKS[named.kind] != method:
        raise InputError(f"{named.name} is for {_NETWORKS[named.kind]}, not for {method}; leave out one of them.")
    return method, named or find(BUNDLE if method == "network" else modality)
