"""Export of a filled volume as DICOM: the derived series and all objects beside it."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InpaintError
from .jobs import MarkedBox, write_volume
from .nifti import write_nifti
from .volumes import Volume

_OUTPUT = "output.txt"  # keeps the path of the folder during a run


@dataclass(frozen=True)
class Exported:
    """The folder of an export, and whether it is meant for Slicer's DICOM database."""

    folder: Path
    for_database: bool


@dataclass(frozen=True, eq=False)
class ExportResults:
    """Write the derived series of a filled volume, with its region (SEG, RTSTRUCT), maps, record (SR) and overview.

    Attributes:
        volume: the filled one.
        files: of the series that it was made of.
        report: of the last run that led to it.
        computed: what each of the runs that led to it computed.
        parent: the folder in which a new one, called after the volume, appears complete or not at all.
        for_database: whether it is meant for Slicer's DICOM database.
        maps: "spread" (k, j, i) float32 and "labels" (of metal, uint8), where there are some.
    """

    volume: Volume
    files: list[Path]
    report: dict[str, Any]
    computed: list[MarkedBox]
    parent: Path
    for_database: bool = False
    maps: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.volume.name}: export"

    def prepare(self, folder: Path) -> list[str]:
        """See `Job.prepare`."""
        series = folder / "series"
        series.mkdir()
        for number, file in enumerate(self.files):
            (series / f"{number:06d}.dcm").write_bytes(file.read_bytes())
        (folder / "report.json").write_text(json.dumps(self.report), encoding="utf-8")
        write_volume(self.volume, folder)
        computed = np.zeros(self.volume.voxels.shape, bool)
        for marked in self.computed:
            marked.mark_in(computed)
        for name, voxels in {**self.maps, "computed": computed.view(np.uint8)}.items():
            write_nifti(folder / f"{name}.nii", voxels, self.volume.ijk_to_ras)
        script = Path(__file__).with_name("export_results.py")
        output = free_folder(self.parent.absolute(), self.volume.name)  # now, as runs before this one make theirs
        (folder / _OUTPUT).write_text(str(output), encoding="utf-8")
        return [str(script), str(folder), str(output)]

    def collect(self, folder: Path, messages: list[str]) -> Exported:
        """See `Job.collect`."""
        return Exported(Path((folder / _OUTPUT).read_text(encoding="utf-8")), self.for_database)


def remove_export(folder: Path) -> None:
    """Remove the folder of an export that was copied elsewhere.

    Raises:
        InpaintError: it could not be removed.
    """
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise InpaintError(f"{folder} could not be removed ({error.strerror}); remove it yourself.") from error


def free_folder(parent: Path, name: str) -> Path:
    """Return a folder in `parent` that does not exist: of this name, or with the first free number after it."""
    plain = "".join(sign if sign.isalnum() or sign in " -_." else "_" for sign in name).strip(" .") or "results"
    number, folder = 1, parent / plain
    while folder.exists():
        number += 1
        folder = parent / f"{plain} {number}"
    return folder
