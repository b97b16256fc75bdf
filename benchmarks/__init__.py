"""Measurements of speed, memory and quality: `python -m benchmarks [name ...]`; each prints a Markdown table."""
