"""Not the command `difference` (`anomaly/`): kept for `python -m monai_inpaint.difference`, now `reference`."""
