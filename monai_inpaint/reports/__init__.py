"""Pictures of slices and pages that compare them; needs numpy and Pillow only."""

from __future__ import annotations

from monai_inpaint.reports.compare import compare
from monai_inpaint.reports.planes import planes
from monai_inpaint.reports.report_page import Comparison, Picture, Table, comparison_page
from monai_inpaint.reports.slice_png import difference_png, grey_png

__all__ = ["Comparison", "Picture", "Table", "compare", "comparison_page", "difference_png", "grey_png", "planes"]
