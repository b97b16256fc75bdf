"""Fills on samples that come with installed packages or are computed: `python -m monai_inpaint.demo`."""
