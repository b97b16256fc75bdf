"""`monai-inpaint batch PAIRS.csv OUTPUT_DIR`: one start-up, many cases; a failed one does not stop the rest."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monai_inpaint.commands.arguments import path_text
from monai_inpaint.commands.fill import add_model_arguments, add_sample_arguments
from monai_inpaint.commands.journal import DONE as FINISHED
from monai_inpaint.commands.journal import INPUT_ERROR, OUR_ERROR, STARTED, Journal, JournalEntry, flat
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, OUR_FAULT, USERS_INPUT, explain, say
from monai_inpaint.paths import path_of
from monai_inpaint.progress import Progress, make_progress

if TYPE_CHECKING:
    from monai_inpaint.commands.pairs import Pair
    from monai_inpaint.jobs.fill_image import Fillers, FillJob

NAME = "batch"
HELP = "Fill the images of a table, one after the other."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pairs",
        type=path_text,
        metavar="PAIRS.csv",
        help="columns image,hole[,output,segment]; paths start at its folder",
    )
    parser.add_argument(
        "output_dir", type=path_text, metavar="OUTPUT_DIR", help="where outputs and the journal batch.csv go"
    )
    add_sample_arguments(parser)
    add_model_arguments(parser)
    parser.add_argument("--resume", action="store_true", help="go on with a batch: leave out what is done")
    parser.add_argument("--overwrite", action="store_true", help="existing outputs may be replaced (never an input)")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.commands.pairs import read_pairs
    from monai_inpaint.io.stage import remove_abandoned
    from monai_inpaint.jobs.fill_image import Fillers, FillJob
    from monai_inpaint.regions.sources import HoleFile

    folder, table = Path(args.output_dir), Path(args.pairs)
    pairs = read_pairs(table, folder)
    fillers = Fillers(args.bundle, args.engine)
    fillers.check()
    new = not folder.exists()
    journal = _journal(folder)
    progress = make_progress(args.progress)
    counts: dict[str, int] = {}
    try:
        before = _entries(journal, resume=args.resume, overwrite=args.overwrite)
        for place in {pair.output.path.parent for pair in pairs}:
            if place.is_dir():
                remove_abandoned(place)
        for number, pair in enumerate(pairs):
            progress("batch", number, len(pairs))
            job = FillJob(
                image=pair.image_path,
                hole=HoleFile(pair.hole_path, pair.segment),
                output=pair.output,
                sample=args.sample,
                seed=args.seed,
            )
            status = _one(pair, job, fillers, journal, before.get(flat(pair.name)), args.overwrite, progress)
            counts[status] = counts.get(status, 0) + 1
        progress("batch", len(pairs), len(pairs))
    finally:
        progress.clear()
        journal.close()
        if new:
            _drop_empty([folder])
    print(f"{', '.join(f'{count} {status}' for status, count in counts.items())}; journal: {journal.path}")
    if OUR_ERROR in counts:
        return OUR_FAULT
    return USERS_INPUT if INPUT_ERROR in counts else DONE


def _journal(folder: Path) -> Journal:
    """The journal to add to, ours alone until it is closed."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the outputs.")
    if not folder.parent.is_dir():
        raise InputError(f"{folder} cannot be made: the folder {folder.parent} does not exist; make it first.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}; name another folder.") from error
    return Journal(folder / "batch.csv")


def _entries(journal: Journal, *, resume: bool, overwrite: bool) -> dict[str, JournalEntry]:
    """The entries of the batch that goes on; none of one that begins."""
    if journal.exists() and resume:
        return journal.read()
    if journal.exists() and not overwrite:
        place = journal.path.parent
        raise InputError(f"{place} holds a batch already; add --resume to go on with it, or name another folder.")
    journal.start()
    return {}


def _one(
    pair: Pair,
    job: FillJob,
    fillers: Fillers,
    journal: Journal,
    before: JournalEntry | None,
    overwrite: bool,
    progress: Progress,
) -> str:
    """Fill one pair and note it; returns the status, "skipped" for one that is done already."""
    from monai_inpaint.jobs.fill_image import fill_image

    same = before is not None and (before.image, before.hole) == (flat(pair.image), flat(pair.hole))
    there = pair.output.path.exists()
    if before and same and there and before.status == FINISHED:
        return "skipped"
    # a run that was killed between the rename and its note left a complete output, which is ours to replace
    ours = before is not None and same and before.status == STARTED
    start = time.perf_counter()
    try:
        for path in (pair.image_path, pair.hole_path):
            path_of(path)
        if there and not (overwrite or ours):
            raise InputError(f"{pair.output.path} exists; name another output, or add --overwrite.")
        journal.add(JournalEntry(pair.image, pair.hole, pair.name, STARTED))
        made = _make_folders(pair.output.path.parent)
        try:
            fill_image(job, fillers, overwrite=overwrite or ours, progress=progress)
        finally:
            _drop_empty(made)
    except Exception as error:
        code, sentence = explain(error)
        progress.clear()
        say(f"{pair.image}: {sentence}")
        status = INPUT_ERROR if code == USERS_INPUT else OUR_ERROR
        journal.add(_entry(pair, status, start, sentence))
        return status
    journal.add(_entry(pair, FINISHED, start))
    return FINISHED


def _entry(pair: Pair, status: str, start: float, sentence: str = "") -> JournalEntry:
    return JournalEntry(pair.image, pair.hole, pair.name, status, sentence, round(time.perf_counter() - start, 3))


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns those that were not there, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _drop_empty(folders: list[Path]) -> None:
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()
