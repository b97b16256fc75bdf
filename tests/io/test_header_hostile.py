"""Headers that somebody means ill with: each ends in an image or in a sentence, in bounded time and memory."""

from __future__ import annotations

import gzip
import re
import time
from pathlib import Path

import numpy as np
import pytest
from cli_samples import run
from header_samples import BYTES, VOXELS, meta, nrrd
from hostile_files import HEADERS, Make
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_process import command, limited

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import files_of, read_image, write_image

MUTANTS = 150
MEGABYTES = 300
EXTREMES = (b"-1", b"0", b"100", b"65536", b"2147483648", b"99999999999999999999", b"nan", b"inf", b"1e308", b"", b"%d")


def sources(folder: Path) -> list[Path]:
    """A good file of each kind."""
    write_image(Image(VOXELS, np.eye(4)), folder / "a.nii")
    write_image(Image(VOXELS, np.eye(4)), folder / "a.nii.gz")
    (folder / "d.raw").write_bytes(BYTES)
    return [
        folder / "a.nii",
        folder / "a.nii.gz",
        meta(folder / "a.mha"),
        meta(folder / "a.mhd", b"", ElementDataFile="d.raw"),
        meta(folder / "b.mhd", b"", ElementDataFile="LIST\nd.raw"),
        nrrd(folder / "a.nrrd"),
        nrrd(folder / "b.nrrd", gzip.compress(BYTES), encoding="gzip"),
        nrrd(folder / "c.nrrd", b"", data_file="d.raw"),
        nrrd(folder / "d.nrrd", " ".join(map(str, range(24))).encode(), encoding="text"),
    ]


def mutated(path: Path, content: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to three places of its header changed, as text or as bytes."""
    if path.name.endswith(".gz"):
        return gzip.compress(mutated(path.with_suffix(""), gzip.decompress(content), rng))
    for _ in range(rng.integers(1, 4)):
        numbers = list(re.finditer(rb"-?\d+", content[:400]))
        kind = rng.integers(4)
        if path.suffix == ".nii" or kind == 0 or not numbers:
            at, size = int(rng.integers(min(len(content), 352))), int(rng.choice([1, 2, 4]))
            content = content[:at] + rng.bytes(size) + content[at + size :]
        elif kind == 1:
            found = numbers[rng.integers(len(numbers))]
            extreme = EXTREMES[rng.integers(len(EXTREMES))]
            content = content[: found.start()] + extreme + content[found.end() :]
        else:
            lines = content.split(b"\n", 12)
            at = int(rng.integers(len(lines) - 1))
            lines[at : at + 1] = [] if kind == 2 else [lines[at], lines[int(rng.integers(len(lines)))]]
            content = b"\n".join(lines)
    return content


def outcome(path: Path) -> str:
    """Whether a file is read, with the memory that its own size allows, or refused in one sentence."""
    start = time.perf_counter()
    try:
        image = read_image(path)
        files_of(path)
    except InputError as error:
        result = "refused" if "\n" not in str(error) and path.name.split(".")[0] in str(error) else f"long: {error}"
    else:
        result = "read" if image.voxels.nbytes <= 1100 * max(path.stat().st_size, len(BYTES)) else "too large"
    return result if time.perf_counter() - start < 5 else f"slow: {path}"


def outcomes(name: str, folder: str) -> list[str]:
    source = next(path for path in sources(Path(folder)) if path.name == name)
    content, rng, results = source.read_bytes(), np.random.default_rng(0), []
    for n in range(MUTANTS):
        target = source.with_name(f"mutant{n}{source.name[1:]}")
        target.write_bytes(mutated(source, content, rng))
        results.append(outcome(target))
        target.unlink()
    return results


NAMES = ["a.nii", "a.nii.gz", "a.mha", "a.mhd", "b.mhd", "a.nrrd", "b.nrrd", "c.nrrd", "d.nrrd"]


@pytest.mark.parametrize("name", NAMES)
def test_damaged_headers_are_read_or_refused_and_nothing_else(tmp_path, name):
    ended = limited(outcomes, name, str(tmp_path))
    found = ended.returned
    assert isinstance(found, list)
    assert set(found) <= {"read", "refused"}, [line for line in found if line not in ("read", "refused")][:3]
    assert found.count("refused") > 0
    assert ended.stderr == ""
    assert ended.megabytes < MEGABYTES


@settings(max_examples=150, deadline=5000)
@given(
    key=st.sampled_from(["NDims", "DimSize", "ElementSpacing", "ElementDataFile", "HeaderSize", "CompressedDataSize",
                         "dimension", "sizes", "space directions", "data file", "byte skip", "line skip", "kinds"]),
    value=st.text(max_size=30) | st.integers().map(str) | st.lists(st.integers(), max_size=5).map(
        lambda numbers: " ".join(map(str, numbers))),
    suffix=st.sampled_from([".mha", ".mhd", ".nrrd"]),
)  # fmt: skip
def test_any_value_of_a_field_is_read_or_refused(tmp_path_factory, key, value, suffix):
    folder = tmp_path_factory.mktemp("field")
    path, value = folder / f"mutant{suffix}", value.encode("utf-8", "replace").decode()
    (nrrd if suffix == ".nrrd" else meta)(path, **{key: value})
    assert outcome(path) in ("read", "refused")


def made(folder: Path, kinds: dict[str, Make]) -> dict[str, Path]:
    """The hostile files, each in a folder of its own."""
    places = [folder / f"hostile{number}" for number in range(len(kinds))]
    for place in places:
        place.mkdir()
    return {kind: make(place) for (kind, make), place in zip(kinds.items(), places, strict=True)}


def test_a_hostile_image_ends_in_its_sentence_within_bounds(tmp_path):
    write_image(Image(VOXELS, np.eye(4)), tmp_path / "plain.nii")
    plain, out = str(tmp_path / "plain.nii"), str(tmp_path / "out.nii")
    for what, path in made(tmp_path, HEADERS).items():
        ended = limited(command, "fill", str(path), plain, out, "--bundle", "ct")
        assert ended.returned == 2, what
        assert len(ended.stderr.strip().splitlines()) == 1, what
        assert path.name in ended.stderr, what
        assert ended.megabytes < MEGABYTES, what
        assert ended.seconds < 10, what
    assert not (tmp_path / "out.nii").exists()


def test_a_batch_gives_a_hostile_row_its_sentence_and_goes_on(tmp_path, capfd):
    voxels = (1500 * np.random.default_rng(0).random((40, 40, 3)) - 1000).astype(np.int16)
    hole = np.zeros(voxels.shape, np.uint8)
    hole[15:20, 15:20, 1] = 1
    write_image(Image(voxels, np.eye(4)), tmp_path / "good.mha")
    write_image(Image(hole, np.eye(4)), tmp_path / "hole.mha")
    bad = [str(path.relative_to(tmp_path)) for path in made(tmp_path, HEADERS).values()]
    rows = [f"{name},hole.mha,{n}.nii" for n, name in enumerate([*bad, "good.mha"])]
    (tmp_path / "pairs.csv").write_text("\n".join(["image,hole,output", *rows]) + "\n")
    ran = run(capfd, "batch", tmp_path / "pairs.csv", tmp_path / "out", "--bundle", "ct")
    assert ran.code == 2
    assert ran.out.startswith(f"{len(bad)} input error, 1 done")
    assert len(ran.lines) == len(bad)
    for name, line in zip(bad, ran.lines, strict=True):
        assert name in line
    assert (tmp_path / "out" / f"{len(bad)}.nii").exists()
