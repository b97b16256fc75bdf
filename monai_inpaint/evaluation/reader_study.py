"""Make a two-alternative forced choice study: which of two images has been filled (Belli et al. 2018, section 4.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.automatic_reader import AutomaticReader
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.datalist import Entry, in_order
from monai_inpaint.evaluation.given_holes import GIVEN_HOLES
from monai_inpaint.evaluation.protocol_interface import Method, Protocol
from monai_inpaint.evaluation.protocol_table import METAL, find_protocol
from monai_inpaint.evaluation.run import cases_of, entries_for, modalities_of, perceptual_measures
from monai_inpaint.evaluation.study_design import StudyTrial, assign, draw_trials
from monai_inpaint.evaluation.study_files import AUTOMATIC, KEY, PAGE, PICTURES, READERS, answers_text
from monai_inpaint.evaluation.study_pictures import RealAndFilled, pictures_of, webp_of
from monai_inpaint.io import check_output, suffix_of
from monai_inpaint.io.atomic import staged
from monai_inpaint.machine import versions
from monai_inpaint.progress import Progress
from monai_inpaint.reports.reader_page import reader_page
from monai_inpaint.version import NOTICE, __version__

SMALLEST = 64  # pixels a side that films may be reduced to


class _Written(NamedTuple):
    """A pair of pictures as files: what they share, black in the hole's box; and what each has in the box.

    Both boxes are in one file, so that no file size reveals which of them was filled.
    """

    picture: bytes
    boxes: bytes
    facts: dict[str, Any]  # of the pair, for the page
    key: dict[str, Any]


def make_study(
    images: Path,
    holes: Path | None,
    protocol: str | None,
    methods: Sequence[str],
    output: Path,
    *,
    pairs: int = 60,
    size: int = 1024,
    seconds: int | None = None,
    split: str | None = None,
    source: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    features: str | Path | None = None,
    engine: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a study into the folder `output`: `for-readers/` with the page and its pictures, and the key.

    Args:
        images: data list (see `read_data_list`), or a folder of images.
        holes: folder with the hole of each image under the image's name; None: a protocol makes holes.
        protocol: see `evaluate`; None with `holes`.
        methods: see `evaluate`.
        output: a folder that does not exist yet or is empty.
        pairs: number of pairs; a tenth of them is shown twice.
        size: pixels a side that films are reduced to at most.
        seconds: after which the pictures of a pair are hidden; None: never.
        split, source, modality: keep only rows of the list with this value.
        seed: of holes, samples, images, order and sides.
        features: SqueezeNet features; with them the automatic reader answers, into `automatic.json`.
        engine: for the bundles.
        overwrite: an existing study may be replaced.
        progress: reports the progress.

    Returns:
        The key.

    Raises:
        InputError: an argument is at fault, or there are too few images.
    """
    progress = progress or Progress()
    check_output(output, overwrite=overwrite, sources=[images, *([holes] if holes else [])])
    chosen = _protocol(holes, protocol)
    if pairs < 1 or size < SMALLEST or seed < 0 or (seconds is not None and seconds < 1):
        raise InputError(f"pairs and seconds must be at least 1, the size at least {SMALLEST}, the seed 0 or more.")
    entries = _entries(images, holes, chosen, split, source, modality)
    perceptual = perceptual_measures(features)
    compared = chosen.methods(methods, engine, seed)
    cases = _cases(images, entries, chosen, modalities_of(compared, chosen), pairs, size, seed, progress)
    assigned = assign(len(cases), len(compared), pairs)
    rng = np.random.default_rng([seed, crc32(b"reader-study")])
    trials = draw_trials([method for _, method in assigned], rng)
    first_real = rng.random(pairs) < 0.5  # whether the upper one of a pair's boxes is the real one
    automatic = AutomaticReader(perceptual.features) if perceptual else None
    written: dict[int, _Written] = {}
    for number, case in enumerate(cases):
        progress("fill", number, len(cases))
        own = {method: pair for pair, (place, method) in enumerate(assigned) if place == number}
        for index, method in enumerate(compared):
            pair = own.get(index)
            if pair is None and automatic is None:
                continue
            shown = pictures_of(case, method.fill(case))
            if automatic:
                automatic.look(shown, method.name, case.patient, pair)
            if pair is not None:
                written[pair] = _write_pair(shown, case, method.name, bool(first_real[pair]))
    progress("fill", len(cases), len(cases))
    digest = sha256(b"".join(written[pair].picture + written[pair].boxes for pair in range(pairs))).hexdigest()[:16]
    key = {
        "notice": NOTICE,
        "study": digest,
        "facts": _facts(images, chosen, compared, seed, size, cases, split, source, modality),
        "methods": [method.name for method in compared],
        "pairs": [written[pair].key for pair in range(pairs)],
        "trials": [_key_of(trial) for trial in trials],
    }
    with staged(output, folder=True, overwrite=overwrite) as folder:
        _write(folder, key, written, trials, first_real, seconds, automatic)
    return key


def _protocol(holes: Path | None, protocol: str | None) -> Protocol:
    if (holes is None) == (protocol is None):
        raise InputError("give either a folder of holes or a --protocol that makes them.")
    if protocol == METAL:
        raise InputError("protocol metal fills no holes; a reader study needs one that does.")
    return GIVEN_HOLES if protocol is None else find_protocol(protocol)


def _entries(
    images: Path, holes: Path | None, protocol: Protocol, split: str | None, source: str | None, modality: str | None
) -> list[Entry]:
    """The images of a list or folder; with a folder of holes, each with its hole."""
    if images.is_dir():
        if split or source:
            raise InputError(f"{images} is a folder, and a split or source is a column of a data list; leave it out.")
        files = [path for path in sorted(images.iterdir()) if suffix_of(path)]
        entries = [Entry(path.name, path.resolve(), modality=modality or "") for path in files]
        if not entries:
            raise InputError(f"{images} contains no images; name another folder, or a data list.")
    else:
        entries = entries_for(protocol, images, split, source, modality)
    if holes is None:
        return entries
    if not holes.is_dir():
        raise InputError(f"{holes} is not a folder; name the one that contains a hole for each image.")
    named = {_stem(path): path.resolve() for path in sorted(holes.iterdir())}
    missing = [entry.name for entry in entries if _stem(entry.path) not in named]
    if missing:
        raise InputError(f"{holes} contains no file of the name of {missing[0]}; add its hole, or leave the image out.")
    return [replace(entry, lesion=named[_stem(entry.path)]) for entry in entries]


def _stem(path: Path) -> str:
    return path.name.removesuffix(suffix_of(path))


def _cases(
    images: Path,
    entries: Sequence[Entry],
    protocol: Protocol,
    shown: Sequence[str],
    pairs: int,
    size: int,
    seed: int,
    progress: Progress,
) -> list[EvaluationCase]:
    """Cases of as many images as there are pairs, the first of each image before the second of any."""
    skipped: list[tuple[str, str]] = []
    found: list[list[EvaluationCase]] = []
    for entry in in_order(entries, len(entries), seed):
        progress("read", len(found), pairs)
        stated = entry if entry.modality or len(shown) != 1 else replace(entry, modality=shown[0])
        cases = cases_of(stated, protocol, shown, seed, skipped, size)
        found += [cases] if cases else []
        if len(found) == pairs:
            break
    if not found:
        raise InputError(f"{images}: no image could be used; the first: {': '.join(skipped[0])}")
    return list(_in_turn(found))[:pairs]


def _in_turn(groups: Sequence[Sequence[EvaluationCase]]) -> Iterator[EvaluationCase]:
    for place in range(max(map(len, groups))):
        yield from (group[place] for group in groups if place < len(group))


def _write_pair(shown: RealAndFilled, case: EvaluationCase, method: str, first_real: bool) -> _Written:
    rows, columns = box = shown.box
    first, second = (shown.real, shown.filled) if first_real else (shown.filled, shown.real)
    shared = first.copy()
    shared[box] = 0
    facts = {
        "x": columns.start,
        "y": rows.start,
        "rows": shared.shape[0],
        "columns": shared.shape[1],
        "bits": shown.bits,
        "low": shown.low,
        "high": shown.high,
        "unit": "HU" if case.modality == "ct" else "",
    }
    key = {
        "method": method,
        "case": case.name,
        "patient": case.patient,
        "variant": case.variant,
        "upper": "real" if first_real else "filled",
        "box": [columns.start, rows.start, columns.stop, rows.stop],
        **{name: facts[name] for name in ("bits", "low", "high")},
    }
    boxes = np.concatenate([first[box], second[box]])
    return _Written(webp_of(shared, shown.bits), webp_of(boxes, shown.bits), facts, key)


def _key_of(trial: StudyTrial) -> dict[str, Any]:
    return {"pair": trial.pair, "filled": trial.filled, "repeat": trial.repeat}


def _facts(
    images: Path,
    protocol: Protocol,
    methods: Sequence[Method],
    seed: int,
    size: int,
    cases: Sequence[EvaluationCase],
    split: str | None,
    source: str | None,
    modality: str | None,
) -> dict[str, str]:
    selection = {"split": split, "source": source, "modality": modality}
    chosen = ", ".join(f"{name} {value}" for name, value in selection.items() if value)
    bundles = ", ".join(f"{method.name} = {method.version}" for method in methods if method.version)
    return {
        "protocol": protocol.name,
        "seed": str(seed),
        "images and hole": protocol.facts(methods, None)[0]["images and hole"],
        "shown": f"at full size, films at most {size} pixels a side; patches in their film, "
        "of volumes three planes of the part around the hole",
        "data": f"{images.name}: {chosen or 'all images'}",
        "cases": f"{len(cases)} of {len({case.patient for case in cases})} patients",
        **({"bundles": bundles} if bundles else {}),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": ", ".join(versions(("monai-inpaint", "numpy", "openvino", "pillow"))),
    }


def _write(
    folder: Path,
    key: dict[str, Any],
    written: dict[int, _Written],
    trials: Sequence[StudyTrial],
    first_real: np.ndarray,
    seconds: int | None,
    automatic: AutomaticReader | None,
) -> None:
    """Pictures are numbered and written in the order of display, so that neither reveals the method."""
    pictures = folder / READERS / PICTURES
    pictures.mkdir(parents=True)
    numbers: dict[int, int] = {}
    shown: list[dict[str, Any]] = []
    for trial in trials:
        pair = written[trial.pair]
        if trial.pair not in numbers:
            number = numbers[trial.pair] = len(numbers) + 1
            (pictures / picture_name(number)).write_bytes(pair.picture)
            (pictures / boxes_name(number)).write_bytes(pair.boxes)
            key["pairs"][trial.pair]["number"] = number
        # the upper box is shown left, unless exchanged; the side of the fill follows from the key alone
        exchanged = (trial.filled == "left") == bool(first_real[trial.pair])
        number = numbers[trial.pair]
        names = {"picture": f"{PICTURES}/{picture_name(number)}", "boxes": f"{PICTURES}/{boxes_name(number)}"}
        shown.append({**names, "exchanged": exchanged, **pair.facts})
    study = {"study": key["study"], "version": __version__, "seconds": seconds, "trials": shown}
    (folder / READERS / PAGE).write_text(reader_page(study), encoding="utf-8")
    (folder / KEY).write_text(json.dumps(key, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    answers = automatic.answers([(trial.pair, trial.filled) for trial in trials]) if automatic else None
    if answers:
        (folder / AUTOMATIC).write_text(answers_text(key["study"], "automatic", answers), encoding="utf-8")


def picture_name(number: int) -> str:
    """The file of what the pictures of a pair share."""
    return f"{number:03d}.webp"


def boxes_name(number: int) -> str:
    """The file of what the two have in the box of the hole, one above the other."""
    return f"{number:03d}-boxes.webp"
