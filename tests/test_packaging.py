"""The package as it is installed: light to import, complete as a wheel, able to fill without torch."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from cli_samples import picture, picture_hole
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from monai_inpaint import __version__
from monai_inpaint.io import read_image
from monai_inpaint.registry import bundles
from monai_inpaint.registry.bundle_info import PUBLISHED

ROOT = Path(__file__).parents[1]
WHEEL = 60 * 10**6  # bytes; the public index takes 100 MB
LARGEST = 16 * 10**6  # bytes a network may take
TRAINING = {"torch", "monai", "ignite", "onnx", "onnxruntime", "cv2", "skimage", "matplotlib", "pandas"}
READERS = {"nibabel", "SimpleITK", "pydicom", "PIL", "tifffile", "scipy", "itk"}


def _imported(code: str, *args: object) -> set[str]:
    """Top-level modules that are loaded after `code` has run in a process of its own."""
    listing = "import sys; print('\\n', *{name.partition('.')[0] for name in sys.modules})"
    listed = _run(sys.executable, "-c", f"import sys\n{code}\n{listing}", *args)
    return set(listed.splitlines()[-1].split())


def test_one_address_stands_wherever_the_repository_is_named() -> None:
    address = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    own = re.compile(r"https://(?:raw\.githubusercontent|github)\.com/([\w.-]+/[\w.-]*MONAIInpaint)\b", re.IGNORECASE)
    texts = [ROOT / "CMakeLists.txt", ROOT / "slicer_extension" / "MONAIInpaint.json", ROOT / "README.md"]
    named = [place for path in (*texts, *ROOT.glob("docs/**/*.md")) for place in own.findall(path.read_text())]

    assert len(named) >= 4
    assert {f"https://github.com/{place}" for place in named} == {address}


def test_importing_the_package_imports_next_to_nothing() -> None:
    assert not _imported("import monai_inpaint") & (TRAINING | READERS | {"numpy", "openvino", "argparse"})


def test_the_names_of_the_package_are_there_when_asked_for() -> None:
    code = "import monai_inpaint\nassert all(hasattr(monai_inpaint, n) for n in monai_inpaint.__all__)"

    assert not _imported(code) & (TRAINING | READERS)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import monai_inpaint

    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = monai_inpaint.nothing_like_it


def test_info_loads_no_engine() -> None:
    code = "from monai_inpaint.cli import main\nassert main(['info']) == 0"

    assert not _imported(code) & (TRAINING | READERS | {"openvino"})


def test_filling_a_picture_loads_one_engine_and_one_reader(tmp_path: Path) -> None:
    args = ["fill", picture(tmp_path / "film.png"), picture_hole(tmp_path / "hole.png"), tmp_path / "filled.png"]
    code = "from monai_inpaint.cli import main\nassert main(sys.argv[1:] + ['--bundle', 'cxr']) == 0"

    loaded = _imported(code, *args)

    assert not loaded & (TRAINING | READERS - {"PIL", "scipy"})
    assert {"openvino", "PIL"} <= loaded


def test_inference_through_monai_needs_neither_ignite_nor_matplotlib() -> None:
    code = (
        "import sys\nsys.modules['ignite'] = sys.modules['matplotlib'] = None\n"
        "from monai_inpaint import inferers, networks, training, transforms\n"
        "assert training.fill_pairs\nassert training.find_images\n"
    )

    _run(sys.executable, "-c", code)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_code_and_bundles_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"monai_inpaint/py.typed", "monai_inpaint/cli.py"} <= names
    assert {name.split("/")[0] for name in names} == {"monai_inpaint", f"monai_inpaint-{__version__}.dist-info"}
    for bundle in bundles():
        inside = {name.removeprefix(f"monai_inpaint/bundles/{bundle.name}/") for name in names}
        shipped = {"models/model.onnx", "configs/metadata.json", "docs/README.md", "LICENSE"}
        shipped |= {"models/sampler.onnx"} if bundle.sampler else set()
        assert shipped & inside == (set() if bundle.name in PUBLISHED else shipped)
    assert wheel.stat().st_size <= WHEEL
    parts = [info for info in zipfile.ZipFile(wheel).infolist() if "/bundles/" in info.filename]
    models = {Path(info.filename).name for info in parts if "/models/" in info.filename}
    assert models == {"model.onnx", "sampler.onnx", "healthy.npz"}
    assert max(info.file_size for info in parts) <= LARGEST


@pytest.mark.slow
def test_the_wheel_fills_in_an_empty_environment_without_torch(wheel: Path, tmp_path: Path) -> None:
    builder = venv.EnvBuilder(with_pip=True)
    builder.create(tmp_path / "empty")
    scripts = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    _run(scripts / "python", "-m", "pip", "install", "-q", "--constraint", ROOT / "constraints.txt", wheel)
    film, hole, output = picture(tmp_path / "film.png"), picture_hole(tmp_path / "hole.png"), tmp_path / "filled.png"

    _run(scripts / "monai-inpaint", "fill", film, hole, output, "--bundle", "cxr", cwd=tmp_path)
    listed = _run(scripts / "python", "-m", "pip", "list", "--format", "freeze", cwd=tmp_path)
    text = _run(scripts / "monai-inpaint", "info", cwd=tmp_path)

    assert f"{', '.join(PUBLISHED)}\n    from the folder bundles/ of a clone of the repository" in text
    outside = read_image(hole).voxels == 0
    source, filled = read_image(film).voxels, read_image(output).voxels
    assert (filled[outside] == source[outside]).all()
    assert (filled[~outside] != source[~outside]).any()
    assert not {line.partition("==")[0].lower() for line in listed.splitlines()} & {"torch", "monai"}


def _run(*args: object, cwd: Path | None = None) -> str:
    # elsewhere, only what is installed is found
    found = {key: value for key, value in os.environ.items() if cwd is None or key != "PYTHONPATH"}
    done = subprocess.run([str(arg) for arg in args], cwd=cwd, env=found, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _licences(extras: set[str]) -> dict[str, str]:
    """What is installed of the package with these extras, but for what torch brings, and the licence each one tells."""
    found: dict[str, str] = {}
    waiting = [("monai-inpaint", frozenset(extras))]
    while waiting:
        name, wanted = waiting.pop()
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            applies = needed.marker is None or any(needed.marker.evaluate({"extra": each}) for each in wanted or {""})
            key = canonicalize_name(needed.name)
            if not applies or key in found or key == "monai-inpaint":
                continue
            try:
                facts = metadata.metadata(key)
            except metadata.PackageNotFoundError:
                continue
            classes = [line for line in facts.get_all("Classifier") or [] if line.startswith("License")]
            licence = (facts.get("License") or "").partition("\n")[0]
            found[key] = " ".join([facts.get("License-Expression") or "", licence, *classes])
            if key != "torch":
                waiting.append((key, frozenset(needed.extras)))
    return found


def _all() -> set[str]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (text,) = extras["all"]
    return set(Requirement(text).extras)


def test_all_brings_nothing_under_the_gpl_and_nothing_proprietary() -> None:
    extras = _all()
    assert "metal" not in extras
    licences = _licences(extras)
    assert len(licences) > 50
    assert not {name: text for name, text in licences.items() if re.search(r"GPL|Proprietary", text)}


def test_the_apps_requirements_pin_what_the_package_and_its_extra_dicom_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "deploy_app" / "requirements.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}
    needed = [*project["dependencies"], *project["optional-dependencies"]["dicom"]]
    names = {canonicalize_name(Requirement(text).name) for text in needed}

    assert names - {"monai-inpaint"} <= pinned


def test_the_apps_requirements_are_without_what_metal_brings() -> None:
    base, more = (
        {line.partition("==")[0].lower() for line in (ROOT / "deploy_app" / name).read_text().splitlines()}
        for name in ("requirements.txt", "requirements-metal.txt")
    )
    metal = {"astra-toolbox", "nvidia-cuda-runtime-cu12", "nvidia-cufft-cu12", "nvidia-nvjitlink-cu12"}
    assert metal <= more
    assert not metal & base


def test_actions_are_pinned_by_their_commit() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: *(\S+)(.*)", path.read_text())
        assert used
        for action, comment in used:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
