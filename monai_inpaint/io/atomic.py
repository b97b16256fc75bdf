"""Write beside the target, then rename: an output is complete or absent, whatever ends the run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.io.files import files_of, same_file
from monai_inpaint.io.stage import NEW, OLD, stage_beside
from monai_inpaint.paths import FULL_OR_BROKEN, WRONG_PLACE


def check_output(path: str | Path, *, overwrite: bool = False, sources: Sequence[str | Path] = ()) -> None:
    """Return whether an output may be written to `path`; cheap, to be asked before a long computation.

    Raises:
        InputError: it is one of the sources or of the files with their voxels, exists and may not be replaced, its
            folder is missing, or other programs could not read it by that name.
    """
    path = Path(path)
    inputs = [file for source in sources for file in files_of(source)]
    for target in written_files(path):
        if same_file(target, inputs):
            raise InputError(f"{path} is an input; sources are never overwritten, name another output.")
    if path.suffix.lower() == ".mhd" and ("%" in path.name or path.name.startswith("LIST")):
        raise InputError(
            f"{path} would name a data file that ITK takes for a list or a pattern of files; choose .mha or "
            "another name."
        )
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: the folder {path.parent} does not exist; make it first.")
    if _taken(path) and not overwrite:
        raise InputError(f"{path} exists; name another output or allow to overwrite it.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written: the folder {path.parent} may not be written to.")


def written_files(path: Path) -> list[Path]:
    """The files that writing to `path` replaces: a .mhd has its voxels in a second file."""
    return [path, *(path.with_suffix(s) for s in (".raw", ".zraw") if path.suffix.lower() == ".mhd")]


@contextmanager
def staged(target: Path, *, folder: bool = False, overwrite: bool = False) -> Iterator[Path]:
    """A path with the target's own name in a hidden folder beside it; renamed to the target when the block ends.

    The block may write a file, a file and its companions (.mhd and .raw), or, with `folder`, files into the given
    folder. On any exception, including KeyboardInterrupt, nothing is left and existing files are unchanged. Files of a
    killed process are removed by the next one that writes into the same folder.

    Raises:
        InputError: disk full, no right to write, or the output came into being meanwhile.
    """
    try:
        with stage_beside(target) as place:
            inside = place / NEW / target.name
            inside.parent.mkdir()
            if folder:
                inside.mkdir()
            yield inside
            _move_into_place(place, target, overwrite)
    except OSError as error:
        code = _code(error)
        if code not in FULL_OR_BROKEN | WRONG_PLACE:  # a defect of ours
            raise
        raise InputError(f"{target} cannot be written: {os.strerror(code)}.") from error


def _code(error: BaseException | None) -> int:
    """The system's error number, also where a library raised its own OSError from it; 0 if none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        error = error.__cause__ or error.__context__
    return 0


def _taken(path: Path) -> bool:
    """Whether the path contains something that would be lost; an empty folder does not count."""
    return path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir())))


def _move_into_place(place: Path, target: Path, overwrite: bool) -> None:
    # companions first: whoever sees the target finds them there
    new = sorted((place / NEW).iterdir(), key=lambda item: item.name == target.name)
    finals = [target.parent / item.name for item in new]
    for final in finals:
        if _taken(final) and not overwrite:
            raise InputError(f"{final} exists; name another output or allow to overwrite it.")
    if len(new) == 1 and new[0].is_file() and not finals[0].is_dir():
        new[0].replace(finals[0])
        return
    old = place / OLD
    old.mkdir()
    moved: list[Path] = []
    try:
        for item, final in zip(new, finals, strict=True):
            if final.exists() or final.is_symlink():
                final.replace(old / final.name)
            moved.append(final)
            item.replace(final)
    except BaseException:
        for final in moved:
            _remove(final)
        for item in old.iterdir():
            item.replace(target.parent / item.name)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
