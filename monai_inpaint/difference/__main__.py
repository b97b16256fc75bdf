"""`python -m monai_inpaint.difference` is `monai-inpaint reference`."""

import sys

from monai_inpaint.cli import main

sys.exit(main(["reference", *sys.argv[1:]]))
