"""Export from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_exporting_what_is_no_bundle_ends_with_one_sentence(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "monai_inpaint.networks.export", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
