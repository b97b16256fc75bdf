"""Which bundles there are, what they do, and what their training cost; readable in milliseconds, without torch."""

from __future__ import annotations

from monai_inpaint.registry.bundle_info import KINDS, BundleInfo, Capabilities, bundles, find_bundle, find_generator

__all__ = ["KINDS", "BundleInfo", "Capabilities", "bundles", "find_bundle", "find_generator"]
