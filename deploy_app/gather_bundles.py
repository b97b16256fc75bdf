"""`python deploy_app/gather_bundles.py RULES.json MODELS`: copies the bundles that the rules need into a new folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.pacs.needed_bundles import gather
from monai_inpaint.pacs.rules import read_rules


def main() -> int:
    """Copy; the exit code is that of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", type=Path, metavar="RULES.json")
    parser.add_argument("models", type=Path, metavar="MODELS", help="new folder, for -m of the app and its packager")
    args = parser.parse_args()
    names = gather(read_rules(args.rules), args.models)
    sys.stdout.write(", ".join(names) + "\n")
    return DONE


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
