"""Charts of an evaluation: what each method gains over the best classical one, by case and by size of the hole."""

from __future__ import annotations

import numpy as np

from monai_inpaint.evaluation.summary import Result, Summary
from monai_inpaint.reports import Axis, Curve, line_chart

_FEWEST = 3  # cases worth a chart
_SHARES = (0.0, 25.0, 50.0, 75.0, 100.0)
_SPREAD = 1.5  # largest over smallest hole from which its size is worth a chart


def gain_charts(summary: Summary) -> list[str]:
    """Draw two SVG charts for each variant; none where no classical method stands in the table, or no other.

    The first chart shows the gains in PSNR of every case, in ascending order; the second, where holes differ in size,
    shows each case's gain at the number of voxels of its hole.
    """
    charts: list[str] = []
    for variant in summary.variants:
        best = summary.best_classical(variant)
        gains = {
            name: found
            for name in summary.methods
            if best and name not in summary.classical and len(found := _gains(summary, name, best, variant)) >= _FEWEST
        }
        if not gains:
            continue
        sizes = [result.hole_pixels for found in gains.values() for result, _ in found]
        heights = [gain for found in gains.values() for _, gain in found]
        up = Axis(f"dB over {best}", ticks(min(0.0, *heights), max(0.0, *heights)))
        ranked = [Curve(summary.label(name), *_ranked([gain for _, gain in found])) for name, found in gains.items()]
        charts.append(line_chart(f"{variant}: gain of each case", Axis("% of the cases", _SHARES), up, ranked))
        if max(sizes) > _SPREAD * min(sizes):
            across = Axis("voxels in the hole", _doublings(min(sizes), max(sizes)), doubling=True)
            points = [
                Curve(
                    summary.label(name),
                    np.array([r.hole_pixels for r, _ in found]),
                    np.array([g for _, g in found]),
                    points=True,
                )
                for name, found in gains.items()
            ]
            charts.append(line_chart(f"{variant}: gain by size of the hole", across, up, points))
    return charts


def ticks(low: float, high: float) -> list[float]:
    """Return four to ten round numbers, evenly apart, from at most `low` to at least `high`."""
    span = max(high - low, 1e-6)
    unit = 10.0 ** np.floor(np.log10(span / 4))
    step = next(unit * n for n in (1, 2, 5, 10) if span / (unit * n) <= 8)
    first, last = int(np.floor(low / step)), int(np.ceil(high / step))
    return [round(float(n * step), 6) for n in range(first, last + 1)]


def _gains(summary: Summary, method: str, baseline: str, variant: str) -> list[tuple[Result, float]]:
    return [(result, gain) for result, gain in summary.gains(method, baseline, variant) if np.isfinite(gain)]


def _ranked(gains: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(0.0, 100.0, len(gains)), np.sort(gains)


def _doublings(low: float, high: float) -> list[float]:
    """Powers of four around the sizes, of two where they lie close together."""
    factor = 4.0 if high > 16 * low else 2.0
    first, last = np.floor(np.log(low) / np.log(factor)), np.ceil(np.log(high) / np.log(factor))
    return [float(factor**n) for n in range(int(first), int(last) + 1)]
