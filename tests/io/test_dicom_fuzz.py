"""Real files with bytes changed at random, by a fixed seed: they are read, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from limited_process import limited
from pydicom.data import get_testdata_file

from monai_inpaint import read_image, write_image
from monai_inpaint.errors import InputError

FILES = ("CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_implicit.dcm", "image_dfl.dcm")
MUTANTS = 150  # of each file
DERIVED = {"description": "Region filled", "model": "ct_inpainting 0.3", "version": "0.3"}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, most of them in the header, or a part repeated, left out or cut off."""
    data = bytearray(content)
    header = max(content.find(b"\xe0\x7f\x10\x00"), 400)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(128, min(header, len(data)) if rng.random() < 0.8 else len(data)))
        match rng.integers(5):
            case 0:
                data[at] = rng.integers(256)
            case 1:
                data[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\xfe\xff\x00\xe0"])
            case 2:
                del data[at : at + int(rng.integers(1, 40))]
            case 3:
                data[at:at] = data[at : at + int(rng.integers(1, 40))]
            case _:
                data = data[: max(at, 200)] if rng.random() < 0.1 else data
    return bytes(data)


def outcomes(name: str, folder: str) -> list[str]:
    """Of each mutant: "read", "refused", or what it raised that is not a sentence."""
    rng = np.random.default_rng(FILES.index(name))
    content = Path(get_testdata_file(name, download=False)).read_bytes()
    return [_outcome(mutated(content, rng), Path(folder), n) for n in range(MUTANTS)]


def _outcome(content: bytes, folder: Path, n: int) -> str:
    path = folder / f"{n}.dcm"
    path.write_bytes(content)
    try:
        write_image(read_image(path), folder / f"{n}-out.dcm", derived=DERIVED)
    except InputError as error:
        return "refused" if f"{n}" in str(error) and len(str(error)) < 900 else f"{n}: {error}"
    except Exception as error:
        return f"{n}: {type(error).__name__}: {error}"
    return "read"


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path: Path, name: str) -> None:
    ended = limited(outcomes, name, str(tmp_path))
    found = ended.returned
    assert isinstance(found, list)
    assert set(found) <= {"read", "refused"}, [line for line in found if line not in ("read", "refused")]
    assert 0 < found.count("refused") < MUTANTS
    assert ended.megabytes < 600
