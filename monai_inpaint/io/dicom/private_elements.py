"""Remove private elements of a data set."""

from __future__ import annotations

import copy

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag


def drop_private(dataset: Dataset) -> None:
    """Remove private elements, in items of sequences too; sequences are replaced, never changed in place.

    Only their manufacturer knows whether they are valid for other pixels, and whom they identify.
    """
    for tag in list(dataset.keys()):
        if tag.is_private:
            del dataset[tag]
        elif _is_sequence(dataset, tag) and any(_has_private(item) for item in dataset[tag].value or []):
            dataset.add_new(tag, "SQ", Sequence([_stripped(item) for item in dataset[tag].value]))


def _is_sequence(dataset: Dataset, tag: BaseTag) -> bool:
    vr = dataset.get_item(tag).VR
    return vr == "SQ" or (vr in (None, "UN") and dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ")


def _has_private(dataset: Dataset) -> bool:
    return any(
        tag.is_private or (_is_sequence(dataset, tag) and any(map(_has_private, dataset[tag].value or [])))
        for tag in dataset.keys()  # noqa: SIM118
    )


def own_copy(item: Dataset) -> Dataset:
    """Return a separate data set with equal elements; Dataset(item) would share the table of elements."""
    copied = Dataset({tag: copy.copy(item.get_item(tag)) for tag in item.keys()})  # noqa: SIM118
    implicit, little = item.original_encoding
    copied.set_original_encoding(implicit, little, item.original_character_set)
    return copied


def _stripped(item: Dataset) -> Dataset:
    copied = own_copy(item)
    drop_private(copied)
    return copied
