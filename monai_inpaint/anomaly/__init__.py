"""Abnormality maps (the command `difference`): where an image differs from its fills.

Needs only numpy, scipy, Pillow and an engine.
"""

from __future__ import annotations

from monai_inpaint.anomaly.anomaly_map import AnomalyMap, compute_anomaly_map
from monai_inpaint.anomaly.doubled_difference import doubled_difference
from monai_inpaint.anomaly.peaks import Candidate, candidates, high_candidates, write_candidates

Abnormality, abnormality = AnomalyMap, compute_anomaly_map  # their former names, for this release

__all__ = [
    "Abnormality",
    "AnomalyMap",
    "Candidate",
    "abnormality",
    "candidates",
    "compute_anomaly_map",
    "doubled_difference",
    "high_candidates",
    "write_candidates",
]
