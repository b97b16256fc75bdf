"""`monai-inpaint serve-dicom SETTINGS.json`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import path_text
from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, say

NAME = "serve-dicom"
HELP = "Receive studies by DICOM, fill them by rules, and send the results back."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "settings", type=path_text, metavar="SETTINGS.json", help="queue, ports, AE titles, rules; see docs/deploy.md"
    )


def run(args: argparse.Namespace) -> int:
    try:
        from monai_inpaint.pacs.service import serve
        from monai_inpaint.pacs.settings import read_settings
    except ModuleNotFoundError as error:
        raise InputError(
            f"serve-dicom needs {error.name}, which is not installed: pip install 'monai-inpaint[dicom]'."
        ) from error
    serve(read_settings(Path(args.settings)), say)
    return DONE
