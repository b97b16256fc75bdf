"""What bundles say of themselves, and by which names they are found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from monai_inpaint.registry import KINDS, BundleInfo, Capabilities, bundles, find_bundle


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The configuration of a bundle for MR, in a folder of its own."""
    shutil.copytree(find_bundle("mr").path / "configs", tmp_path / "copy" / "configs")
    return tmp_path / "copy"


@pytest.mark.parametrize("info", bundles(), ids=lambda info: info.name)
def test_what_a_bundle_says_it_can_do_is_what_its_channels_are_for(info: BundleInfo) -> None:
    metadata = json.loads((info.path / "configs" / "metadata.json").read_text())
    image = metadata["network_data_format"]["inputs"]["image"]
    channels, side = image["channel_def"].values(), image["spatial_shape"][-1]

    assert metadata["kind"] == info.kind
    assert info.kind in KINDS
    assert (info.kind == "inpainting") == ("hole" in channels)
    assert info.capabilities.samples == ("noise" in channels)
    assert info.capabilities.starts == ("nearness of the start" in channels)
    assert info.capabilities.window == (side if isinstance(side, int) else None)


def test_a_bundle_of_an_earlier_version_fills_and_can_do_what_its_channels_are_for(copy: Path) -> None:
    path = copy / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["kind"], metadata["capabilities"]
    path.write_text(json.dumps(metadata))

    assert find_bundle(copy).kind == "inpainting"
    assert find_bundle(copy).capabilities == Capabilities(samples=True, starts=True)


@pytest.mark.parametrize("modality", ["ct", "mr"])
def test_a_bundle_that_was_two_is_found_by_either_name_for_its_modality(modality: str) -> None:
    former, info = find_bundle(f"{modality}_ip_medgan"), find_bundle("ip_medgan")

    assert former.path == info.path
    assert former.modalities == (modality,)
    assert info.modalities == ("ct", "mr")
