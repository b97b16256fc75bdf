"""Readers of public layouts: each turns a folder as published into the data list of training and evaluation."""

from monai_inpaint.datasets.finding_boxes import FindingBox, read_boxes
from monai_inpaint.datasets.listing import Listing, Row, is_healthy, write_listing

__all__ = ["FindingBox", "Listing", "Row", "is_healthy", "read_boxes", "write_listing"]
