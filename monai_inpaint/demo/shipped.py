"""Images from installed packages; nothing is downloaded, and the packages themselves are not imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from monai_inpaint.errors import InputError

# what -> (package, place in it, how to get it)
_PLACES = {
    "t1": ("nilearn", "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz", "'monai-inpaint[demo]'"),
    "ct": ("pydicom", "data/test_files/CT_small.dcm", "pydicom"),
}


def shipped(what: str) -> Path:
    """Return the file of "t1" (ICBM152 average T1 head, brain only, 1 mm, of nilearn) or "ct" (one slice, of pydicom).

    Raises:
        InputError: the package is not installed, or does not carry the file.
    """
    package, place, name = _PLACES[what]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(f"The demo takes an image from the package {package}; install it with: pip install {name}")
    path = Path(spec.origin).parent / place
    if not path.is_file():
        raise InputError(f"{path}: the package {package} does not carry the demo's image; install it again: {name}")
    return path
