"""Leave out of a data set what only its maker understands, and what goes with pixels in a way that is gone."""

from __future__ import annotations

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag


def drop_private(dataset: Dataset) -> None:
    """Remove private elements, in items of sequences too; sequences are replaced, never changed in place.

    Nobody but their maker knows whether they hold for other pixels, and whom they name.
    """
    for tag in list(dataset.keys()):
        if tag.is_private:
            del dataset[tag]
        elif _is_sequence(dataset, tag) and any(_has_private(item) for item in dataset[tag].value or []):
            dataset.add_new(tag, "SQ", Sequence([_stripped(item) for item in dataset[tag].value]))


def drop_overlays_in_pixels(dataset: Dataset) -> None:
    """Remove overlays that lie in unused bits of the pixels (retired): reading leaves these bits out."""
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x0102) in dataset and (group, 0x3000) not in dataset:
            for tag in [tag for tag in dataset.keys() if tag.group == group]:  # noqa: SIM118
                del dataset[tag]


def _is_sequence(dataset: Dataset, tag: BaseTag) -> bool:
    vr = dataset.get_item(tag).VR
    return vr == "SQ" or (vr in (None, "UN") and dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ")


def _has_private(dataset: Dataset) -> bool:
    return any(
        tag.is_private or (_is_sequence(dataset, tag) and any(map(_has_private, dataset[tag].value or [])))
        for tag in dataset.keys()  # noqa: SIM118
    )


def _stripped(item: Dataset) -> Dataset:
    copied = Dataset(item)
    drop_private(copied)
    return copied
