"""Shared by the commands that synthesise: list the images, open the output folder, run the jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, OUR_FAULT, USERS_INPUT, explain, say
from monai_inpaint.io.run_folder import begin_run
from monai_inpaint.jobs.synthesis_files import drop_empty_folders, make_folders
from monai_inpaint.progress import Progress

SETTINGS = "synthesis.json"


class Resumable(Protocol):
    """One synthetic image."""

    @property
    def done(self) -> bool:
        """Whether its outputs are there."""
        ...


One = TypeVar("One", bound=Resumable)


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The images that paths name: files, files of folders, folders with a DICOM series, and entries of lists.

    Raises:
        InputError: a path or an entry of a list does not exist, or nothing is named.
    """
    from monai_inpaint.datasets.listing import is_label_map
    from monai_inpaint.io import suffix_of

    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist; check the path.")
        if path.is_dir():
            inside = sorted(item for item in path.iterdir() if not item.name.startswith("."))
            files = [one for one in inside if suffix_of(one) not in ("", ".dcm") and not is_label_map(one)]
            series = [one for one in inside if one.is_dir()]
            found += files or series or [path]
        elif path.suffix.lower() in (".txt", ".csv"):
            found += find_images([path.parent / name for name in _listed(path)])
        else:
            found.append(path)
    if not found:
        raise InputError("There are no images; name films or CT.")
    return found


def _listed(path: Path) -> list[str]:
    from monai_inpaint.io.table import read_table

    if path.suffix.lower() == ".csv":
        return [row["image"] for row in read_table(path, ("image",))]
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def image_name(path: Path) -> str:
    """The name of an image, or of the folder of a series, without the suffix of its format."""
    from monai_inpaint.datasets.named_images import stem_of

    return stem_of(path.name) or path.resolve().name


@contextmanager
def output_folder(
    folder: Path,
    asked: dict[str, Any],
    jobs: Sequence[Resumable],
    progress: Progress,
    *,
    resume: bool,
    remove: Callable[[Path], None] | None = None,
) -> Iterator[None]:
    """The folder of a run, with its settings; a new one is removed again if nothing was made.

    Args:
        folder: of the outputs.
        asked: the settings, JSON-able; a resumed run must have the same.
        jobs: of the run.
        progress: cleared at the end.
        resume: whether an interrupted run may be continued.
        remove: removes further files of a new folder in which nothing was made.

    Raises:
        InputError: the folder holds a run already, or one with other settings.
    """
    new = not folder.exists()
    begin_run(folder, SETTINGS, asked, "synthetic images", resume=resume)
    make_folders(folder)
    try:
        yield
    finally:
        progress.clear()
        if new and not any(job.done for job in jobs):
            (folder / SETTINGS).unlink(missing_ok=True)
            if remove:
                remove(folder)
            drop_empty_folders(folder)


def run_all(jobs: Sequence[One], do: Callable[[One], None], stage: str, progress: Progress) -> Counter[str]:
    """Run the jobs that are not done yet; an error in one image does not end the rest."""
    counts: Counter[str] = Counter()
    for number, job in enumerate(jobs):
        progress(stage, number, len(jobs))
        if job.done:
            counts["skipped"] += 1
            continue
        try:
            do(job)
        except Exception as error:  # one image's fault must not end the rest
            code, sentence = explain(error)
            progress.clear()
            say(sentence)
            counts["refused" if code == USERS_INPUT else "failed"] += 1
        else:
            counts["made"] += 1
    progress(stage, len(jobs), len(jobs))
    return counts


def ended(counts: Counter[str], folder: Path) -> int:
    """Print what was made, and return the exit code."""
    made = ", ".join(f"{count} {what}" for what, count in counts.items())
    print(f"{made}; in {folder}. Synthetic: research use only.")
    return OUR_FAULT if counts["failed"] else USERS_INPUT if counts["refused"] else DONE
