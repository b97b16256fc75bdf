"""The former home of `monai-inpaint index`; `python -m monai_inpaint.data` still runs it."""
