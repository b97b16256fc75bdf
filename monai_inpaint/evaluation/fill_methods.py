"""Methods to compare: the classical ones by name, everything else is a bundle or a sample drawn by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.protocol_interface import Method
from monai_inpaint.imaging.image import Image

if TYPE_CHECKING:
    from monai_inpaint.registry import BundleInfo

SAMPLE = ":sample"  # after a bundle's name


def find_methods(names: Sequence[str], engine: str = "auto", seed: int = 0) -> list[Method]:
    """Find the methods of these names, in this order: classical ones, names of bundles, or paths to them.

    A bundle fills with its best estimate; with ":sample" after its name, with one plausible sample of that seed. One
    that paints films (`synthesize outpaint`) always draws one of that seed.

    Raises:
        InputError: none or one twice is asked for, a package is missing, a bundle is missing, damaged or does something
            else, or samples are asked of one that draws none.
    """
    if not names:
        raise InputError(f"no method is named; choose from {', '.join(METHODS)} and bundles.")
    if len(set(names)) < len(names):
        raise InputError(f"a method is named twice in {', '.join(names)}; name each once.")
    return [_classical(name) if name in METHODS else _bundle(name, engine, seed) for name in names]


def _classical(name: str) -> Method:
    method = METHODS[name]
    # One tiny fill now: a missing package is reported before the work, and imports do not count as the method's time.
    try:
        tiny = np.zeros((16, 16), np.float32)
        tiny[::2] = 1
        hole = np.zeros((16, 16), bool)
        hole[7:9, 7:9] = True
        method(tiny, hole)
    except ModuleNotFoundError as error:
        raise InputError(
            f"method {name!r} needs the package {error.name}; install it with: pip install 'monai-inpaint[evaluate]'."
        ) from error
    return Method(name, "", (), lambda case: method(case.voided, case.hole))


def _bundle(name: str, engine: str, seed: int) -> Method:
    from monai_inpaint.fill.filler import Filler
    from monai_inpaint.registry import find_bundle

    sample = name.endswith(SAMPLE)
    bundle = name.removesuffix(SAMPLE)
    info = find_bundle(bundle)
    if info.kind == "synthesis" and not sample:
        return _painting(name, info, engine, seed)
    filler = Filler(bundle, engine=engine)
    if sample and not filler.draws_samples:
        raise InputError(f"the bundle {bundle} draws no samples; name it without {SAMPLE!r}.")
    options = {"sample": True, "seed": seed} if sample else {}

    def fill(case: EvaluationCase) -> np.ndarray:
        if case.affine is None:
            result = filler(case.voided, case.hole, spacing=case.spacing, **options).image
        else:
            result = filler(Image(case.voided, case.affine), case.hole, **options).image.voxels
        return np.asarray(result, dtype=np.float32)

    drawn = f", one sample, seed {seed}" if sample else ""
    return Method(name, f"{info.name} {info.version}{drawn}", info.modalities, fill)


def _painting(name: str, info: BundleInfo, engine: str, seed: int) -> Method:
    """A bundle that paints films: it sees all of a case in one window."""
    from monai_inpaint.synthesis.painting.film_window import draw_film
    from monai_inpaint.synthesis.painting.paint import painter_of

    generator = painter_of(info, engine)

    def fill(case: EvaluationCase) -> np.ndarray:
        return np.where(case.hole, draw_film(case.voided, case.hole, seed, generator), case.voided)

    return Method(name, f"{info.name} {info.version}, one sample, seed {seed}", info.modalities, fill)
