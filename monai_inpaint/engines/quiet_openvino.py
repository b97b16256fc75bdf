"""Import OpenVINO without its telemetry, which sends an event over the network."""

from __future__ import annotations

import sys

sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType]  # it does without

import openvino  # noqa: E402

__all__ = ["openvino"]
