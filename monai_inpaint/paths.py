"""Check paths that users name: whether they lead to a file that can be opened."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from monai_inpaint.errors import InputError


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(getattr(errno, name) for name in names if hasattr(errno, name))


# The machine or the place the user named, not this program, is at fault: always, or where the system names the place.
FULL_OR_BROKEN = _numbers("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "ESTALE")
WRONG_PLACE = _numbers(
    "EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "ENXIO", "ENODEV", "EBUSY", "ETXTBSY"
)
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_NO_PATH = "contains a character that no path can contain; correct the path"  # a zero byte, or half of a surrogate pair
_IMPOSSIBLE = {
    errno.ELOOP: "is a loop of symbolic links; name what they were to lead to",
    errno.ENAMETOOLONG: "is longer than a path may be; choose shorter names",
}
_OUT_OF_REACH = {
    errno.ENOENT: "does not exist; check the path",
    errno.ENOTDIR: "does not exist: a part of its path is a file; check the path",
    errno.EACCES: "may not be read; check its permissions",
}


def path_of(text: str | Path, folder: Path = Path()) -> Path:
    """Return the path that was named, if the system can look it up, whether or not anything is there.

    Args:
        text: as typed, or as written in a file.
        folder: where it starts if it is relative.

    Raises:
        InputError: it is empty, contains a character that is invalid in paths, is too long, or contains a loop of
            links.
    """
    if not str(text).strip():
        raise InputError("A path is empty; name a file or a folder.")
    path = folder / text
    try:
        path.stat()
    except ValueError:
        raise InputError(f"{path} {_NO_PATH}.") from None
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            raise InputError(f"{path} {_IMPOSSIBLE[error.errno]}.") from None
    return path


def check_replaceable(folder: Path, mark: str, what: str) -> None:
    """Check that a folder that is to be replaced as a whole is empty, missing, or one that we wrote.

    Args:
        folder: as named.
        mark: name of a file that marks folders of ours.
        what: it is, for the sentence.

    Raises:
        InputError: it contains other files.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise InputError(f"{folder} contains other things than {what}; name another folder.")


def regular_file(path: Path, name: str = "") -> int:
    """Check that a path is a regular file, without opening it; returns its size in bytes.

    Opening a pipe waits for a writer, and reading a device may never end.

    Args:
        name: what errors call it; its path if empty.

    Raises:
        InputError: it is missing, may not be reached, or is a folder, pipe, socket, device or circle of links.
    """
    try:
        found = path.stat()
    except ValueError as error:
        raise InputError(f"{name or path} {_NO_PATH}.") from error
    except OSError as error:
        reasons = _IMPOSSIBLE | _OUT_OF_REACH
        reason = reasons.get(error.errno or 0, f"cannot be read ({error.strerror}); check it")
        raise InputError(f"{name or path} {reason}.") from error
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "a device")
        raise InputError(f"{name or path} is {kind}; give a regular file.")
    return found.st_size


def is_folder(path: Path) -> bool:
    """Return whether a path leads to a folder; False where it leads nowhere."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
