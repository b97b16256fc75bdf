"""What bfloat16 in OpenVINO and half precision in TensorRT do to the fill, beside the model's own error."""

from __future__ import annotations

import numpy as np

from benchmarks.arithmetic import filler_in, filler_in_half_precision
from benchmarks.cases import COPIES, cases_of
from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.evaluation.case import GREY_RANGE, EvaluationCase
from monai_inpaint.metrics import psnr

PROTOCOLS = {"cxr": "cxr-centre", "ct": "slice-square", "mr": "slice-square"}
IMAGES = 60


def run(options: Options) -> str:
    """Both tables; neither may lower PSNR by more than 0.05 dB nor move CT by more than the model's own error."""
    fillers = {modality: filler_in(modality, "f32")[0] for modality in PROTOCOLS}
    shorts = {modality: filler_in(modality, "bf16") for modality in PROTOCOLS}
    said = ", ".join(sorted({precision for _, precision in shorts.values()}))
    bf16 = {modality: filler for modality, (filler, _) in shorts.items()}
    f16 = {modality: filler_in_half_precision(modality) for modality in PROTOCOLS}
    return "\n".join([
        _table(options, "OpenVINO in bfloat16", "bf16", fillers, bf16,
               f"asked for bf16, OpenVINO computes in {said} here"),
        _table(options, "TensorRT in half precision", "f16", fillers, f16,
               "f16: products rounded as on a GPU, computed by onnxruntime; f32: OpenVINO"),
    ])  # fmt: skip


def _table(
    options: Options, title: str, short: str, exact: dict[str, Filler], rounded: dict[str, Filler], note: str
) -> str:
    rows = []
    for modality, protocol in PROTOCOLS.items():
        cases = cases_of(options, modality, protocol, IMAGES)
        figures = np.array([_figures(case, exact[modality], rounded[modality]) for case in cases])
        if not len(figures):
            rows.append([f"{modality}, {protocol}", "0", *["-"] * 7])
            continue
        in_f32, in_short, mean, largest, own = figures.T
        loss = in_f32 - in_short
        rows.append([
            f"{modality}, {protocol}", str(len(figures)), f"{in_f32.mean():.3f}", f"{in_short.mean():.3f}",
            f"{loss.mean():+.4f}", f"{loss.max():+.4f}", f"{mean.mean():.3g}", f"{largest.max():.3g}",
            f"{own.mean():.3g}",
        ])  # fmt: skip
    notes = [
        f"data: {options.data.name if options.data else ''}, split {options.split}, seed {options.seed}, at most "
        f"{options.limit or IMAGES} images a modality; figures inside the hole, PSNR as in `evaluate`",
        note,
        f"units: HU for CT (without 8-bit pictures of CT, and without {COPIES}, which shows slices of train), "
        "otherwise the image's own grey levels",
    ]
    heading = [
        "bundle, protocol", "cases", "PSNR dB f32", f"PSNR dB {short}", "mean loss dB", "worst loss dB",
        f"mean |{short} - f32|, units", "largest, units", "model's mean |f32 - truth|, units",
    ]  # fmt: skip
    return markdown(title, heading, rows, notes)


def _figures(case: EvaluationCase, exact: Filler, short: Filler) -> tuple[float, ...]:
    """PSNR in f32 and in bf16, mean and largest change, the model's own mean error."""
    fills = [np.asarray(filler(case.voided, case.hole).image, np.float64) for filler in (exact, short)]
    truth = case.grey(case.truth)
    scores = [psnr(truth, case.grey(fill), case.hole, GREY_RANGE) for fill in fills]
    change = np.abs(fills[1] - fills[0])[case.hole]
    return *scores, change.mean(), change.max(), np.abs(fills[0] - case.truth)[case.hole].mean()
