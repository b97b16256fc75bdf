"""Run one job for any surface: read, find the region, process, write all outputs or none, report."""
