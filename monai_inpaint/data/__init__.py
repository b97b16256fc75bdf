"""Contains no data: kept so that `python -m monai_inpaint.data` still runs `monai-inpaint index`."""
