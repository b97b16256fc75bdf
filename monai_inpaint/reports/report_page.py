"""One self-contained HTML page: facts, tables and comparisons of pictures, with nothing to load from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from monai_inpaint.reports.slice_png import NEGATIVE, NEUTRAL, POSITIVE
from monai_inpaint.version import NOTICE


@dataclass(frozen=True)
class Picture:
    """A PNG file's bytes, what is written under it, and for a difference (limit, unit) of its colours."""

    png: bytes
    caption: str
    scale: tuple[float, str] | None = None


@dataclass(frozen=True)
class Comparison:
    """One case: columns of pictures side by side, each column from top to bottom.

    `wide` is for pictures that show several planes: each is three times as wide, and columns become rows.
    """

    title: str
    columns: Sequence[Sequence[Picture]]
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading each; the first column is written to the left, all others to the right."""

    caption: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]] = field(default_factory=list)


def comparison_page(
    title: str,
    cases: Sequence[Comparison],
    *,
    facts: Mapping[str, str] | None = None,
    tables: Sequence[Table] = (),
    charts: Sequence[str] = (),
    intro: str = "",
) -> str:
    """Return the page as HTML text; every text is escaped, every picture embedded.

    Args:
        title: heading of the page.
        cases: in the order shown.
        facts: what is to be known of all cases, as a list of names and values.
        tables: shown before the cases.
        charts: SVG elements, see `line_chart`; shown below the tables.
        intro: a paragraph under the heading.
    """
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="notice">{escape(NOTICE)}</p>']
    if intro:
        parts.append(f"<p>{escape(intro)}</p>")
    if facts:
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
        parts.append(f"<dl>{rows}</dl>")
    parts += [_table(table) for table in tables]
    if charts:
        parts.append(f'<div class="charts">{"".join(charts)}</div>')
    parts += [_comparison(case) for case in cases]
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in table.heading)
    rows = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in table.rows)
    return (
        f'<div class="scroll"><table><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _comparison(case: Comparison) -> str:
    columns = "".join('<div class="column">' + "".join(map(_picture, column)) + "</div>" for column in case.columns)
    note = f"<p>{escape(case.note)}</p>" if case.note else ""
    row = f'<div class="scroll"><div class="row{" wide" if case.wide else ""}">{columns}</div></div>'
    return f"<section><h2>{escape(case.title)}</h2>{note}{row}</section>"


def _picture(picture: Picture) -> str:
    data = b64encode(picture.png).decode("ascii")
    caption = escape(picture.caption)
    bar = ""
    if picture.scale is not None:
        limit, unit = picture.scale
        unit = f" {unit}" if unit else ""
        bar = (
            f'<span class="bar"></span><span class="ends"><span>-{limit:g}{escape(unit)}</span><span>0</span>'
            f"<span>+{limit:g}{escape(unit)}</span></span>"
        )
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}{bar}</figcaption></figure>"
    )


def _colour(rgb: tuple[int, int, int]) -> str:
    return f"rgb({rgb[0]},{rgb[1]},{rgb[2]})"


STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1700px; padding: 0 1.5rem; color: #222; }}
h1 {{ font-size: 1.6rem; margin-bottom: .3rem; }}
h2 {{ font-size: 1.05rem; margin: 0 0 .3rem; }}
.notice {{ font-weight: 600; color: #8a1c1c; margin-top: 0; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }}
dt {{ color: #666; }} dd {{ margin: 0; }}
section {{ border-top: 1px solid #ddd; padding: 1rem 0; }}
section p {{ margin: 0 0 .5rem; color: #555; }}
.scroll {{ overflow-x: auto; }}
.charts {{ display: flex; flex-wrap: wrap; gap: 1rem; margin-bottom: 1rem; }}
.row {{ display: flex; gap: .6rem; }}
figure {{ margin: 0 0 .6rem; width: 256px; }}
img {{ width: 256px; image-rendering: pixelated; display: block; background: #000; }}
.wide, .wide .column {{ display: flex; gap: .6rem; }}
.wide {{ flex-direction: column; }}
.wide figure, .wide img {{ width: 768px; }}
figcaption {{ font-size: .82rem; color: #444; }}
.bar {{ display: block; height: 7px; margin-top: 3px;
  background: linear-gradient(to right, {_colour(NEGATIVE)}, {_colour(NEUTRAL)}, {_colour(POSITIVE)}); }}
.ends {{ display: flex; justify-content: space-between; font-size: .75rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
caption {{ text-align: left; color: #666; padding-bottom: .3rem; }}
th, td {{ padding: .25rem .7rem; border-bottom: 1px solid #e3e3e3; text-align: right; white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; }}
"""
