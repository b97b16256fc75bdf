"""The tables of two papers on the images of a list: what they published beside what these methods reach here."""

from __future__ import annotations

from benchmarks.published.films import film_table
from benchmarks.published.patches import patch_tables
from benchmarks.published.slices import slice_tables
from benchmarks.setting import Options
from monai_inpaint.evaluation.datalist import read_data_list


def run(options: Options) -> str:
    """The tables: Belli et al. 2018 (chest films), then Armanious et al. 2019 (CT and MR).

    Raises:
        InputError: the list, a method of `options.methods`, the boxes, or what a bundle tells of its training is at
            fault.
    """
    assert options.data is not None
    read_data_list(options.data)  # once, so that a list that cannot be read is not taken for one without images
    return "\n".join([*patch_tables(options), film_table(options), *slice_tables(options)])
