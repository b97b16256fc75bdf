"""Check whether a device computes in bfloat16; others emulate it, ten times slower than float32."""

from __future__ import annotations

from functools import cache

import torch


def has_bfloat16(device: torch.device) -> bool:
    """CUDA from Ampere on, and processors with instructions for it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return _processor_has_bfloat16()


@cache
def _processor_has_bfloat16() -> bool:
    return any(there for name, there in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
