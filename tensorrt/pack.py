"""Pack all that `make test-gpu` needs on a machine without network: wheels, bundles and tests, in small pieces.

python tensorrt/pack.py --output DIR                    # here
cat DIR/* | tar x && sh monai-inpaint-gpu/tensorrt/offline.sh   # there
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, exit_code_of

ROOT = Path(__file__).parents[1]
NAME = "monai-inpaint-gpu"
PIECE = 60 * 10**6  # bytes at most
TREE = ("LICENSE", "Makefile", "README.md", "bundles", "constraints.txt", "monai_inpaint", "pyproject.toml", "tensorrt",
        "tests/conftest.py", "tests/engines", "tests/samples")  # fmt: skip
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (17, 24, 26, 27, 28, 31, 34, 35)] + ["manylinux2014_x86_64"]
RENAMED = "tensorrt-rtx-cu13==1.7.1.116"  # has no wheel; what it makes is the same everywhere


class Pieces:
    """A file to write to that is many files, none larger than `PIECE`.

    Args:
        folder: where they go, in the order of their names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.paths = folder, list[Path]()
        self._left = 0

    def write(self, content: bytes) -> int:
        """All of the content, over as many pieces as it takes."""
        view = memoryview(content)
        while view:
            if not self._left:
                self.paths.append(self.folder / f"{NAME}.tar.{len(self.paths):03d}")
                self._left = PIECE
            now, view = view[: self._left], view[self._left :]
            with self.paths[-1].open("ab") as piece:
                piece.write(now)
            self._left -= len(now)
        return len(content)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    return exit_code_of(lambda: _pack(argv))


def _pack(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser("python tensorrt/pack.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--python", default=f"3.{sys.version_info.minor}", metavar="3.N", help="of that machine")
    parser.add_argument("--torch", action="store_true", help="pack torch, too; else that machine has it")
    args = parser.parse_args(argv)
    if args.output.exists():
        raise InputError(f"{args.output} exists; name a folder that does not.")
    with tempfile.TemporaryDirectory() as made:
        wheels = Path(made)
        _download(wheels, args.python, torch=args.torch)
        args.output.mkdir(parents=True)
        pieces = Pieces(args.output)
        with tarfile.open(mode="w|", fileobj=pieces) as archive:  # pyright: ignore[reportArgumentType]
            for path in _tracked():
                archive.add(ROOT / path, f"{NAME}/{path}")
            for wheel in sorted(wheels.iterdir()):
                archive.add(wheel, f"{NAME}/wheels/{wheel.name}")
    size = sum(path.stat().st_size for path in pieces.paths)
    print(f"{args.output}: {len(pieces.paths)} pieces, {size / 1e6:.0f} MB")
    print(f"there: cat {args.output.name}/* | tar x && sh {NAME}/tensorrt/offline.sh")
    return DONE


def _download(folder: Path, python: str, *, torch: bool) -> None:
    """Wheels for Linux on x86-64."""
    pip = [sys.executable, "-m", "pip", "--quiet"]
    there = ["--only-binary=:all:", "--python-version", python, "--constraint", str(ROOT / "constraints.txt")]
    there += [part for name in PLATFORMS for part in ("--platform", name)]
    lists = [str(ROOT / "tensorrt" / f"requirements-{name}.txt") for name in ("gpu", "offline")]
    needed = [part for path in lists for part in ("--requirement", path)]
    commands = [
        [*pip, "download", *there, "--no-deps", "--dest", str(folder), *needed],
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), RENAMED],
    ]
    if torch:
        commands.append([*pip, "download", *there, "--dest", str(folder), "torch"])
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            raise InputError(f"pip could not fetch all wheels for Python {python}; what it says stands above.")


def _tracked() -> list[str]:
    """Files of the repository that are needed there."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--", *TREE]
    return [
        name for name in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0") if name
    ]


if __name__ == "__main__":
    sys.exit(main())
