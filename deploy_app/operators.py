"""Operators that call monai_inpaint, one step each; an error in a series is recorded in its entry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai.deploy.core import Fragment, Operator, OperatorSpec

from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.series import Study
from monai_inpaint.pacs.study import Bundles, choose_one, fill_case, write_case


class LoadStudyOperator(Operator):
    """Gives the series of a study one by one; takes the condition `more`, which it ends after the last."""

    def __init__(self, fragment: Fragment, *args: Any, study: Study, **kwargs: Any) -> None:
        self._series = list(enumerate(study.series, start=1))
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.output("series")

    def compute(self, _op_input: Any, op_output: Any, _context: Any) -> None:
        op_output.emit(self._series.pop(0), "series")
        if not self._series:
            self.conditions["more"].disable_tick()


class ChooseOperator(Operator):
    """A series, to what the rules say of it."""

    def __init__(self, fragment: Fragment, *args: Any, study: Study, rules: Sequence[Rule], **kwargs: Any) -> None:
        self._marks, self._rules = study.marks, rules
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("series")
        spec.output("case")

    def compute(self, op_input: Any, op_output: Any, _context: Any) -> None:
        number, series = op_input.receive("series")
        op_output.emit(choose_one(number, series, self._marks, self._rules), "case")


class FillOperator(Operator):
    """Reads a series and its hole, and fills it."""

    def __init__(self, fragment: Fragment, *args: Any, bundles: Bundles, **kwargs: Any) -> None:
        self._bundles = bundles
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("case")
        spec.output("filled")

    def compute(self, op_input: Any, op_output: Any, _context: Any) -> None:
        op_output.emit(fill_case(op_input.receive("case"), self._bundles), "filled")


class WriteOperator(Operator):
    """Writes the derived series, SEG, RTSTRUCT, Parametric Map, structured report and overview of a series."""

    def __init__(
        self, fragment: Fragment, *args: Any, output: Path, entries: list[dict[str, Any]], **kwargs: Any
    ) -> None:
        self._output, self._entries = output, entries
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("filled")

    def compute(self, op_input: Any, _op_output: Any, _context: Any) -> None:
        self._entries.append(write_case(op_input.receive("filled"), self._output))
