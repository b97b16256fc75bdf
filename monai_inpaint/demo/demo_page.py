"""The demo's page: source, truth, estimate, sample and a classical fill of every case, with their errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from monai_inpaint.demo.demo_case import SAMPLES, FillDemonstration, MapDemonstration, MetalDemonstration
from monai_inpaint.imaging.display import displayed
from monai_inpaint.reports import Comparison, Picture, Slider, Table, comparison_page, difference_png, grey_png

_LIMIT = 0.25  # of the window
_LARGEST = 512  # pixels of a whole slice on the page
_AROUND = 24  # pixels shown around the hole in the close-up
_UNITS = {"ct": "HU", "cxr": "", "mr": ""}
_PLANES = ("sagittal", "coronal", "axial")
_METAL_WINDOW = (-200.0, 350.0)  # HU
_METHODS = {"network": "the network", "li": "interpolated projections (LI)"}
_INTRO = (
    "Made by the commands of monai-inpaint on files. The chest film is the computed projection of an analytic thorax, "
    "and the pelvis is computed too: no patient was imaged. The network sees nothing of what lies in a hole; the truth "
    "is known because the hole was put there, or because what it removes was painted in. The best estimate is the mean "
    "of what may lie in the hole, with the smallest error; a sample is one image that may, as sharp as its "
    "surroundings, with a larger error. None of the pictures says how well anatomy of real patients is filled: see the "
    "evaluation for that."
)
_MAP_NOTE = (
    "The film with the painted pacemaker, and where `difference` finds it brighter than its surroundings predict, in "
    "standard deviations of healthy films of patients. A computed film is unlike theirs, as at the heart here, so only "
    "the peak at the device means something."
)


def demo_page(fills: Sequence[FillDemonstration], abnormal: MapDemonstration, metal: MetalDemonstration | None) -> str:
    """Return the page as HTML text, pictures embedded.

    Args:
        fills: in the order of display.
        abnormal: shown after them.
        metal: shown last; None if ASTRA is not installed.
    """
    first = fills[0].report
    facts = {
        "versions": ", ".join(f"{name} {version}" for name, version in first["versions"].items()),
        "engine": " ".join(first["engine"].values()),
        "bundles": ", ".join(sorted({f"{o.report['bundle']['name']} {o.report['bundle']['version']}" for o in fills})),
        "files": "those of each case lie in its folder beside this page",
    }
    cases = [comparison for fill in fills for comparison in _comparisons(fill)]
    cases.append(_map_comparison(abnormal))
    tables = [_fill_table(fills)]
    if metal:
        cases.append(_metal_comparison(metal))
        tables.append(_metal_table(metal))
    return comparison_page("monai-inpaint: demo", cases, facts=facts, tables=tables, intro=_INTRO)


def _fill_table(fills: Sequence[FillDemonstration]) -> Table:
    rows = []
    for shown in fills:
        report, unit = shown.report, _UNITS[shown.sample.bundle]
        low, high = shown.sample.window
        same = report["untouched"]["before"] == report["untouched"]["after"]
        every = (shown.estimate.units(), shown.drawn.units(), shown.biharmonic)
        rows.append([
            shown.sample.name,
            f"{report['hole']['voxels']:,}",
            *(f"{shown.error(fill):.1f} {unit}".strip() for fill in every),
            f"{high - low:g} {unit}".strip(),
            f"{report['seconds']['fill']:.2f}",
            "yes" if same else "NO",
        ])  # fmt: skip
    heading = [
        "case", "hole, voxels", "|estimate - truth|", "|sample - truth|", "|biharmonic fill - truth|", "window",
        "fill, s", "all else bit for bit the same",
    ]  # fmt: skip
    return Table("Fills: mean absolute errors in the hole", heading, rows)


def _metal_table(metal: MetalDemonstration) -> Table:
    images = {"as scanned": metal.artifact, **{_METHODS[name]: image for name, image in metal.corrected.items()}}
    rows = [[name, f"{metal.error(image):.1f} HU"] for name, image in images.items()]
    return Table("Metal: mean absolute error in the body, outside the metal", ["image", "error"], rows)


def _comparisons(shown: FillDemonstration) -> Iterator[Comparison]:
    sample = shown.sample
    spread = np.zeros_like(shown.truth) if shown.spread is None else shown.spread.units()
    images = (
        sample.source.units(), shown.truth, sample.hole, shown.estimate.units(), shown.drawn.units(),
        shown.biharmonic, spread,
    )  # fmt: skip
    values = np.stack(images, axis=-1)
    if values.ndim == 3:
        yield _comparison(shown, displayed(values, sample.source.affine), "")
        return
    for axis in (2, 1, 0):
        plane, name = _plane(values, sample.source.affine, sample.hole, axis)
        yield _comparison(shown, plane, f", {name}")


def _plane(values: np.ndarray, affine: np.ndarray | None, hole: np.ndarray, axis: int) -> tuple[np.ndarray, str]:
    """The slice across `axis` with most of the hole, as displayed, and the name of its plane."""
    others = [a for a in range(3) if a != axis]
    index = int(np.argmax(hole.sum(axis=tuple(others))))
    turned = np.eye(4) if affine is None else affine[:, [*others, axis, 3]]
    name = _PLANES[int(np.argmax(np.abs(turned[:3, 2])))]
    return displayed(np.take(values, index, axis), turned), name


def _comparison(shown: FillDemonstration, values: np.ndarray, plane: str) -> Comparison:
    """The whole slice with a slider, then columns of the surroundings of the hole.

    Args:
        shown: the case.
        values: (rows, columns, images), images in the order of `_comparisons`.
        plane: for the title.
    """
    sample, (low, high) = shown.sample, shown.sample.window
    unit, limit = _UNITS[sample.bundle], _limit(low, high)
    close = _around(values)
    source, truth, hole, estimate, drawn, biharmonic, spread = (close[..., n] for n in range(close.shape[2]))
    marked = {"outline": hole > 0.5} if sample.painted else {"cover": hole > 0.5}

    def column(fill: np.ndarray, name: str) -> list[Picture]:
        return [Picture(grey_png(fill, low, high), name), _error(fill - truth, hole, limit, unit, name)]

    columns = [
        [
            _slider(
                values[..., 0], values[..., 3], values[..., 2], (low, high), "outline" if sample.painted else "cover"
            )
        ],
        [
            Picture(
                grey_png(source, low, high, **marked), f"source, hole {'outlined' if sample.painted else 'covered'}"
            ),
            Picture(grey_png(truth, low, high, outline=hole > 0.5), "truth, hole outlined"),
        ],
        column(estimate, "best estimate"),
        column(drawn, "sample"),
        column(biharmonic, "biharmonic fill"),
    ]
    if shown.spread is not None:
        white = float(spread.max())
        text = f"error predicted from {SAMPLES} samples (standard deviation), white {white:.3g} {unit}".strip()
        columns[1].append(Picture(grey_png(spread, 0, white), text))
    return Comparison(sample.title + plane, columns, sample.note)


def _map_comparison(shown: MapDemonstration) -> Comparison:
    film, map_ = (displayed(image.units(), shown.film.affine) for image in (shown.film, shown.map))
    white = float(map_.max())
    pictures = [
        [Picture(grey_png(film, 0, film.max()), "source")],
        [Picture(grey_png(map_, 0, white), f"abnormality map, black 0 and below, white {white:.2g} SD")],
    ]
    return Comparison("Chest film (computed phantom, not a patient): abnormality map", pictures, _MAP_NOTE)


def _metal_comparison(metal: MetalDemonstration) -> Comparison:
    def turned(image: np.ndarray) -> np.ndarray:
        return displayed(image, metal.affine)

    low, high = _METAL_WINDOW
    limit, hole = _limit(low, high), turned(metal.metal)
    truth, artifact, network = turned(metal.truth), turned(metal.artifact), turned(metal.corrected["network"])
    everywhere = ~hole

    def column(image: np.ndarray, name: str) -> list[Picture]:
        return [Picture(grey_png(image, low, high), name), _error(image - truth, everywhere, limit, "HU", name)]

    columns = [
        [_slider(artifact, network, hole, _METAL_WINDOW)],
        [Picture(grey_png(truth, low, high), "truth, with the implant")],
        column(artifact, "as scanned"),
        *(column(turned(image), _METHODS[name]) for name, image in metal.corrected.items()),
    ]
    note = "A hip implant and its artifacts were simulated (`simulate-metal`) and reduced (`metal`). -200 to 350 HU."
    return Comparison("CT slice (computed pelvis, not a patient): metal artifacts reduced", columns, note)


def _slider(
    before: np.ndarray, after: np.ndarray, hole: np.ndarray, window: tuple[float, float], marked: str = ""
) -> Slider:
    """The whole slice before and after, averaged down to what fits on the page; the hole is marked before.

    Args:
        before, after, hole: (rows, columns).
        window: (low, high).
        marked: how: "cover", "outline" or not at all.
    """
    step = -(-max(before.shape) // _LARGEST)
    rows, columns = (length // step for length in before.shape)
    small = [
        image[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
        for image in (before, after, hole.astype(np.float32))
    ]
    mark = {marked: small[2] > 0.5} if marked else {}
    return Slider(grey_png(small[0], *window, **mark), grey_png(small[1], *window), "before | after: move the slider")


def _limit(low: float, high: float) -> float:
    """Limit of the colour scale of differences, to two digits."""
    return float(f"{_LIMIT * (high - low):.2g}")


def _error(error: np.ndarray, where: np.ndarray, limit: float, unit: str, name: str) -> Picture:
    inside = where > 0.5
    picture = difference_png(np.where(inside, error, 0), limit, outline=inside)
    return Picture(picture, f"{name} - truth", (limit, unit))


def _around(values: np.ndarray) -> np.ndarray:
    """A square around the hole, as far as the slice reaches; the hole is the third image."""
    rows, columns = np.nonzero(values[..., 2] > 0.5)
    side = max(np.ptp(rows), np.ptp(columns)) + 1 + 2 * _AROUND
    starts = [
        max(min((int(at.min()) + int(at.max()) - side) // 2, length - side), 0)
        for at, length in zip((rows, columns), values.shape, strict=False)
    ]
    return values[starts[0] : starts[0] + side, starts[1] : starts[1] + side]
