"""Report of a fill."""

from __future__ import annotations

import platform
import sys
from collections import Counter
from typing import Any

import numpy as np

from monai_inpaint.fill.compose import untouched_hash
from monai_inpaint.imaging.image import Image
from monai_inpaint.registry import BundleInfo
from monai_inpaint.version import NOTICE, __version__


def fill_report(source: Image, filled: Image, hole: np.ndarray, facts: dict[str, Any]) -> dict[str, Any]:
    """Report versions, bundle, engine, geometry, notes, hole, windows, times, memory and hashes of untouched voxels.

    Raises:
        RuntimeError: the hashes differ.
    """
    before, after = untouched_hash(source.voxels, hole), untouched_hash(filled.voxels, hole)
    if before != after:
        raise RuntimeError(
            "Voxels outside the hole differ: an array was changed in place after the fill, or the program has a fault."
        )
    spacing = source.spacing
    sides: list[int] = facts["window_sides"]
    volume = float(np.prod(spacing)) if spacing and len(spacing) == 3 else None
    area = float(np.prod(spacing)) if spacing and len(spacing) == 2 else None
    return {
        **(report_head(source, facts["bundle"], facts["engine"]) if "bundle" in facts else image_head(source)),
        "hole": {
            **facts["hole"],
            "voxels": facts["hole_voxels"],
            "mm3": facts["hole_voxels"] * volume if volume else None,
            "mm2": facts["hole_voxels"] * area if area else None,
        },
        "drawn": facts["drawn"],
        "windows": {
            "count": len(sides),
            "by_side": {str(side): count for side, count in sorted(Counter(sides).items())},
        },
        "seconds": {name: round(value, 4) for name, value in facts["seconds"].items()},
        "peak_memory_mb": peak_memory_mb(),
        "untouched": {"algorithm": "sha256", "before": before, "after": after},
    }


def report_head(source: Image, bundle: BundleInfo, engine: dict[str, str]) -> dict[str, Any]:
    """Return the first entries of a network's report: notice, versions, bundle, engine, geometry, notes."""
    head = image_head(source)
    placed = {key: head.pop(key) for key in ("geometry", "notes")}
    return {**head, "bundle": bundle.facts(), "engine": engine, **placed}


def image_head(source: Image) -> dict[str, Any]:
    """Return the first entries of every report: notice, versions, geometry, notes."""
    spacing = source.spacing
    return {
        "notice": NOTICE,
        "versions": {"monai_inpaint": __version__, "python": platform.python_version(), "numpy": np.__version__},
        "geometry": {
            "shape": list(source.voxels.shape),
            "spacing_mm": list(spacing) if spacing else None,
            "affine_ras": source.affine.tolist() if source.affine is not None else None,
            "dtype": source.voxels.dtype.name,
        },
        "notes": list(source.notes),
    }


def peak_memory_mb() -> float | None:
    """Return the most memory this process has held, in MB; None where the system does not report it (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)
