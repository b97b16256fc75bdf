"""The application: four operators in a row, one series after the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holoscan.conditions import BooleanCondition
from monai.deploy.core import AppContext, Application
from operators import ChooseOperator, FillOperator, LoadStudyOperator, WriteOperator

from monai_inpaint.pacs.rules import Rule, read_rules
from monai_inpaint.pacs.series import Study, find_series
from monai_inpaint.pacs.study import Bundles, check_empty, write_record

RULES = Path(__file__).with_name("rules.json")


class FillStudy(Application):
    """A folder with a study in, a folder with results and record.json out.

    Args:
        study: what the input holds.
        output: an empty folder.
        rules: what is filled, and how.
        bundles: what fills.
    """

    def __init__(self, study: Study, output: Path, rules: Sequence[Rule], bundles: Bundles) -> None:
        self.study, self.output, self.rules, self.bundles = study, output, rules, bundles
        self.entries: list[dict[str, Any]] = []
        super().__init__()

    @classmethod
    def of(cls, context: AppContext) -> FillStudy:
        """The application for the folders of HOLOSCAN_INPUT_PATH, _OUTPUT_PATH and _MODEL_PATH, or -i, -o and -m.

        MONAI_INPAINT_RULES names another file of rules, MONAI_INPAINT_ENGINE what runs the networks ("torch" takes a
        GPU if there is one).

        Raises:
            InputError: no DICOM in the input, an output that is not empty, or rules that are none.
        """
        output = Path(context.output_path)
        check_empty(output)
        output.mkdir(exist_ok=True)
        bundles = Bundles(Path(context.model_path), os.environ.get("MONAI_INPAINT_ENGINE", "auto"))
        rules = read_rules(Path(os.environ.get("MONAI_INPAINT_RULES", RULES)))
        return cls(find_series(Path(context.input_path)), output, rules, bundles)

    def compose(self) -> None:
        more = BooleanCondition(self, name="more", enable_tick=bool(self.study.series))
        load = LoadStudyOperator(self, more, study=self.study, name="load")
        choose = ChooseOperator(self, study=self.study, rules=self.rules, name="choose")
        fill = FillOperator(self, bundles=self.bundles, name="fill")
        write = WriteOperator(self, output=self.output, entries=self.entries, name="write")
        self.add_flow(load, choose, {("series", "series")})
        self.add_flow(choose, fill, {("case", "case")})
        self.add_flow(fill, write, {("filled", "filled")})

    def process(self) -> dict[str, Any]:
        """Run, and write the record."""
        if self.study.series:
            self.run()
        return write_record(self.entries, self.study.unreadable, self.output)
