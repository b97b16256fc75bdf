"""Engines beside each other on one GPU: parity with torch in float32, latency, throughput, share of the roofline.

`python tensorrt/benchmark.py --bundles ct_inpainting,mr_inpainting --output DIR`; on a machine without a GPU
`--engines torch,onnxruntime,openvino` rehearses it on the CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from monai_inpaint.engines import load_engine
from monai_inpaint.engines.torch_engine import TorchEngine, load_network
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.io.atomic import staged
from monai_inpaint.machine import processor, versions
from monai_inpaint.metrics import psnr
from monai_inpaint.registry import BundleInfo, find_bundle

ENGINES = ("torch", "torch-compile", "onnxruntime-cuda", "tensorrt")
EXACT = "torch, eager float32"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RANGE = 1000.0  # units of the windows
PACKAGES = ("monai-inpaint", "torch", "onnxruntime-gpu", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx-cu13")
Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Peaks:
    """What this device reaches: half-precision products (FLOP a second) and copies in its memory (bytes a second)."""

    flop: float
    bytes: float


@dataclass(frozen=True)
class Cost:
    """Of a window: floating-point operations, and bytes that products take and give in half precision, unfused."""

    flop: float
    bytes: float

    def seconds(self, peaks: Peaks) -> float:
        """The least that a window can take."""
        return max(self.flop / peaks.flop, self.bytes / peaks.bytes)


@dataclass(frozen=True)
class Row:
    """One engine, one bundle, one batch; times from host memory to host memory."""

    bundle: str
    engine: str
    batch: int
    p50_ms: float
    p99_ms: float
    windows_per_second: float
    over_exact: float
    roofline: float
    largest_difference: float
    psnr_of_difference: float | None
    memory_mb: float
    described: dict[str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    return exit_code_of(lambda: _measure(argv))


def _measure(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser("python tensorrt/benchmark.py", description=__doc__)
    parser.add_argument("--bundles", default="ct_inpainting,mr_inpainting,cxr_inpainting", metavar="A,B")
    parser.add_argument("--engines", default=",".join(ENGINES), metavar="A,B", help="these, or of --engine")
    parser.add_argument("--batches", default="1,8,64", metavar="N,M", help="windows at once")
    parser.add_argument("--side", type=int, default=256, help="of the windows that are not of one size (default: 256)")
    parser.add_argument("--seconds", type=float, default=3.0, help="to measure a batch for (default: 3)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="for benchmark.json and benchmark.md")
    args = parser.parse_args(argv)
    batches = [int(part) for part in args.batches.split(",")]
    args.output.mkdir(parents=True, exist_ok=True)
    peaks = measured_peaks()
    rows: list[Row] = []
    for bundle in map(find_bundle, args.bundles.split(",")):
        exact, cost = exact_engine(bundle), cost_of(bundle, args.side)
        engines: dict[str, Callable[[], tuple[Run, dict[str, str]]]] = {EXACT: lambda exact=exact: (exact, {})}
        for name in args.engines.split(","):
            engines[name] = lambda name=name, bundle=bundle: _engine(name, bundle)
        base: dict[int, float] = {}
        for name, make in engines.items():
            before = _memory()
            try:
                run, described = make()
            except InputError as error:
                print(f"{bundle.name}, {name}: {error}", file=sys.stderr)
                continue
            for batch in batches:
                windows = windows_of(bundle, batch, args.side)
                times = _times(run, windows, args.seconds)
                p50, p99 = np.percentile(times, (50, 99))
                base.setdefault(batch, float(p50))
                largest, ratio = _difference(exact(windows), run(windows), windows)
                rows.append(
                    Row(bundle.name, name, batch, 1e3 * p50, 1e3 * p99, batch / p50, base[batch] / p50,
                        batch * cost.seconds(peaks) / p50, largest, ratio, _memory() - before, described)
                )  # fmt: skip
                _write(args.output, rows, peaks)
                print(json.dumps(asdict(rows[-1])), flush=True)
    return DONE


def exact_engine(bundle: BundleInfo) -> Run:
    """The bundle in torch, float32 throughout, without TF32 and without a recording."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    network = load_network(bundle).to(DEVICE).eval()

    @torch.inference_mode()
    def run(windows: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(windows).to(DEVICE)).cpu().numpy()

    return run


def _engine(name: str, bundle: BundleInfo) -> tuple[Run, dict[str, str]]:
    if name == "torch-compile":
        return _compiled(bundle), {"name": name, "version": torch.__version__}
    engine = TorchEngine(load_network(bundle)) if name == "torch" else load_engine(name.removesuffix("-cuda"), bundle)
    if name.endswith("-cuda") and engine.describe()["device"] == "CPU":
        raise InputError("onnxruntime computes on the CPU here; install onnxruntime-gpu, and CUDA with it.")
    return engine.run, engine.describe()


def _compiled(bundle: BundleInfo) -> Run:
    network = load_network(bundle).to(DEVICE).to(memory_format=torch.channels_last).eval()  # pyright: ignore
    compiled = torch.compile(network)

    @torch.inference_mode()
    def run(windows: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(windows).to(DEVICE).contiguous(memory_format=torch.channels_last)
        kind = torch.float16 if DEVICE.type == "cuda" else torch.bfloat16
        with torch.autocast(DEVICE.type, kind):
            return compiled(batch).float().cpu().numpy()

    return run


def windows_of(bundle: BundleInfo, batch: int, side: int) -> np.ndarray:
    """(batch, C, side, side): waves of `RANGE` units with noise, and a hole in each."""
    side = bundle.capabilities.window or side
    channels = getattr(load_network(bundle), "channels", 2)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    windows = np.zeros((batch, channels, side, side), np.float32)
    windows[:, 0] = RANGE * (0.4 * np.sin(3 * x) * np.cos(4 * y) + rng.normal(0, 0.02, (batch, side, side)))
    if channels > 1:
        windows[:, 1, side // 4 : side // 2, side // 3 : 2 * side // 3] = 1
        windows[:, 0] *= 1 - windows[:, 1]
    return windows


def cost_of(bundle: BundleInfo, side: int) -> Cost:
    """Counted while the bundle fills one window in torch on the CPU."""
    network, counted = load_network(bundle).eval(), [0.0]

    def add(module: nn.Module, taken: tuple[torch.Tensor, ...], given: torch.Tensor) -> None:
        numbers = taken[0].numel() + given.numel() + sum(weights.numel() for weights in module.parameters())
        counted[0] += 2.0 * numbers

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_hook(add)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.from_numpy(windows_of(bundle, 1, side)))
    return Cost(float(counter.get_total_flops()), counted[0])


def measured_peaks() -> Peaks:
    """By a product of matrices in half precision (bfloat16 on a CPU), and by copies of memory."""
    on_gpu = DEVICE.type == "cuda"
    side, kind = (8192, torch.float16) if on_gpu else (1024, torch.bfloat16)
    matrix = torch.randn(side, side, device=DEVICE, dtype=kind)
    memory = torch.empty(2**28 if on_gpu else 2**24, device=DEVICE, dtype=torch.float32)
    there = torch.empty_like(memory)
    product = _fastest(lambda: torch.mm(matrix, matrix))
    copy = _fastest(lambda: there.copy_(memory))
    return Peaks(2.0 * side**3 / product, 2.0 * 4 * memory.numel() / copy)


def _fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(20):
        start = time.perf_counter()
        work()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def _times(run: Run, windows: np.ndarray, seconds: float) -> list[float]:
    for _ in range(3):  # compiles, records, warms
        run(windows)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        start = time.perf_counter()
        run(windows)
        times.append(time.perf_counter() - start)
    return times


def _difference(exact: np.ndarray, filled: np.ndarray, windows: np.ndarray) -> tuple[float, float | None]:
    """The largest difference inside the hole in units, and its PSNR in dB over `RANGE`, None where there is none."""
    inside = windows[:, 1:2] > 0 if windows.shape[1] > 1 else np.ones(exact.shape, bool)
    largest = float(np.abs(filled - exact)[inside].max())
    return largest, float(psnr(exact, filled, inside, RANGE)) if largest else None


def _memory() -> float:
    """MB of the device's memory that are taken, by whomever; 0 on a CPU."""
    if DEVICE.type != "cuda":
        return 0.0
    free, whole = torch.cuda.mem_get_info()
    return (whole - free) / 2**20


def _write(folder: Path, rows: list[Row], peaks: Peaks) -> None:
    """All rows so far: whoever is stopped keeps them."""
    device = torch.cuda.get_device_name() if DEVICE.type == "cuda" else f"CPU only (rehearsal): {processor()}"
    facts = {"device": device, "date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions(PACKAGES),
             "peaks": asdict(peaks), "rows": [asdict(row) for row in rows]}  # fmt: skip
    heading = ["bundle", "engine", "batch", "p50 ms", "p99 ms", "windows a second", "times eager float32",
               "share of the roofline", "largest difference, units", "its PSNR, dB", "memory, MB"]  # fmt: skip
    lines = [
        f"- device: {device}; {facts['date']}; {', '.join(facts['versions'])}",
        f"- measured peaks: {peaks.flop / 1e12:.1f} TFLOP/s, {peaks.bytes / 1e9:.0f} GB/s",
        "",
        f"| {' | '.join(heading)} |",
        "| --- | --- | " + " | ".join(["---:"] * 9) + " |",
    ]
    for row in rows:
        ratio = "-" if row.psnr_of_difference is None else f"{row.psnr_of_difference:.1f}"
        cells = [row.bundle, row.engine, str(row.batch), f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}",
                 f"{row.windows_per_second:.0f}", f"{row.over_exact:.2f}", f"{row.roofline:.2f}",
                 f"{row.largest_difference:.3g}", ratio, f"{row.memory_mb:.0f}"]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    for name, text in (("benchmark.json", json.dumps(facts, indent=1)), ("benchmark.md", "\n".join(lines))):
        with staged(folder / name, overwrite=True) as part:
            part.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
