"""Put nodules into an image and write what goes with it: mask, manifest, and the image without them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.errors import InputError
from monai_inpaint.jobs.cohort import digest
from monai_inpaint.jobs.outputs import Target, Write
from monai_inpaint.jobs.run_job import Done, run
from monai_inpaint.jobs.synthesis_files import IMAGES, PICTURES, SynthesisFiles
from monai_inpaint.synthesis.nodules import FILM_MM
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.progress import Progress
    from monai_inpaint.synthesis.nodules.synthesize import Place, Synthesis

FORMATS = ("node21", "coco", "yolo")


@dataclass(frozen=True, kw_only=True)
class NoduleJob(SynthesisFiles):
    """One image, and the nodules that go into it.

    Attributes:
        place: a region's name, the path of a mask, or for each nodule its pixel: column, row and, in a volume, slice.
        diameters: one for each nodule, mm, or pixels of an image without spacing.
        shape: "random", or the path of a mask.
        density: see `synthesize_nodule`.
        seeds: as many.
        scaled: diameters are in mm everywhere: an image without spacing is assumed to be a film of `FILM_MM`.
        pair: the image is also written without its nodule.
    """

    place: str | Path | tuple[tuple[int, ...], ...]
    diameters: tuple[float, ...]
    shape: str | Path
    density: str | float
    seeds: tuple[int, ...]
    scaled: bool = False
    pair: bool = False
    engine: str = "auto"
    bundle: str | None = None

    @property
    def without(self) -> Target:
        """The image without its nodule."""
        output = self.output
        name = f"{self.name}_without{output.path.name.removeprefix(self.name)}"
        return Target(self.folder / IMAGES / name, folder=output.folder)


def synthesize_into(job: NoduleJob, *, progress: Progress, overwrite: bool = False) -> None:
    """Read, put the nodules in, and write; all outputs appear, or none.

    Raises:
        InputError: an error of one of the steps.
    """
    from monai_inpaint.regions.sources import HoleFile
    from monai_inpaint.synthesis.nodules.several import NoduleRequest, synthesize_nodules

    def read(image: Image) -> Callable[[], Done]:
        places: list[Place] = [job.place] * len(job.seeds) if isinstance(job.place, str) else []
        if isinstance(job.place, Path):
            places = [_on_grid(image, HoleFile(job.place).hole_in(image))] * len(job.seeds)
        elif isinstance(job.place, tuple):
            places = [_index(image, point) for point in job.place]
        shape = job.shape if isinstance(job.shape, str) else _shape(job.shape)
        scale = _pixels_a_mm(image) if job.scaled else 1.0
        exact = replace(job, diameters=tuple(diameter * scale for diameter in job.diameters))
        requests = [
            NoduleRequest(place=place, diameter=diameter, shape=shape, density=job.density, seed=seed)
            for place, diameter, seed in zip(places, exact.diameters, exact.seeds, strict=True)
        ]

        def compute() -> Done:
            made = synthesize_nodules(image, requests, bundle=job.bundle, engine=job.engine)
            return _done(exact, image, made)

        return compute

    images = [job.output, job.mask, *([job.without] if job.pair else [])]
    inputs = [path for path in (job.place, job.shape) if isinstance(path, Path)]
    run(job.image, images, [], job.manifest, read, inputs=inputs, overwrite=overwrite, progress=progress)


def boxed_images(folder: Path, jobs: Sequence[NoduleJob]) -> Iterator[BoxedImage]:
    """Content of the manifests of finished jobs, for tables of boxes; with pairs, also the images without nodules.

    Raises:
        InputError: an image is a volume, for which these tables have no place.
    """
    for job in (job for job in jobs if job.done):
        content = json.loads(job.manifest.path.read_text(encoding="utf-8"))
        shape = content["geometry"]["shape"]
        if len(shape) != 2:
            raise InputError(f"{folder}: {job.name} is a volume, boxes of node21, coco and yolo are of films.")
        boxes = [(x, y, width, height) for (y, height), (x, width) in (one["box"] for one in content["nodules"])]
        yield BoxedImage(job.output.path.name, shape[1], shape[0], tuple(boxes))
        if job.pair:
            yield BoxedImage(job.without.path.name, shape[1], shape[0])


def _done(job: NoduleJob, image: Image, made: Synthesis) -> Done:
    from monai_inpaint.io import write_image

    bundle = made.report.get("bundle", {"name": "projected shadow", "version": __version__})
    sizes, unit = ", ".join(f"{diameter:g}" for diameter in job.diameters), made.report["nodules"][0]["unit"]
    derived = {
        "description": f"Synthetic lung nodule of {sizes} {unit} by monai-inpaint",
        "model": f"{bundle['name']} {bundle['version']}",
        "version": __version__,
        "label": "Synthetic nodule",
    }
    bright = np.uint8(255 if job.mask.path.suffix.lower() in PICTURES else 1)
    mask = image.map_of(made.mask * bright)
    writes: list[Write] = [
        (job.output, lambda place: write_image(made.image, place, derived=derived)),
        (job.mask, lambda place: write_image(mask, place, derived={**derived, "description": "Mask of a nodule"})),
    ]
    if job.pair:
        writes.append((job.without, lambda place: _write_unchanged(job, image, place)))

    def facts() -> dict[str, Any]:
        return {**made.report, "arguments": _arguments(job), "source": _identity(job.image)}

    return Done(writes, facts, {"mask": job.mask.path.name})


def _arguments(job: NoduleJob) -> dict[str, Any]:
    """Arguments of `synthesize_nodules`; files by name and digest."""
    asked = {"place": job.place, "shape": job.shape}
    settings = {key: _identity(value) if isinstance(value, Path) else value for key, value in asked.items()}
    return {**settings, "diameters": job.diameters, "density": job.density, "seeds": job.seeds}


def _identity(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": digest(path)}


def _pixels_a_mm(image: Image) -> float:
    """1 where diameters are in mm; else the pixels of a mm, if the image is a film of the usual size."""
    return 1.0 if image.spacing else max(image.voxels.shape) / FILM_MM


def _index(image: Image, place: tuple[int, ...]) -> tuple[int, ...]:
    """Column and row of a 2D image as an index of its array; of a volume the index itself."""
    if image.voxels.ndim == 2 and len(place) == 2:
        return place[1], place[0]
    return place


def _on_grid(image: Image, hole: Any) -> np.ndarray:
    from monai_inpaint.imaging.grid import align_hole

    return align_hole(hole, image).voxels


def _shape(path: Path) -> np.ndarray:
    from monai_inpaint.imaging.label_map import hole_of
    from monai_inpaint.io.isolated import read_image_guarded

    return np.asarray(hole_of(read_image_guarded(path)).image.voxels > 0)


def _write_unchanged(job: NoduleJob, image: Image, place: Path | str) -> None:
    """The source itself: a copy where it is DICOM, which has no image that is not derived to write."""
    from monai_inpaint.io import write_image

    if job.image.is_dir():
        shutil.copytree(job.image, place, dirs_exist_ok=True)
    elif job.output.path.suffix.lower() == ".dcm":
        shutil.copyfile(job.image, place)
    else:
        write_image(image, place)
