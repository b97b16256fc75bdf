"""`python -m monai_inpaint` is `monai-inpaint`."""

import sys

from monai_inpaint.cli import main

sys.exit(main())
