"""Provenance of the figures: data, protocol, hardware, versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from monai_inpaint.evaluation.protocol_interface import Method, Protocol
from monai_inpaint.evaluation.summary import label_among
from monai_inpaint.machine import processor, versions


def facts_of(
    protocol: Protocol,
    methods: Sequence[Method],
    *,
    seed: int,
    data: str,
    selection: dict[str, str | None],
    counts: str,
    engine: str,
    features: str | None,
) -> dict[str, str]:
    """Name and value of each fact, in the order of display."""
    chosen = ", ".join(f"{name} {value}" for name, value in selection.items() if value is not None)
    images, taken = protocol.facts(methods, features)
    names = [method.name for method in methods]
    bundles = ", ".join(f"{label_among(m.name, names)} = {m.version}" for m in methods if not m.classical)
    return {
        "protocol": protocol.name,
        "seed": str(seed),
        **images,
        "data": f"{data}: {chosen or 'every row'}",
        "cases": counts,
        **taken,
        **({"bundles": bundles, "engine": engine} if bundles else {}),
        "hardware": f"{platform.machine()}, {processor()}, {os.cpu_count()} logical cores, {platform.system()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": ", ".join(versions(protocol.packages)),
    }
