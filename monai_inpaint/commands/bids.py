"""Read a BIDS data set (Brain Imaging Data Structure 1.10) as a table of cases, and describe its derivatives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from monai_inpaint.commands.pairs import Pair
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.io.atomic import staged
from monai_inpaint.jobs.outputs import Target
from monai_inpaint.version import NOTICE, __version__

MASKS = "derivatives/*/{folder}/{name}_label-lesion_mask.nii.gz"
_VERSION = "1.10.0"
_IMAGE = re.compile(r"(?P<entities>sub-[A-Za-z0-9]+(?:_[a-z]+-[A-Za-z0-9]+)*)_(?P<suffix>[A-Za-z0-9]+)\.nii(?:\.gz)?")
_DESCRIPTION = "dataset_description.json"


def read_bids(folder: Path, output_dir: Path, masks: str = MASKS) -> list[Pair]:
    """Read the images of `anat` that have a mask, as cases.

    Args:
        folder: of the data set.
        output_dir: of the derivatives.
        masks: path of the mask of an image, below the data set's folder: a glob pattern in which {folder} stands for
            the image's folder (sub-01/anat), {name} for its name without suffix and extension (sub-01_acq-high) and
            {suffix} for its suffix (T1w).

    Raises:
        InputError: no data set, no image with a mask, or an image with several.
    """
    if not (folder / _DESCRIPTION).is_file():
        raise InputError(f"{folder} is not a BIDS data set: it has no {_DESCRIPTION}; name its folder.")
    if output_dir.resolve() == folder.resolve():
        raise InputError(
            f"{output_dir} is the data set itself; name another folder, such as {folder}/derivatives/filled."
        )
    pairs: list[Pair] = []
    for image in sorted([*folder.glob("sub-*/anat/*.nii*"), *folder.glob("sub-*/ses-*/anat/*.nii*")]):
        parts = _IMAGE.fullmatch(image.name)
        if parts is None:
            continue
        place = image.parent.relative_to(folder).as_posix()
        try:
            pattern = masks.format(folder=place, name=parts["entities"], suffix=parts["suffix"])
            found = sorted(path for path in folder.glob(pattern) if path != image)
        except (KeyError, IndexError, ValueError, NotImplementedError) as error:
            raise InputError(f"{masks!r} is not a pattern of masks ({error}); see --masks in the help.") from None
        if len(found) > 1:
            raise InputError(f"{image} has {len(found)} masks, {found[0]} and {found[1]} among them; narrow --masks.")
        if found:
            pairs.append(_pair(image, found[0], place, parts["entities"], parts["suffix"], folder, output_dir))
    if not pairs:
        raise InputError(f"{folder} contains no image in anat with a mask at {masks}; name their place with --masks.")
    return pairs


def write_description(folder: Path, source: Path) -> None:
    """Write the description of the derivatives, and exclude the journal from them; once.

    Args:
        folder: of the derivatives.
        source: folder of the data set.
    """
    path, ignored = folder / _DESCRIPTION, folder / ".bidsignore"
    if path.exists():
        return
    name = read_json(source / _DESCRIPTION, "correct it").get("Name") or source.resolve().name
    content = {
        "Name": f"{name}: filled",
        "BIDSVersion": _VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "monai-inpaint", "Version": __version__, "Description": NOTICE}],
        "SourceDatasets": [{"URL": source.resolve().as_uri()}],
        "DatasetLinks": {"source": source.resolve().as_uri()},
    }
    with staged(path) as place:
        place.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if not ignored.exists():
        with staged(ignored) as place:
            place.write_text("batch*.jsonl\n", encoding="utf-8")


def _pair(image: Path, mask: Path, place: str, entities: str, suffix: str, folder: Path, output_dir: Path) -> Pair:
    name = f"{place}/{entities}_desc-filled_{suffix}"
    sources = [f"bids:source:{path.relative_to(folder).as_posix()}" for path in (image, mask)]
    facts: dict[str, Any] = {
        "Description": "The region of the mask filled with what healthy anatomy would look like there.",
        "Sources": sources,
        "SkullStripped": False,
    }
    return Pair(
        str(image.relative_to(folder)),
        str(mask.relative_to(folder)),
        f"{name}.nii.gz",
        image,
        mask,
        Target(output_dir / f"{name}.nii.gz"),
        report=Target(output_dir / f"{name}.json"),
        facts=facts,
    )
