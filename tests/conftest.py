"""What all tests need."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# A runner started in the background ignores Ctrl-C, and so would every command that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def nodule_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that bundles are looked up in, with untrained stand-ins for those of nodules."""
    from nodule_samples import nodule_bundles

    yield from _home_of_bundles(nodule_bundles(tmp_path_factory.mktemp("bundles")))


@pytest.fixture(scope="module")
def painting_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same with a stand-in for the bundle that draws films around findings."""
    from painting_samples import painting_bundle

    folder = tmp_path_factory.mktemp("bundles")
    painting_bundle(folder / "cxr_lesion_painting")
    yield from _home_of_bundles(folder)


def _home_of_bundles(folder: Path) -> Iterator[Path]:
    from monai_inpaint.registry import bundle_info

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_info, "_home", lambda: folder)
        yield folder
