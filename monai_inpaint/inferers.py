"""MONAI's inferer interface on the engine's own windows, so that a bundle run by MONAI fills as the product does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer

from monai_inpaint.engines.base import ON_CPU, ON_GPU, Engine
from monai_inpaint.engines.with_sampler import WithSampler
from monai_inpaint.fill.sampler import SAMPLERS, Draw
from monai_inpaint.fill.slice_axis import slice_axis, with_slices_last
from monai_inpaint.fill.slices import fill_slices
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.reduce import reduce_metal
from monai_inpaint.regions.artifacts import find_artifacts
from monai_inpaint.synthesis.nodules.texture import textured
from monai_inpaint.synthesis.painting.film_window import draw_film


class _Generator:
    """A network in torch as an engine."""

    def __init__(self, network: Callable[..., torch.Tensor], device: torch.device, channels: int | None = None) -> None:
        self.channels: int = channels or getattr(network, "channels", 2)
        self.side: int | None = getattr(network, "side", None)
        self.voxels_at_once = ON_GPU if device.type == "cuda" else ON_CPU
        self._network, self._device = network, device

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._network(torch.from_numpy(windows).to(self._device)).float().cpu().numpy()

    def describe(self) -> dict[str, str]:
        """See `Engine`."""
        return {"name": "torch", "device": str(self._device)}


def _image_of(item: torch.Tensor, modality: str | None = None) -> Image:
    """The first channel of one item of a batch, (channels, *spatial)."""
    affine = np.asarray(item.affine, np.float64) if isinstance(item, MetaTensor) else None
    return Image(torch.as_tensor(item[0]).float().cpu().numpy(), affine, modality)


class HoleInferer(Inferer):
    """Run a generator on the windows that touch the hole.

    `inputs` is (B, 2, *spatial), 2D or 3D: the image in its units, then the hole (1 = fill). The affine of a MetaTensor
    determines the axis of the slices (else the last one) and how a slice is displayed. Returns (B, 1, *spatial),
    composited.

    Args:
        seed: fill with the sample of this seed, by a network that draws samples; None: with the best estimate.
        sampler: how samples are drawn; see `capabilities.sampler` of the bundle.
        sampler_network: draws them from the best estimate of the other one; None: one network does both.
    """

    def __init__(
        self,
        seed: int | None = None,
        sampler: str = "flow",
        sampler_network: Callable[..., torch.Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.seed, self.sampler, self.sampler_network = seed, SAMPLERS[sampler], sampler_network

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        """See the class."""
        return torch.stack([self._fill(item, network) for item in inputs])

    def _fill(self, item: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        image, inside = _image_of(item), torch.as_tensor(item[1]).cpu().numpy() > 0.5
        filled = image.voxels.copy()
        generator: Engine = _Generator(network, item.device)
        if self.sampler_network is not None:
            generator = WithSampler(generator, partial(_Generator, self.sampler_network, item.device))
        draw = None if self.seed is None else Draw((self.seed, 0), self.sampler)  # the sample that `Filler` draws first
        for patch in fill_slices(image, inside, generator, draw=draw)[0]:
            filled[patch.index][patch.hole] = patch.units[patch.hole]
        return torch.from_numpy(filled)[None].to(item.device)


class ArtifactInferer(Inferer):
    """Run a network that marks artifacts on every slice, and propose holes as `monai-inpaint fill --find` does.

    `inputs` is (B, 1, *spatial), 2D or 3D, in the image's units; the affine of a MetaTensor determines the axis of the
    slices and how they are displayed. Returns (B, 1, *spatial): 1 in the proposed hole, else 0.
    """

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        """See the class."""
        return torch.stack([self._find(item, network) for item in inputs])

    def _find(self, item: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        generator = _Generator(network, item.device, 1)
        return torch.from_numpy(find_artifacts(_image_of(item), generator.run).astype(np.float32))[None].to(item.device)


class MetalInferer(Inferer):
    """Run a network that corrects slices with metal, as `monai-inpaint metal --method network` does.

    `inputs` is (B, 1, *spatial), 2D or 3D, CT in HU; the affine of a MetaTensor determines the axial slices and their
    spacing. The metal is found and kept. Returns (B, 1, *spatial) in HU; unchanged without metal.
    """

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        """See the class."""
        return torch.stack([self._correct(item, network) for item in inputs])

    def _correct(self, item: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        generator = _Generator(network, item.device, 3)
        corrected = reduce_metal(_image_of(item, "ct"), "network", run=generator.run).image
        return torch.from_numpy(corrected.voxels)[None].to(item.device)


class NoduleInferer(Inferer):
    """Put nodules into masks by a texture network, slice by slice, as `monai-inpaint synthesize nodules` does.

    The noise of the image, which that adds to the nodule, is not known here, as the input is zero in the mask.

    `inputs` is (B, 2, *spatial), 2D or 3D: the image in its units, then the nodule's mask (1 = nodule); the affine of a
    MetaTensor determines the axis of the slices and how they are displayed. Returns (B, 1, *spatial), composited.

    Args:
        density: of the nodules, 0 (ground-glass) to 1 (solid).
    """

    def __init__(self, density: float = 1.0) -> None:
        super().__init__()
        self.density = density

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        """See the class."""
        return torch.stack([self._paint(item, network) for item in inputs])

    def _paint(self, item: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        image = _image_of(item)
        generator: Any = _Generator(network, item.device, 3)
        axis = slice_axis(image)
        affine = with_slices_last(image, axis).affine
        inside = np.moveaxis(torch.as_tensor(item[1]).cpu().numpy() > 0.5, axis, -1)
        painted = image.voxels.copy()
        planes = np.moveaxis(painted, axis, -1)
        for index in [(...,)] if image.voxels.ndim == 2 else [(..., k) for k in range(planes.shape[2])]:
            if inside[index].any():
                shown = displayed(planes[index], affine)  # a view: what is written to it lies as the image does
                mask = np.ascontiguousarray(displayed(inside[index], affine))
                made = textured(np.array(shown, np.float32, order="C"), mask, self.density, generator, seen=False)
                shown[mask] = made[mask]
        return torch.from_numpy(painted)[None].to(item.device)


class FilmInferer(Inferer):
    """Generate the hole of films, as `monai-inpaint synthesize outpaint` does.

    `inputs` is (B, 2, rows, columns): the film in its units, then the hole (1 = draw). Returns (B, 1, rows, columns),
    composited.

    Args:
        seed: of the noise.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., torch.Tensor], *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        """See the class."""
        return torch.stack([self._draw(item, network) for item in inputs])

    def _draw(self, item: torch.Tensor, network: Callable[..., torch.Tensor]) -> torch.Tensor:
        film, hole = (torch.as_tensor(channel).float().cpu().numpy() for channel in item)
        generator: Any = _Generator(network, item.device, 3)
        drawn = np.where(hole > 0.5, draw_film(film, hole > 0.5, self.seed, generator), film)
        return torch.from_numpy(drawn)[None].to(item.device)
