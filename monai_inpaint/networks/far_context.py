"""Self-attention over the tokens of the coarsest level, for context far from the hole."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

_WAVES = 3  # sines and cosines a direction, from one period over twice the window on


class FarContext(nn.Module):
    """x + attention(x), with the tokens' positions in the window as further features; initialised to the identity.

    Args:
        channels: features; a multiple of 32 if there are more than 32, for each head takes 32.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = max(channels // 32, 1)
        self.norm = nn.LayerNorm(channels)
        self.take = nn.Linear(channels + 4 * _WAVES, 3 * channels)
        self.give = nn.Linear(channels, channels)
        nn.init.zeros_(self.give.weight)
        nn.init.zeros_(self.give.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) to the same."""
        batch, channels, height, width = x.shape
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        places = _places(height, width, x).expand(batch, -1, -1)
        taken = self.take(torch.cat((tokens, places.to(tokens.dtype)), dim=2))
        query, key, value = (
            part.reshape(batch, height * width, self.heads, channels // self.heads).transpose(1, 2)
            for part in taken.chunk(3, dim=2)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        given = self.give(attended.transpose(1, 2).reshape(batch, height * width, channels))
        return x + given.transpose(1, 2).reshape(batch, channels, height, width)


def _places(height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """(1, H * W, 4 * _WAVES): sines and cosines of the tokens' rows and columns, -1 to 1 over the window."""
    rows = (2.0 * torch.arange(height, device=like.device) + 1.0) / height - 1.0
    columns = (2.0 * torch.arange(width, device=like.device) + 1.0) / width - 1.0
    angles = math.pi / 2 * 2.0 ** torch.arange(_WAVES, device=like.device)
    rows = (rows[:, None] * angles).unsqueeze(1).expand(height, width, _WAVES)
    columns = (columns[:, None] * angles).unsqueeze(0).expand(height, width, _WAVES)
    both = torch.cat((rows, columns), dim=2).reshape(1, height * width, 2 * _WAVES)
    return torch.cat((both.sin(), both.cos()), dim=2)
