"""The page of a reader study: one HTML file and its pictures, without server or network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from monai_inpaint.version import NOTICE

TEMPLATE = Path(__file__).with_name("reader_page.html")


def reader_page(study: Mapping[str, Any]) -> str:
    """Return the page as HTML text.

    Args:
        study: "study" (identifier), "version", "seconds" (a limit a pair, or None) and "trials": of each "picture" and
            "boxes" (files), "exchanged" (whether the upper box is that of the right side), the position of the box
            ("x", "y"), "rows" and "columns", "bits", "low", "high" and "unit". It must not reveal which picture is
            real.
    """
    data = json.dumps(study, separators=(",", ":")).replace("<", "\\u003c")
    template = TEMPLATE.read_text(encoding="utf-8")
    return template.replace("NOTICE", escape(NOTICE)).replace("/*STUDY*/ null", data)
