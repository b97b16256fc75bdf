"""Tables that benchmarks print."""

from __future__ import annotations

import re


def table_of(printed: str) -> list[list[str]]:
    """Cells of the rows under the heading; every row must be as wide as the heading."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in printed.splitlines()
        if line.startswith("|")
    ]
    assert len({len(row) for row in rows}) == 1
    return rows[2:]
