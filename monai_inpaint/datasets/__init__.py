"""Readers of published data sets: each turns a folder as published into a data list."""

from monai_inpaint.datasets.finding_boxes import FindingBox, read_boxes
from monai_inpaint.datasets.listing import Listing, Row, is_healthy, write_listing

__all__ = ["FindingBox", "Listing", "Row", "is_healthy", "read_boxes", "write_listing"]
