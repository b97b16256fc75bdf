"""Compare fills with the truth: protocols, classical methods, tables and pictures."""

from __future__ import annotations

from monai_inpaint.evaluation.run import evaluate
from monai_inpaint.evaluation.summary import Summary

__all__ = ["Summary", "evaluate"]
