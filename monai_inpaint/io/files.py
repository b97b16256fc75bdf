"""List the files of an image, and refuse headers that refer to files elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from monai_inpaint.io.checks import parsing
from monai_inpaint.paths import regular_file


def files_of(path: str | Path) -> list[Path]:
    """Return the file itself, and those that its header names as the place of its voxels (.nrrd, .mha, .mhd).

    A folder is its own only entry; so is what does not exist.

    Raises:
        InputError: the header is damaged, or names files outside of its folder.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".nrrd", ".mha", ".mhd") or not path.exists() or path.is_dir():
        return [path]
    regular_file(path)
    with parsing(path, suffix[1:].upper()):
        if suffix == ".nrrd":
            from monai_inpaint.io.nrrd import files_of
        else:
            from monai_inpaint.io.meta_image import files_of
        return files_of(path)


def is_detached(path: str | Path) -> bool:
    """Return whether an image's voxels are in other files than the one that is named.

    Raises:
        InputError: the header is damaged, or names files outside of its folder.
    """
    return len(files_of(path)) > 1


def same_file(first: Path, others: Iterable[Path]) -> bool:
    """Return whether a path leads to one of the others: by its name, a link of either kind, or in another case."""
    for other in others:
        if first.resolve() == other.resolve():
            return True
        if first.exists() and other.exists() and first.samefile(other):
            return True
    return False
