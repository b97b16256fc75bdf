"""`python -m monai_inpaint.data` is `monai-inpaint index`."""

import sys

from monai_inpaint.cli import main

sys.exit(main(["index", *sys.argv[1:]]))
