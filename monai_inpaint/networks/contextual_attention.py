"""Multi-head contextual attention within windows, and its mask update (Li et al. 2022, MAT, section 3.3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

_INVALID = -1e4  # added to a score; the weight of such a token is 0 in every precision


class ContextualAttention(nn.Module):
    """Attend to the valid tokens of each window (equations 3 and 4); queries and keys have unit length.

    A window without a valid token returns 0 and stays invalid; in any other window, all tokens become valid.

    Args:
        features: of a token, a multiple of `heads`.
        heads: of the attention.
    """

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(features, features) for _ in range(3))
        self.sharpness = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))

    def forward(self, tokens: torch.Tensor, valid: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Attention of every token, and which are valid after it.

        Args:
            tokens: (windows, n, features).
            valid: (windows, n), 1 or 0; None: all are.
        """
        query, key, value = (
            layer(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        query, key = (F.normalize(one, dim=-1) for one in (query, key))
        scores = (query * self.sharpness.exp().to(query.dtype)) @ key.transpose(-1, -2)
        if valid is not None:
            scores = scores + (_INVALID * (1.0 - valid))[:, None, None, :].to(scores.dtype)
        found = (scores.softmax(dim=-1).to(value.dtype) @ value).transpose(1, 2).flatten(2)
        if valid is None:
            return found, None
        after = valid.amax(dim=1, keepdim=True).expand_as(valid)
        return found * after[..., None].to(found.dtype), after


def windows_of(maps: torch.Tensor, side: int) -> torch.Tensor:
    """(B, C, H, W) to (B H W / side^2, side^2, C): the tokens of square windows; H and W are multiples of `side`."""
    batch, channels, height, width = maps.shape
    cut = maps.view(batch, channels, height // side, side, width // side, side)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(-1, side * side, channels)


def maps_of(windows: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Undo `windows_of`; the features of a token stay side by side in memory, as convolutions want them."""
    side = math.isqrt(windows.shape[1])
    rows, columns = height // side, width // side
    cut = windows.view(-1, rows, columns, side, side, windows.shape[2])
    return cut.transpose(2, 3).reshape(-1, height, width, windows.shape[2]).permute(0, 3, 1, 2)
