"""Lung nodules by shape, size and texture, and the shadows of real ones (Shen et al. 2022; Litjens et al. 2010)."""

FILM_MM = 400.0  # of the longer side of a film that does not state its pixel size
