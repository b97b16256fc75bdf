"""Lung nodules by shape, size and texture, and the shadows of real ones (Shen et al. 2022; Litjens et al. 2010)."""
