"""Normalise outlines of nodules for the shape generator."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_inpaint.io.atomic import staged
from monai_inpaint.synthesis.nodules.outline import normalised_field, outline_of


class NormaliseOutlined(MapTransform):
    """Bring masks of nodules to one size on one grid, as fields (1, 128, 128): see `normalised_field`.

    Args:
        keys: of masks, bool (rows, columns).
        label: a second key for the field, because MONAI's trainers expect a pair.
    """

    def __init__(self, keys: KeysCollection, label: str = "label") -> None:
        super().__init__(keys)
        self.label = label

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = torch.from_numpy(normalised_field(result[key]))[None]
            result[self.label] = result[key]
        return result


class SaveOutlined(MapTransform):
    """Write the outline of a drawn field as a mask of 0 and 255, a PNG named by the case.

    Args:
        output_dir: made if it does not exist.
        keys: of fields (1, 128, 128).
    """

    def __init__(self, output_dir: str | Path, keys: KeysCollection = "pred") -> None:
        super().__init__(keys)
        self.output_dir = Path(output_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        from PIL import Image as Picture

        self.output_dir.mkdir(parents=True, exist_ok=True)
        for key in self.key_iterator(dict(data)):
            mask = outline_of(np.asarray(data[key])[0])
            with staged(self.output_dir / f"{data['name']}.png", overwrite=True) as part:
                Picture.fromarray(np.uint8(255) * mask).save(part, format="PNG")
        return dict(data)
