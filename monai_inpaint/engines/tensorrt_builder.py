"""Compile a bundle's graph by TensorRT (10.3 to 11), or by TensorRT-RTX, which needs no GPU for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo

Precision = Literal["fp32", "fp16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")
BACKENDS = {"tensorrt": "tensorrt", "rtx": "tensorrt_rtx"}  # and the packages they are, in the order of preference
MULTIPLE = 32  # of which sides must be


@dataclass(frozen=True)
class Profile:
    """The inputs that an engine is compiled for: least, most usual and most windows at once, and their sides.

    Kernels are chosen for the usual ones; an engine refuses inputs below or above.
    """

    batch: tuple[int, int, int] = (1, 8, 64)
    side: tuple[int, int, int] = (64, 128, 256)

    def __post_init__(self) -> None:
        for name, (least, usual, most) in (("batch", self.batch), ("side", self.side)):
            if not 0 < least <= usual <= most:
                raise InputError(f"The {name} {least},{usual},{most} must be ascending, from 1 on; give MIN,OPT,MAX.")
        if any(side % MULTIPLE for side in self.side if side != 1):  # vectors of noise have a side of 1
            raise InputError(f"The sides {self.side} are not multiples of {MULTIPLE}; give voxels such as 64,128,256.")

    def takes(self, shape: Sequence[int]) -> bool:
        """Return whether one of the windows of (B, C, H, W) fits, however many there are."""
        return all(self.side[0] <= side <= self.side[2] for side in shape[2:])


def profile_of(bundle: BundleInfo) -> Profile:
    """Return the input sizes that the package uses for a bundle's network: windows for filling, else whole slices."""
    if side := bundle.capabilities.window:
        return Profile(side=(side, side, side))
    return Profile() if bundle.kind == "inpainting" else Profile((1, 1, 8), (32, 384, 512))


@dataclass(frozen=True)
class Backend:
    """TensorRT or TensorRT-RTX as it is installed here; `name` is one of `BACKENDS`."""

    name: str
    library: Any

    @property
    def version(self) -> str:
        """Of the library."""
        return str(self.library.__version__)

    @property
    def compiles_without_gpu(self) -> bool:
        """TensorRT times kernels on the GPU that the engine is for; RTX compiles for a list of generations."""
        return self.name == "rtx"


def find_backend(name: str | None = None) -> Backend:
    """Find the backend of that name, or the first one that is installed.

    A folder called `tensorrt` on the path, such as the one of this repository, is imported as an empty package: only a
    library that has a `Builder` counts.

    Raises:
        InputError: it is not installed, or its libraries do not load.
    """
    if name is not None and name not in BACKENDS:
        raise InputError(f"There is no backend {name}; use {' or '.join(BACKENDS)}.")
    faults: list[str] = []
    for candidate in [name] if name else BACKENDS:
        try:
            library: ModuleType = import_module(BACKENDS[candidate])
        except ModuleNotFoundError:
            continue
        except (ImportError, OSError, RuntimeError) as error:  # the package without its libraries
            faults.append(f"{BACKENDS[candidate]}: {' '.join(str(error).split())[:200]}")
            continue
        if hasattr(library, "Builder"):
            return Backend(candidate, library)
    why = f" ({'; '.join(faults)})" if faults else ""
    raise InputError(
        f"The engine {name or 'tensorrt'} is not installed{why}; install it with: "
        "pip install 'monai-inpaint[tensorrt-rtx]'"
    )


def graph_of(bundle: BundleInfo, precision: Precision) -> bytes:
    """Return the bundle's graph in the form that a library of strongly typed networks accepts.

    Raises:
        InputError: half precision without the package onnx.
    """
    content = bundle.graph.read_bytes()
    if precision == "fp32":
        return content
    try:
        import onnx

        from monai_inpaint.engines.half_precision import in_half_precision
    except ModuleNotFoundError as error:
        raise InputError(f"fp16 needs {error.name}, which is not installed: pip install onnx.") from error
    return in_half_precision(onnx.load_model_from_string(content)).SerializeToString()


def engine_name(bundle: BundleInfo, precision: Precision, profile: Profile, backend: Backend, gpus: str) -> str:
    """Return a file name that changes with all that an engine depends on.

    Args:
        bundle, precision, profile, backend: what it is compiled from, for and by.
        gpus: which it is compiled for, as text.
    """
    digest = sha256(bundle.graph.read_bytes())
    digest.update(repr((precision, astuple(profile), backend.name, backend.version, gpus)).encode())
    return f"{bundle.name}-{precision}-{digest.hexdigest()[:24]}.engine"


def build(
    graph: bytes,
    profile: Profile,
    backend: Backend,
    gpus: Sequence[str] = (),
    timing: bytes = b"",
) -> tuple[bytes, bytes]:
    """Compile a graph.

    Args:
        graph: ONNX; its types are the engine's: nothing is made half precision here, and float32 is not TF32.
        profile: the inputs to be taken. A size that is fixed in the graph stays as it is.
        backend: what compiles.
        gpus: generations to compile for, such as "sm_86", for RTX only; none: RTX compiles for any GPU from Ampere on,
            TensorRT for the GPU of this machine.
        timing: measured times of kernels from an earlier build by the same version on the same GPU (TensorRT only).

    Returns:
        The engine, and the measured times of kernels; those are empty of RTX, which measures none.

    Raises:
        InputError: the library refuses the graph, its types or the GPUs.
    """
    library = backend.library
    log = _log(library)
    builder = library.Builder(log)
    network = builder.create_network(1 << int(library.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = library.OnnxParser(network, log)
    if not parser.parse(graph):
        reasons = [parser.get_error(number).desc() for number in range(parser.num_errors)]
        raise InputError(
            f"{backend.name} {backend.version} does not accept the network: {_shown(reasons or log.said)}."
        )
    config = builder.create_builder_config()
    config.clear_flag(library.BuilderFlag.TF32)
    _set_gpus(config, gpus, backend)
    shapes = builder.create_optimization_profile()
    taken = network.get_input(0)
    fixed = tuple(taken.shape)
    shapes.set_shape(
        taken.name,
        *(
            tuple(size if size > 0 else (batch, None, side, side)[axis] for axis, size in enumerate(fixed))
            for batch, side in zip(profile.batch, profile.side, strict=True)
        ),
    )
    config.add_optimization_profile(shapes)
    if not backend.compiles_without_gpu:
        config.set_timing_cache(config.create_timing_cache(timing), ignore_mismatch=False)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise InputError(f"{backend.name} {backend.version} cannot compile the network: {_shown(log.said)}.")
    measured = b"" if backend.compiles_without_gpu else bytes(config.get_timing_cache().serialize())
    return bytes(engine), measured


def _set_gpus(config: Any, gpus: Sequence[str], backend: Backend) -> None:
    if not gpus:
        return
    if not backend.compiles_without_gpu:
        raise InputError("TensorRT compiles for the GPU that is here; leave out --gpu, or use the backend rtx.")
    known = {name: value for name, value in backend.library.ComputeCapability.__members__.items() if name[:2] == "SM"}
    config.num_compute_capabilities = len(gpus)
    for number, gpu in enumerate(gpus):
        if (value := known.get(gpu.upper().replace("_", ""))) is None:
            names = ", ".join(f"sm_{name[2:]}" for name in known)
            raise InputError(f"{backend.name} {backend.version} cannot compile for the GPU {gpu!r}; it knows {names}.")
        if not config.set_compute_capability(value, number):
            raise InputError(f"{backend.name} {backend.version} does not compile for {gpu}; leave it out.")


def _log(library: Any) -> Any:
    """A logger that collects warnings and errors, for the message of a fault."""

    class Log(library.ILogger):
        def __init__(self) -> None:
            library.ILogger.__init__(self)
            self.said: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= library.ILogger.ERROR:
                self.said.append(message)

    return Log()


def _shown(reasons: Sequence[str]) -> str:
    return " ".join("; ".join(reasons).split())[-500:].rstrip(".") or "no reason given"
