"""Read, find the region, do, write all outputs or none, report: what every surface runs."""
