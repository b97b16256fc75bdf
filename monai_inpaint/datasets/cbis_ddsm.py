"""CBIS-DDSM as published: scanned film mammograms in DICOM, each abnormality with a mask.

Lee et al., A curated mammography data set for use in computer-aided detection and diagnosis research, Scientific Data
2017 (The Cancer Imaging Archive). The folder contains mass_case_description_train_set.csv, its test set, or those of
calc, and the downloaded cases in any folder below: Mass-Training_P_00001_LEFT_CC/.../1-1.dcm is a mammogram, and
Mass-Training_P_00001_LEFT_CC_1/... holds the mask of its abnormality 1 and a crop around it, in an order that differs.
The paths in the tables are those before the archive renamed files and folders; only their first part still holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monai_inpaint.datasets.finding_boxes import Box, FindingBox
from monai_inpaint.datasets.listing import TEST, UNHEALTHY, Listing, Row
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.io import read_image
from monai_inpaint.io.dicom.file import load
from monai_inpaint.io.table import read_table

_KINDS = {"mass": "Mass", "calc": "Calcification"}
_SETS = {"train": UNHEALTHY, "test": TEST + UNHEALTHY}
_IMAGE, _MASK = "image file path", "ROI mask file path"


def read_cbis_ddsm(folder: Path) -> Listing:
    """Read the mammograms of the folder, all with an abnormality: the official test set is test, the others have no
    split yet.

    Masses are the source cbis_mass, calcifications cbis_calc: the official sets of the two were drawn apart, so a
    patient may be in train of one and in test of the other. The note names the abnormality and the pathology. Boxes are
    the extents of the masks, and name their mammogram by its path from `folder`, as all files have the same names. A
    mammogram with one abnormality also has its mask, unless that differs in size, as a few do; such a mask is scaled to
    the mammogram for its box. Cases that are not in the folder are left out. Every mask is read, which takes minutes.

    Raises:
        InputError: there is no table or case, a column is missing, or a case lacks its mammogram or mask.
    """
    names = {path.name: path for path in sorted(folder.rglob("*_P_*")) if path.is_dir()}
    tables = {(kind, part): folder / f"{kind}_case_description_{part}_set.csv" for kind in _KINDS for part in _SETS}
    if not any(table.is_file() for table in tables.values()):
        raise InputError(f"{folder}: contains no mass_case_description_train_set.csv or the like; add the tables.")
    rows: dict[Path, Row] = {}
    masks: dict[Path, list[Path | None]] = {}
    boxes: list[FindingBox] = []
    for (kind, part), table in tables.items():
        for case in read_table(table, ("patient_id", "pathology", _IMAGE, _MASK)) if table.is_file() else []:
            image, region = (names.get(_folder(table, case[column])) for column in (_IMAGE, _MASK))
            if image is None:
                continue
            if region is None:
                raise InputError(f"{folder}: {_folder(table, case[_MASK])} is missing; download this case again.")
            path = _only(image)
            note = f"{_KINDS[kind]}|{case['pathology']}"
            rows.setdefault(path, Row(path, f"cbis_{kind}", "MG", case["patient_id"], _SETS[part], note=note))
            head = load(path, head=True)
            found = _mask(region, (int(head.Rows), int(head.Columns)))
            masks.setdefault(path, []).append(found.path if found.fits else None)
            boxes.append(FindingBox(path.relative_to(folder).as_posix(), _KINDS[kind], *found.box))
    if not rows:
        raise InputError(f"{folder}: none of the cases of its tables is in it; download the images there.")
    listed = [replace(row, mask=masks[path][0] if len(masks[path]) == 1 else None) for path, row in rows.items()]
    return Listing(listed, boxes)


def _folder(table: Path, cell: str) -> str:
    """The first part of a path: the folder of the case."""
    parts = cell.split("/")
    if len(parts) < 2:
        raise InputError(f"{table}: {cell!r} is not the path of a file in a case; give the file as published.")
    return parts[0]


def _only(case: Path) -> Path:
    files = sorted(case.rglob("*.dcm"))
    if len(files) != 1:
        raise InputError(f"{case}: contains {len(files)} DICOM files, but a mammogram is one; download it again.")
    return files[0]


@dataclass(frozen=True)
class _Mask:
    """The mask of an abnormality: its file, its box in pixels of the mammogram, and whether it has the same size."""

    path: Path
    box: Box
    fits: bool


def _mask(case: Path, size: tuple[int, int]) -> _Mask:
    """The larger of the two images of a case; the other one is a crop."""
    read = [(path, read_image(path).voxels) for path in sorted(case.rglob("*.dcm"))]
    if len(read) != 2:
        raise InputError(
            f"{case}: contains {len(read)} DICOM files, but a mask and its crop are two; download this case again."
        )
    path, voxels = max(read, key=lambda one: one[1].size)
    inside = extent(np.asarray(voxels > 0))
    if voxels.ndim != 2 or inside is None:
        raise InputError(f"{path}: marks nothing, and should be the mask of an abnormality; download this case again.")
    (top, bottom), (left, right) = ((side.start, side.stop) for side in inside)
    down, across = size[0] / voxels.shape[0], size[1] / voxels.shape[1]
    box = (left * across, top * down, (right - left) * across, (bottom - top) * down)
    return _Mask(path, box, voxels.shape == size)
