"""Put an implant into a clean CT and write the pair: what `simulate-metal` does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_inpaint.io import suffix_of, write_image
from monai_inpaint.io.atomic import staged
from monai_inpaint.jobs.outputs import Target, check_holds, check_targets
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.progress import Progress

_KEPT = (".nii", ".nii.gz", ".nrrd", ".mha")  # formats that results are written in if the source is of them


@dataclass(frozen=True, kw_only=True)
class SimulationJob:
    """Arguments of `simulate_metal`, and the folder of the results."""

    image: Path
    folder: Path
    implant: str = "random"
    seed: int = 0


def simulate_implant(job: SimulationJob, progress: Progress) -> dict[str, Any]:
    """Read, simulate and write; the folder appears whole or not at all. Returns the facts of simulation.json.

    Raises:
        InputError: an error of one of the steps; the folder is checked before anything is read.
    """
    from monai_inpaint.io.dicom.header import DicomHeader
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded
    from monai_inpaint.synthesis.metal.simulate import simulate_metal

    target = Target(job.folder, folder=True)
    check_targets([target], [job.image], overwrite=False)
    progress("read", 0, 1)
    fork_reader(job.image)
    image = read_image_guarded(job.image)
    progress("read", 1, 1)
    dicom = isinstance(image.header, DicomHeader)
    if dicom:
        from monai_inpaint.dicom.codes import load

        check_holds(target, image)
        load("")
    simulation = simulate_metal(image, job.implant, job.seed, progress=progress.stage("simulate"))
    facts = {"source": job.image.name, **simulation.facts}
    progress("write", 0, 1)
    with staged(job.folder, folder=True) as place:
        if dicom:
            _write_dicom(image, simulation.artifact, simulation.truth, simulation.metal.voxels, place, facts)
        else:
            suffix = suffix_of(job.image) if suffix_of(job.image) in _KEPT else ".nii.gz"
            for name in ("artifact", "truth", "metal"):
                write_image(getattr(simulation, name), place / f"{name}{suffix}", derived=_derived(name, facts))
        (place / "simulation.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    progress("write", 1, 1)
    return facts


def _write_dicom(
    image: Image, artifact: Image, truth: Image, metal: np.ndarray, place: Path, facts: dict[str, Any]
) -> None:
    """Two derived series, or files where the source is one; and the metal as a SEG on the one with artifacts."""
    from monai_inpaint.dicom.evidence import evidence_of
    from monai_inpaint.dicom.results import save_object
    from monai_inpaint.dicom.segmentation_writer import METAL, segmentation
    from monai_inpaint.io import read_image

    suffix = "" if len(image.header.datasets) > 1 else ".dcm"
    for name, result in (("artifact", artifact), ("truth", truth)):
        write_image(result, place / f"{name}{suffix}", derived=_derived(name, facts))
    written, marked = read_image(place / f"artifact{suffix}"), metal > 0
    segments = segmentation(evidence_of(written, marked), {METAL: marked}, _derived("metal", facts), found=True)
    save_object(segments, place / "metal.dcm")


def _derived(name: str, facts: dict[str, Any]) -> dict[str, str]:
    """Description of the DICOM series; the truth's series has the next number after that with artifacts."""
    return {
        "description": f"Simulated metal: {name}",
        "model": f"{facts['implant']['kind']}, seed {facts['seed']}",
        "version": __version__,
        "label": f"Simulated metal, {name}",
        "part": "1" if name == "truth" else "0",
    }
