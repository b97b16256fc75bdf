"""Dates and times of new DICOM objects, in the time zone of those that they take over from their source."""

from __future__ import annotations

from datetime import UTC, datetime

from pydicom.dataset import Dataset


def now_for(source: Dataset) -> datetime:
    """Return the time in the source's time zone (`zoned`)."""
    return zoned(datetime.now(UTC), source)


def zoned(moment: datetime, source: Dataset) -> datetime:
    """Return a moment in the time zone that TimezoneOffsetFromUTC of a source says; without it, in the machine's.

    That offset holds for all dates and times of an object, and derived objects keep it.
    """
    try:
        zone = datetime.strptime(str(source.get("TimezoneOffsetFromUTC") or ""), "%z").tzinfo
    except ValueError:  # absent, or damaged
        zone = None
    return moment.astimezone(zone)


def set_moment(dataset: Dataset, moment: datetime, *names: str) -> None:
    """Set date and time of each of these, for example "Content" for ContentDate and ContentTime."""
    for name in names:
        setattr(dataset, f"{name}Date", moment.strftime("%Y%m%d"))
        setattr(dataset, f"{name}Time", moment.strftime("%H%M%S"))
