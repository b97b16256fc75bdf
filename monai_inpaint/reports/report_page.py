"""One self-contained HTML page: facts, tables and comparisons of pictures, with nothing to load from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from monai_inpaint.reports.slice_png import NEGATIVE, NEUTRAL, POSITIVE
from monai_inpaint.version import NOTICE

WIDTH = 256  # pixels of a picture on the page


@dataclass(frozen=True)
class Picture:
    """The bytes of a PNG file, its caption, and for a difference (limit, unit) of its colours."""

    png: bytes
    caption: str
    scale: tuple[float, str] | None = None


@dataclass(frozen=True)
class Slider:
    """Two PNG files of one size, one upon the other; a slider moves the border between them.

    Attributes:
        before, after: the left and the right picture.
        caption: written under it.
    """

    before: bytes
    after: bytes
    caption: str


@dataclass(frozen=True)
class Comparison:
    """One case: columns of pictures side by side, each column from top to bottom.

    `wide` is for pictures that show several planes: each is three times as wide, and columns become rows.
    """

    title: str
    columns: Sequence[Sequence[Picture | Slider]]
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading each; the first column is written to the left, all others to the right."""

    caption: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]] = ()


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
        cases: in the order of display.
        facts: what applies to all cases, as a list of names and values.
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
    rows = "".join("<tr>" + "".join(f"<td>{_cell(text)}</td>" for text in row) + "</tr>" for row in table.rows)
    return (
        f'<div class="scroll"><table><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    """A figure is not parted from its deviation, nor an interval; a long name may be, after an underscore."""
    return escape(text).replace(" ± ", " ±&nbsp;").replace(" to ", "&nbsp;to&nbsp;").replace("_", "_<wbr>")


def _comparison(case: Comparison) -> str:
    columns = "".join('<div class="column">' + "".join(map(_figure, column)) + "</div>" for column in case.columns)
    note = f"<p>{escape(case.note)}</p>" if case.note else ""
    row = f'<div class="scroll"><div class="row{" wide" if case.wide else ""}">{columns}</div></div>'
    return f"<section><h2>{escape(case.title)}</h2>{note}{row}</section>"


def _figure(shown: Picture | Slider) -> str:
    return _picture(shown) if isinstance(shown, Picture) else _slider(shown)


def _slider(slider: Slider) -> str:
    caption = escape(slider.caption)
    move = "this.previousElementSibling.lastElementChild.style.clipPath='inset(0 0 0 '+this.value+'%)'"
    return (
        f'<figure class="slider"><div>{_image(slider.before, caption)}{_image(slider.after, caption)}</div>'
        f'<input type="range" min="0" max="100" value="50" aria-label="{caption}" oninput="{move}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _image(png: bytes, caption: str) -> str:
    """`caption` is escaped already. Pictures of few pixels show each of them; larger ones are averaged to fit."""
    enlarged = ' class="enlarged"' if int.from_bytes(png[16:20]) <= WIDTH else ""  # the width in a PNG file's header
    return f'<img alt="{caption}"{enlarged} src="data:image/png;base64,{b64encode(png).decode("ascii")}">'


def _picture(picture: Picture) -> str:
    caption = escape(picture.caption)
    bar = ""
    if picture.scale is not None:
        limit, unit = picture.scale
        unit = f" {unit}" if unit else ""
        bar = (
            f'<span class="bar"></span><span class="ends"><span>-{limit:g}{escape(unit)}</span><span>0</span>'
            f"<span>+{limit:g}{escape(unit)}</span></span>"
        )
    return f"<figure>{_image(picture.png, caption)}<figcaption>{caption}{bar}</figcaption></figure>"


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
figure {{ margin: 0 0 .6rem; width: {WIDTH}px; }}
img {{ width: {WIDTH}px; display: block; background: #000; }}
.enlarged {{ image-rendering: pixelated; }}
.slider, .slider img, .slider input {{ width: {2 * WIDTH}px; }}
.slider div {{ position: relative; }}
.slider img + img {{ position: absolute; top: 0; left: 0; clip-path: inset(0 0 0 50%); }}
.slider input {{ display: block; margin: 2px 0; }}
.wide, .wide .column {{ display: flex; gap: .6rem; }}
.wide {{ flex-direction: column; }}
.wide figure, .wide img {{ width: 768px; }}
figcaption {{ font-size: .82rem; color: #444; }}
.bar {{ display: block; height: 7px; margin-top: 3px;
  background: linear-gradient(to right, {_colour(NEGATIVE)}, {_colour(NEUTRAL)}, {_colour(POSITIVE)}); }}
.ends {{ display: flex; justify-content: space-between; font-size: .75rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; font-size: .87rem; }}
caption {{ text-align: left; color: #666; padding-bottom: .3rem; white-space: nowrap; }}
th, td {{ padding: .25rem .4rem; border-bottom: 1px solid #e3e3e3; text-align: right; }}
th {{ vertical-align: bottom; }}
th:first-child, td:first-child {{ text-align: left; }}
"""
