"""torch: the networks of the bundle's configuration, with the weights in `models`."""

from __future__ import annotations

import pickle
import threading
import warnings
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import torch

from monai_inpaint.engines.base import ON_CPU, ON_GPU
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.registry import SOURCE, BundleInfo

_NETWORKS = "monai_inpaint.networks."
_SHAPES = 16  # that are recorded on a GPU


class TorchEngine:
    """A generator in evaluation mode, on a GPU if there is one.

    On a GPU convolutions and matrix products compute in half precision and all else in float32, as autocast has it,
    and the work for each shape is recorded once as a CUDA graph.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.channels = getattr(network, "channels", 2)
        self.side = getattr(network, "side", None)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._on_gpu = self._device.type == "cuda"
        self.voxels_at_once = ON_GPU if self._on_gpu else ON_CPU
        self._network = network.to(self._device).to(memory_format=torch.channels_last).eval()  # pyright: ignore[reportCallIssue]
        self._recorded: dict[tuple[int, ...], _RecordedNetwork] = {}
        self._lock = threading.Lock()

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`."""
        batch = torch.from_numpy(np.ascontiguousarray(windows, np.float32))
        with torch.inference_mode():
            return self._recorded_run(batch) if self._on_gpu else self._forward(batch).numpy()

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        arithmetic = "f16 products, f32" if self._on_gpu else "f32"
        return {"name": "torch", "version": torch.__version__, "device": str(self._device), "arithmetic": arithmetic}

    def _forward(self, batch: torch.Tensor) -> torch.Tensor:
        # Nothing that autocast has converted is kept: in a recording it would be memory of that recording.
        with torch.autocast(self._device.type, torch.float16, enabled=self._on_gpu, cache_enabled=False):
            return self._network(batch.contiguous(memory_format=torch.channels_last)).float()

    def _recorded_run(self, batch: torch.Tensor) -> np.ndarray:
        with self._lock:  # a recording has one place for its input
            recorded = self._recorded.get(batch.shape) or self._record(batch.shape)
            recorded.host.copy_(batch)
            recorded.taken.copy_(recorded.host, non_blocking=True)
            recorded.graph.replay()
            return recorded.given.cpu().numpy()

    def _record(self, shape: torch.Size) -> _RecordedNetwork:
        if len(self._recorded) == _SHAPES:
            self._recorded.clear()
        host = torch.zeros(shape, pin_memory=True)
        taken = host.to(self._device)
        warm_up = torch.cuda.Stream()
        warm_up.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(warm_up):  # what is chosen or made on a first run is not a part of the recording
            for _ in range(2):
                self._forward(taken)
        torch.cuda.current_stream().wait_stream(warm_up)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            given = self._forward(taken)
        self._recorded[shape] = _RecordedNetwork(host, taken, given, graph)
        return self._recorded[shape]


@dataclass
class _RecordedNetwork:
    """The CUDA graph for one shape, with the memory of its input and output."""

    host: torch.Tensor
    taken: torch.Tensor
    given: torch.Tensor
    graph: torch.cuda.CUDAGraph


def load_network(bundle: BundleInfo) -> torch.nn.Module:
    """Load the bundle's generator with its weights, on the CPU.

    Raises:
        InputError: weights that are missing or do not fit, or a network from outside this package: its configuration
            could run any code, so it is left to `python -m monai.bundle run`.
    """
    network = _network(bundle)
    weights = bundle.weights
    if not weights.is_file():
        raise InputError(
            f"{weights}: the bundle's weights for torch and MONAI are not installed; copy them from {SOURCE}, or use "
            "another engine."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice to load the file unsafely
            network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError:
        raise InputError(f"{weights} is damaged or contains more than tensors; it is not loaded.") from None
    except (RuntimeError, EOFError, AttributeError, LookupError, TypeError, ValueError, OSError):
        raise InputError(f"{weights}: the weights are damaged or of another network; install it again.") from None
    return network


def _network(bundle: BundleInfo) -> torch.nn.Module:
    path = bundle.path / "configs" / "inference.json"
    config = read_json(path, "install the bundle again")
    key = "network_def" if bundle.network == "model" else f"{bundle.network}_def"
    defined = config.get(key) if isinstance(config, dict) else None
    arguments = dict(defined) if isinstance(defined, dict) else {}
    target = arguments.pop("_target_", None)
    if not isinstance(target, str):
        raise InputError(f"{path}: no network is defined there; install it again.")
    if not target.startswith(_NETWORKS):
        raise InputError(
            f"{bundle.path}: its network {target} is not part of this package; run the bundle with monai.bundle."
        )
    module, _, name = target.rpartition(".")
    try:
        network = getattr(import_module(module), name)
        # Nothing else of the package is called with arguments out of a file, least of all what writes files.
        if not (isinstance(network, type) and issubclass(network, torch.nn.Module)):
            raise TypeError("it is not a network")
        return network(**arguments)
    except (ImportError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"{path}: the network {target} cannot be built ({reason}); install it again.") from None


def load(bundle: BundleInfo) -> TorchEngine:
    """Build the network and load its weights."""
    return TorchEngine(load_network(bundle))
