"""The bundle itself in torch: `network_def` of its configuration with the weights of `models/model.pt`."""

from __future__ import annotations

import pickle
import warnings
from importlib import import_module

import numpy as np
import torch

from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.registry import BundleInfo

_NETWORKS = "monai_inpaint.networks."


class TorchEngine:
    """A generator in evaluation mode, on a GPU if there is one."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.channels = getattr(network, "channels", 2)
        self.side = getattr(network, "side", None)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device).to(memory_format=torch.channels_last).eval()  # pyright: ignore[reportCallIssue]

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`."""
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(windows, np.float32)).to(self._device)
            return self._network(batch.contiguous(memory_format=torch.channels_last)).cpu().numpy()

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return {"name": "torch", "version": torch.__version__, "device": str(self._device), "arithmetic": "f32"}


def load_network(bundle: BundleInfo) -> torch.nn.Module:
    """The bundle's generator with its weights, on the CPU.

    Raises:
        InputError: weights that are missing or do not fit, or a network from outside this package: its configuration
            could run any code, so it is left to `python -m monai.bundle run`.
    """
    network = _network(bundle)
    weights = bundle.path / "models" / "model.pt"
    if not weights.is_file():
        raise InputError(f"{weights}: the bundle has no weights; install it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice to load the file unsafely
            network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError:
        raise InputError(f"{weights} is damaged or holds more than tensors; it is not loaded.") from None
    except (RuntimeError, EOFError, AttributeError, LookupError, TypeError, ValueError, OSError):
        raise InputError(f"{weights}: the weights are damaged or of another network; install it again.") from None
    return network


def _network(bundle: BundleInfo) -> torch.nn.Module:
    path = bundle.path / "configs" / "inference.json"
    config = read_json(path, "install the bundle again")
    defined = config.get("network_def") if isinstance(config, dict) else None
    arguments = dict(defined) if isinstance(defined, dict) else {}
    target = arguments.pop("_target_", None)
    if not isinstance(target, str):
        raise InputError(f"{path}: no network is defined there; install it again.")
    if not target.startswith(_NETWORKS):
        raise InputError(f"{bundle.path}: its network {target} is not of this package; run it by monai.bundle.")
    module, _, name = target.rpartition(".")
    try:
        network = getattr(import_module(module), name)
        # Nothing else of the package is called with arguments out of a file, least of all what writes files.
        if not (isinstance(network, type) and issubclass(network, torch.nn.Module)):
            raise TypeError("it is no network")
        return network(**arguments)
    except (ImportError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"{path}: the network {target} cannot be built ({reason}); install it again.") from None


def load(bundle: BundleInfo) -> TorchEngine:
    """Build the network and load its weights."""
    return TorchEngine(load_network(bundle))
