"""Abnormality maps: where an image differs from its fills; needs numpy, scipy, Pillow and an engine only."""

from __future__ import annotations

from monai_inpaint.anomaly.anomaly_map import Abnormality, abnormality
from monai_inpaint.anomaly.peaks import Candidate, candidates, write_candidates

__all__ = ["Abnormality", "Candidate", "abnormality", "candidates", "write_candidates"]
