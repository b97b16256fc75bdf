"""Pictures of slices and pages that compare them; needs numpy and Pillow only."""

from __future__ import annotations

from monai_inpaint.reports.compare import compare
from monai_inpaint.reports.line_chart import UNIT, Axis, Curve, line_chart
from monai_inpaint.reports.planes import planes
from monai_inpaint.reports.report_page import Comparison, Picture, Slider, Table, comparison_page
from monai_inpaint.reports.slice_png import difference_png, grey_png

__all__ = [
    "UNIT",
    "Axis",
    "Comparison",
    "Curve",
    "Picture",
    "Slider",
    "Table",
    "compare",
    "comparison_page",
    "difference_png",
    "grey_png",
    "line_chart",
    "planes",
]
