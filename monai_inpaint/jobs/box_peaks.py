"""Boxes around the peaks of our own abnormality map, for trainings on films with a finding that nobody has boxed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from monai_inpaint.datasets.finding_boxes import FindingBox
from monai_inpaint.datasets.listing import Listing, unhealthy
from monai_inpaint.errors import InputError
from monai_inpaint.progress import Progress


def box_peaks(listing: Listing, folder: Path, progress: Progress) -> Listing:
    """The listing with boxes around the high peaks of each film that shows a finding, labelled by its note.

    Args:
        listing: films show a finding as `monai_inpaint.datasets.listing.unhealthy` tells.
        folder: boxes name films by their paths in it, and others by their file names.
        progress: called with films done and their number.

    Raises:
        InputError: there is no such film, or one cannot be read.
    """
    from monai_inpaint.anomaly import compute_anomaly_map, high_candidates
    from monai_inpaint.fill.filler import Filler
    from monai_inpaint.imaging.modality import modality_named
    from monai_inpaint.io import read_image

    sick = unhealthy([(row.source, row.note) for row in listing.rows])
    films = [
        row
        for row, is_sick in zip(listing.rows, sick, strict=True)
        if is_sick and modality_named(row.modality) == "cxr"
    ]
    if not films:
        raise InputError("The table names no film with a finding; state findings and healthy films in its column note.")
    boxes: list[FindingBox] = []
    filler = Filler("cxr")
    for number, row in enumerate(films):
        progress("films", number, len(films))
        path = row.path.resolve()
        name = path.relative_to(folder.resolve()).as_posix() if path.is_relative_to(folder.resolve()) else path.name
        peaks = high_candidates(compute_anomaly_map(filler, read_image(row.path)).map)
        boxes += [FindingBox(name, row.note, peak.x, peak.y, peak.w, peak.h) for peak in peaks]
    return replace(listing, boxes=boxes)
