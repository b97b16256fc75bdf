"""Draw curves as SVG, to be embedded in a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import log2

import numpy as np

_COLOURS = ("#21668c", "#b2182b", "#6b6b6b", "#8a6d00")
_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 18, 30, 46


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve: places along both axes, and optionally the lowest and highest value at places, drawn as a band.

    With `points` each place is a dot, and no line joins them.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    dashed: bool = False
    points: bool = False


@dataclass(frozen=True)
class Axis:
    """An axis: its title, and the places with a number, whose first and last are its ends."""

    title: str
    ticks: Sequence[float]
    doubling: bool = False  # equal lengths double the value


UNIT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def line_chart(title: str, across: Axis, up: Axis, lines: Sequence[Curve]) -> str:
    """Return curves on two axes as an SVG element; values beyond an axis are clipped."""
    place_x = _scale(across, _LEFT, _WIDTH - _RIGHT)
    place_y = _scale(up, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-size="11" font-family="system-ui, sans-serif" fill="#444">',
        f'<text x="{_LEFT}" y="16" font-size="13" fill="#222">{escape(title)}</text>',
    ]
    for tick in across.ticks:
        x = place_x(tick)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{_label(tick)}</text>')
    for tick in up.ticks:
        y = place_y(tick)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_label(tick)}</text>')
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(across.title)}'
        f'</text><text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{escape(up.title)}</text>"
    )
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        if line.band is not None:
            x, low, high = line.band
            around = _points(np.append(x, x[::-1]), np.append(low, high[::-1]), place_x, place_y)
            parts.append(f'<polygon points="{around}" fill="{colour}" opacity=".15"/>')
        dashes = ' stroke-dasharray="4 4"' if line.dashed else ""
        if line.points:
            places = zip(line.x, line.y, strict=True)
            dots = (f'<circle cx="{place_x(float(x)):.1f}" cy="{place_y(float(y)):.1f}" r="2.5"/>' for x, y in places)
            parts.append(f'<g fill="{colour}" opacity=".6">{"".join(dots)}</g>')
        else:
            points = _points(line.x, line.y, place_x, place_y)
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>')
        if len(lines) > 1:
            y = _HEIGHT - _BOTTOM - 8 - 15 * (len(lines) - 1 - number)
            parts.append(
                f'<text x="{_WIDTH - _RIGHT - 6}" y="{y}" text-anchor="end" fill="{colour}" '
                f'stroke="#fff" stroke-width="3" paint-order="stroke">{escape(line.name)}</text>'
            )
    return "".join([*parts, "</svg>"])


def _scale(axis: Axis, first: float, last: float) -> Callable[[float], float]:
    low, high = axis.ticks[0], axis.ticks[-1]

    def place(value: float) -> float:
        value = min(max(value, low), high)
        share = log2(value / low) / log2(high / low) if axis.doubling else (value - low) / (high - low)
        return first + share * (last - first)

    return place


def _points(x: np.ndarray, y: np.ndarray, place_x: Callable[[float], float], place_y: Callable[[float], float]) -> str:
    return " ".join(f"{place_x(float(a)):.1f},{place_y(float(b)):.1f}" for a, b in zip(x, y, strict=True))


def _label(value: float) -> str:
    return f"1/{round(1 / value)}" if 0 < value < 1 and 1 / value in (2, 4, 8, 16) else f"{value:g}"
