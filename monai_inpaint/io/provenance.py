"""Provenance of a derived image, from the report of the run that made it."""

from __future__ import annotations

from typing import Any

from monai_inpaint.version import __version__


def derivation_of(report: dict[str, Any]) -> dict[str, str]:
    """{"description", "model", "version", "label"} for `write_image`, from the report of a fill or of metal reduction.

    The label states what was done; descriptions begin with it. If burned-in text is filled and asserted to be complete,
    "burned_in" is "NO".
    """
    bundle = report.get("bundle")
    more: dict[str, str] = {}
    model = f"{bundle['name']} {bundle['version']}" if bundle else "monai-inpaint metal"
    if "method" in report:
        what = _metal_reduced(report)
    else:
        drawn = report["drawn"]
        fill = f"one sample, seed {drawn['seed']}" if drawn["fill"] == "sample" else drawn["fill"]
        burned_in = report.get("hole", {}).get("burned_in")
        region = "Burned-in text" if burned_in else "Region"
        what = f"{region} filled by monai-inpaint ({fill})"
        if burned_in and burned_in["complete"]:
            more["burned_in"] = "NO"
    label = "Metal artifacts reduced" if "method" in report else "AI-filled"
    return {"description": what, "model": model, "version": __version__, "label": label, **more}


def _metal_reduced(report: dict[str, Any]) -> str:
    """Description of a metal artifact reduction; short with an assigned value, as only 64 characters fit."""
    assigned = report.get("metal_hu")
    if not assigned:
        return f"Metal artifacts reduced by monai-inpaint ({report['method']}, metal {report['metal']})"
    value = f"{assigned['hu']:g} HU" + (f", {assigned['material']}" if assigned["material"] else "")
    return f"Metal artifacts reduced ({report['method']}, metal at {value})"
