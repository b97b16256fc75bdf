"""Only the bundles that the rules need travel, and they are enough."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from study_samples import RULES, study

from monai_inpaint.pacs.needed_bundles import bundles_for, gather
from monai_inpaint.pacs.rules import Rule, rules_of
from monai_inpaint.pacs.study import Bundles, process_study
from monai_inpaint.registry import bundle_info

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (Rule("DX", "SEG"), ["cxr_inpainting"]),
        (Rule("CT", "metal"), ["ct_inpainting", "ct_metal"]),
        (Rule("CT", "metal", method="nmar"), []),
        (Rule("CT", "metal", bundle="ct"), ["ct_inpainting", "ct_metal"]),
        (Rule("CT", "metal", bundle="ct_metal"), ["ct_metal"]),
        (Rule("MR", "metal"), ["mr_inpainting"]),
    ],
)
def test_a_rule_needs_what_may_fill_by_it(rule: Rule, names: list[str]) -> None:
    assert [bundle.name for bundle in bundles_for([rule])] == names


def test_a_study_is_filled_where_nothing_but_the_gathered_bundles_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("highdicom")
    rules = rules_of(RULES, "rules")
    assert gather(rules, tmp_path / "models") == ["ct_inpainting", "cxr_inpainting", "mr_inpainting"]
    monkeypatch.setattr(bundle_info, "_home", lambda: tmp_path / "none")

    record = process_study(study(tmp_path / "study"), tmp_path / "out", rules, Bundles(tmp_path / "models"))

    assert {entry["why"] for entry in record["series"]} == {""}


def test_the_script_of_the_app_gathers_them_and_refuses_in_one_sentence(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES[1:2]))
    command = [sys.executable, str(ROOT / "deploy_app" / "gather_bundles.py"), str(rules), str(tmp_path / "models")]

    first, second = (subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(2))

    assert (first.returncode, first.stdout) == (0, "mr_inpainting\n"), first.stderr
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["mr_inpainting"]
    assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
