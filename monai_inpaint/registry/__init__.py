"""Registry of the bundles and of the cost of their training; readable in milliseconds, without torch."""

from __future__ import annotations

from monai_inpaint.registry.bundle_info import (
    KINDS,
    SOURCE,
    BundleInfo,
    Capabilities,
    bundles,
    find_bundle,
    find_generator,
    not_installed,
)

__all__ = [
    "KINDS",
    "SOURCE",
    "BundleInfo",
    "Capabilities",
    "bundles",
    "find_bundle",
    "find_generator",
    "not_installed",
]
