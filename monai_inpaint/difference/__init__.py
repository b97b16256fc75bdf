"""The former home of `monai-inpaint reference`; `python -m monai_inpaint.difference` still runs it."""
