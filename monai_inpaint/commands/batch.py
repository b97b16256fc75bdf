"""`monai-inpaint batch PAIRS.csv OUTPUT_DIR`: one start-up, many cases; a failed one does not stop the rest."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.commands.arguments import (
    add_model_arguments,
    add_overwrite_argument,
    add_sample_arguments,
    nonempty_text,
    path_text,
)
from monai_inpaint.commands.journal import DONE as FINISHED
from monai_inpaint.commands.journal import INPUT_ERROR, OUR_ERROR, STARTED, Journal, JournalEntry
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, OUR_FAULT, USERS_INPUT, explain, say
from monai_inpaint.paths import path_of
from monai_inpaint.progress import Progress, make_progress

if TYPE_CHECKING:
    from monai_inpaint.commands.pairs import Pair
    from monai_inpaint.jobs.cohort import CohortCase, Outcome, Workers
    from monai_inpaint.jobs.fill_image import Fillers

NAME = "batch"
HELP = "Fill the images of a table or of a BIDS data set, with several processes or on a cluster if wanted."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pairs",
        nargs="?",
        type=path_text,
        metavar="PAIRS.csv",
        help="table with the columns image,hole[,output,segment]; relative paths start at its folder",
    )
    parser.add_argument(
        "output_dir", type=path_text, metavar="OUTPUT_DIR", help="folder for the outputs and the journal batch.jsonl"
    )
    parser.add_argument(
        "--bids", type=path_text, metavar="BIDS_DIR", help="fill the images in anat of a data set, without PAIRS.csv"
    )
    parser.add_argument(
        "--masks",
        type=nonempty_text,
        metavar="PATTERN",
        help="with --bids: path of the masks, with {folder}, {name} and {suffix} of the image "
        "(default: derivatives/*/{folder}/{name}_label-lesion_mask.nii.gz)",
    )
    add_sample_arguments(parser)
    add_model_arguments(parser)
    parser.add_argument("--shard", type=_shard, metavar="I/N", help="fill only part I of N of the table (1 to N)")
    parser.add_argument("--workers", type=_count, metavar="N", help="fill with N processes, which share the cores")
    parser.add_argument(
        "--ray", type=nonempty_text, metavar="ADDRESS", help="fill on a Ray cluster; 'local' starts one on this machine"
    )
    parser.add_argument("--resume", action="store_true", help="continue a batch: skip the cases that are done")
    add_overwrite_argument(parser)


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.io.stage import remove_abandoned
    from monai_inpaint.jobs.cohort import run_cohort
    from monai_inpaint.jobs.fill_image import Fillers

    folder = Path(args.output_dir)
    pairs = _pairs(args, folder)
    number, parts = args.shard or (1, 1)
    pairs = pairs[number - 1 :: parts]
    options = {"bundle": args.bundle or ("mr" if args.bids else None), "engine": args.engine, "sample": args.sample}
    options |= {"seed": args.seed}
    fillers = Fillers(options["bundle"], args.engine)
    fillers.check(engine=args.ray is None)  # a cluster has machines of its own
    new = not folder.exists()
    journal = _journal(folder, "batch.jsonl" if args.shard is None else f"batch-{number}-of-{parts}.jsonl")
    progress = make_progress(args.progress)
    batch = _Batch(pairs, options, fillers, journal, args.overwrite, progress)
    workers = None
    try:
        batch.begin(resume=args.resume)
        for place in {pair.output.path.parent for pair in pairs}:
            if place.is_dir():
                remove_abandoned(place)
        if args.bids:
            from monai_inpaint.commands.bids import write_description

            write_description(folder, Path(args.bids))
        workers = _workers(args, progress)
        run_cohort(batch.cases(), workers, batch.note_begun, batch.note_ended)
        progress("batch", len(pairs), len(pairs))
    finally:
        progress.clear()
        if workers:
            workers.close()
        batch.drop_empty_folders()
        journal.close()
        if new:
            _drop_empty([folder])
    outcome = ", ".join(f"{count} {status}" for status, count in batch.counts.items()) or "nothing to do"
    print(f"{outcome}; journal: {journal.path}")
    if OUR_ERROR in batch.counts:
        return OUR_FAULT
    return USERS_INPUT if INPUT_ERROR in batch.counts else DONE


class _Batch:
    """Cases, what is known of them, and the notes on them; only the driver uses this."""

    def __init__(
        self,
        pairs: list[Pair],
        options: dict[str, Any],
        fillers: Fillers,
        journal: Journal,
        overwrite: bool,
        progress: Progress,
    ) -> None:
        self._pairs = {pair.name: pair for pair in pairs}
        self._options, self._fillers, self._journal = options, fillers, journal
        self._overwrite, self._progress = overwrite, progress
        self._before: dict[str, JournalEntry] = {}
        self._made: list[Path] = []
        self.counts = Counter[str]()

    def begin(self, *, resume: bool) -> None:
        """Read the journal of the batch to resume, or start a new one."""
        if self._journal.exists() and resume:
            self._before = self._journal.read(self._options)
            return
        if self._journal.exists() and not self._overwrite:
            place = self._journal.path.parent
            raise InputError(f"{place} contains a batch already; add --resume to continue it, or name another folder.")
        self._journal.start(self._options)

    def cases(self) -> Iterator[CohortCase]:
        """The cases to fill; those already done or refused are counted."""
        for number, pair in enumerate(self._pairs.values()):
            self._progress("batch", number, len(self._pairs))
            before = self._before.get(pair.name)
            same = before is not None and (before.image, before.hole) == (pair.image, pair.hole)
            there = pair.output.path.exists()
            if before and same and there and before.status == FINISHED:
                self.counts["skipped"] += 1
                continue
            # a run that was killed between the rename and its note left a complete output, which is ours to replace
            replace = self._overwrite or (before is not None and same and before.status == STARTED)
            try:
                for path in (pair.image_path, pair.hole_path):
                    path_of(path)
                if there and not replace:
                    raise InputError(f"{pair.output.path} exists; name another output, or add --overwrite.")
            except Exception as error:
                self._note(pair, *explain(error))
                continue
            yield self._case(pair, replace)

    def note_begun(self, case: CohortCase) -> None:
        """Its output is ours from now on."""
        pair = self._pairs[case.name]
        self._journal.add(JournalEntry(pair.image, pair.hole, pair.name, STARTED))
        self._made += _make_folders(pair.output.path.parent)

    def note_ended(self, case: CohortCase, outcome: Outcome) -> None:
        """Note the outcome of a case."""
        self._note(
            self._pairs[case.name],
            outcome.code,
            outcome.sentence,
            seconds=outcome.seconds,
            inputs=outcome.inputs,
            bundle=outcome.bundle,
        )

    def drop_empty_folders(self) -> None:
        """Those that were made for cases that failed."""
        for folder in sorted(self._made, key=lambda path: -len(path.parts)):
            if folder.is_dir():
                _drop_empty([folder])

    def _case(self, pair: Pair, overwrite: bool) -> CohortCase:
        from monai_inpaint.jobs.cohort import CohortCase
        from monai_inpaint.jobs.fill_image import FillJob
        from monai_inpaint.regions.sources import HoleFile

        job = FillJob(
            image=pair.image_path,
            hole=HoleFile(pair.hole_path, pair.segment),
            output=pair.output,
            report=pair.report,
            sample=self._options["sample"],
            seed=self._options["seed"],
            facts=pair.facts,
        )
        return CohortCase(pair.name, job, self._fillers, overwrite)

    def _note(self, pair: Pair, code: int, sentence: str, **facts: Any) -> None:
        status = FINISHED if not code else INPUT_ERROR if code == USERS_INPUT else OUR_ERROR
        if code:
            self._progress.clear()
            say(_naming(pair, sentence))
        self._journal.add(JournalEntry(pair.image, pair.hole, pair.name, status, sentence, **facts))
        self.counts[status] += 1


def _naming(pair: Pair, sentence: str) -> str:
    """The sentence with the image's name as the table has it in front, once."""
    if sentence.startswith(str(pair.image_path)):
        return sentence
    name = pair.image_path.name
    return f"{pair.image}{sentence.removeprefix(name)}" if sentence.startswith(name) else f"{pair.image}: {sentence}"


def _pairs(args: argparse.Namespace, folder: Path) -> list[Pair]:
    if (args.pairs is None) == (args.bids is None):
        raise InputError("A batch needs a table, PAIRS.csv, or a data set, --bids BIDS_DIR; give one of them.")
    if args.workers and args.ray:
        raise InputError("--workers is for this machine, --ray for a cluster; leave out one of them.")
    if args.bids is None:
        from monai_inpaint.commands.pairs import read_pairs

        if args.masks:
            raise InputError("--masks needs --bids; add it, or leave out --masks.")
        return read_pairs(Path(args.pairs), folder)
    from monai_inpaint.commands.bids import MASKS, read_bids

    return read_bids(Path(args.bids), folder, args.masks or MASKS)


def _workers(args: argparse.Namespace, progress: Progress) -> Workers:
    if args.ray:
        from monai_inpaint.jobs.ray_workers import RayWorkers

        return RayWorkers(args.ray)
    if args.workers:
        from monai_inpaint.jobs.local_workers import LocalWorkers

        return LocalWorkers(args.workers)
    from monai_inpaint.jobs.cohort import InProcess

    return InProcess(progress)


def _journal(folder: Path, name: str) -> Journal:
    """The journal to add to, ours alone until it is closed."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the outputs.")
    if not folder.parent.is_dir():
        raise InputError(f"{folder} cannot be made: the folder {folder.parent} does not exist; make it first.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}; name another folder.") from error
    return Journal(folder / name)


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


def _shard(text: str) -> tuple[int, int]:
    try:
        number, parts = (int(part) for part in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be I/N, for example 2/8") from None
    if not 1 <= number <= parts:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be between 1/{max(parts, 1)} and {max(parts, 1)}/{max(parts, 1)}"
        )
    return number, parts


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of processes from 1 to 1024")
    return number
