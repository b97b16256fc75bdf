"""Show the output of `monai-inpaint info --json` as lines of text."""

from typing import Any


def info_lines(facts: dict[str, Any]) -> list[str]:
    """Return version, engine, bundles, metal correction and memory, a line each.

    Args:
        facts: the parsed JSON; `memory` is there only if a volume and a region were named.
    """
    engines = ", ".join(f"{name} {version}" for name, version in facts["engines"].items())
    bundles = ", ".join(f"{bundle['name']} {bundle['version']}" for bundle in facts["bundles"])
    projections = "astra-toolbox" in facts["packages"]
    return [
        f"monai-inpaint {facts['version']}, Python {facts['python']}",
        f"engine: {engines}; device: {facts.get('device') or 'unknown'}" if engines else "engine: none, press Install",
        f"bundles: {bundles or 'none, press Install'}",
        f"metal in CT by projections: {'yes' if projections else 'no, press Install for metal'}",
        _memory_line(facts.get("memory")),
    ]


def _memory_line(memory: dict[str, float | None] | None) -> str:
    if memory is None:
        return "memory: choose a volume and a region"
    expected, free = memory["expected_mb"], memory["available_mb"]
    line = f"memory: this fill takes about {expected:.0f} MB"
    if free is None:
        return line
    return f"{line}, {free:.0f} MB are free" + (": close other programs first" if free < expected else "")
