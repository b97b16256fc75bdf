"""`python deploy_app -i INPUT -o OUTPUT -m MODELS`: fills a study. Research use only, not for diagnosis."""

from __future__ import annotations

import logging
import sys
import warnings

from monai_inpaint.errors import InputError
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.pacs.kept_images import FILLED


def main() -> int:
    """Run the application; the exit code is that of the command line."""
    try:
        from app import FillStudy
        from monai.deploy.core import Application
    except ModuleNotFoundError as error:
        raise InputError(
            f"The MONAI Deploy App SDK is not installed in {sys.prefix} (no module {error.name}); install it with: "
            "pip install -r deploy_app/requirements.txt, or run the application with .venv-deploy/bin/python."
        ) from None
    context = Application.init_app_context()
    # Libraries quote what they warn of; logs are to hold nothing of the files.
    warnings.simplefilter("ignore")
    for library in ("pydicom", "highdicom"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    record = FillStudy.of(context).process()
    series = record["series"]
    filled = sum(entry["status"] == FILLED for entry in series)
    print(f"{filled} of {len(series)} series filled; record.json lists all. Research use only, not for diagnosis.")
    return DONE


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
