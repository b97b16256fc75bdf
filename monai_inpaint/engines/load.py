"""Choose an engine and load a bundle's network into it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module, metadata

import numpy as np

from monai_inpaint.engines.base import Engine
from monai_inpaint.engines.cuda import gpu_is_here
from monai_inpaint.engines.names import CHOICES, ENGINES, NEEDS_GPU, ON_GPU
from monai_inpaint.engines.with_sampler import WithSampler
from monai_inpaint.errors import InputError
from monai_inpaint.failure import one_line
from monai_inpaint.registry import BundleInfo


def available() -> dict[str, str]:
    """The engines that can run here and their versions, without importing them; on a CPU the first one is the default.

    TensorRT counts where there is a GPU.
    """
    gpu = gpu_is_here()
    return {name: version for name, version in _installed().items() if gpu or name not in NEEDS_GPU}


def load_engine(name: str, bundle: BundleInfo) -> Engine:
    """Load the engine `name` ("auto": the fastest that works) with the bundle's network ready to run.

    Recently used engines are kept, so asking again costs nothing. A bundle that did not come with the package runs in a
    separate process, with "auto" on the CPU.

    Raises:
        InputError: see `check_engine`; or a network that cannot be read.
    """
    check_engine(name)
    engine = _fastest(bundle) if name == "auto" else _checked(name, bundle)
    sampler = bundle.sampler
    return engine if sampler is None else WithSampler(engine, lambda: load_engine(name, sampler))


def check_engine(name: str) -> None:
    """Refuse an engine that cannot run here; takes milliseconds.

    Raises:
        InputError: unknown engine, not installed, or TensorRT without a GPU.
    """
    if name not in CHOICES:
        raise InputError(f"There is no engine {name}; use {', '.join(CHOICES)}.")
    if name == "auto":
        return
    installed = name in _installed()
    extra = "monai-inpaint[tensorrt-rtx]" if name == "tensorrt" else name
    if name in NEEDS_GPU and not gpu_is_here():
        missing = "an NVIDIA GPU" if installed else f"an NVIDIA GPU and its library (pip install {extra!r})"
        raise InputError(f"The engine {name} needs {missing}, which this machine does not have; use another engine.")
    if not installed:
        raise InputError(f"The engine {name} is not installed; install it with: pip install {extra!r}")


def on_cpu(bundle: BundleInfo) -> Engine:
    """Return the first engine installed that needs no GPU."""
    return _checked(next(iter(available()), "openvino"), bundle)


class Chosen:
    """The engine that "auto" chose; its description names those that failed before."""

    def __init__(self, engine: Engine, passed_over: str) -> None:
        self.channels, self.side, self.voxels_at_once = engine.channels, engine.side, engine.voxels_at_once
        self.run = engine.run
        self._engine, self._passed_over = engine, passed_over

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return {**self._engine.describe(), "passed_over": self._passed_over}


@lru_cache(maxsize=4)
def _fastest(bundle: BundleInfo) -> Engine:
    """On a GPU the first engine that fills a window there, else the first that is installed."""
    if not gpu_is_here() or not bundle.ours:
        return on_cpu(bundle)
    installed, reasons = _installed(), list[str]()
    for name in ON_GPU:
        if name not in installed:
            reasons.append(f"{name}: not installed")
            continue
        try:
            engine = _checked(name, bundle)
            _try(engine)
        except Exception as error:  # of a driver, a library, memory: it is reported, and the next engine tried
            reasons.append(f"{name}: {one_line(error)[:200]}")
        else:
            return Chosen(engine, "; ".join(reasons)) if reasons else engine
    return Chosen(on_cpu(bundle), "; ".join(reasons))


def _try(engine: Engine) -> None:
    """Fill a window of zeros.

    Raises:
        RuntimeError: that was not done on a GPU, or gave no numbers.
    """
    side = engine.side or 128
    filled = engine.run(np.zeros((1, engine.channels, side, side), np.float32))
    facts = engine.describe()
    if facts["device"] in ("CPU", "cpu") or "took_over" in facts:
        raise RuntimeError("it does not compute on the GPU here")
    if not np.isfinite(filled).all():
        raise RuntimeError("its output contains NaN here")


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, distributions in ENGINES.items():
        for distribution in distributions:
            try:
                found.setdefault(name, metadata.version(distribution))
            except metadata.PackageNotFoundError:
                continue
    return found


def _checked(name: str, bundle: BundleInfo) -> Engine:
    if name != "torch" and not bundle.graph.is_file():
        raise InputError(f"{bundle.graph}: the bundle's network is missing; install the bundle again.")
    return _load(name, bundle)


@lru_cache(maxsize=8)
def _load(name: str, bundle: BundleInfo) -> Engine:
    if not bundle.ours:
        from monai_inpaint.engines.isolated_engine import IsolatedEngine

        return IsolatedEngine(name, bundle)
    return import_module(f"monai_inpaint.engines.{name}_engine").load(bundle)
